// libsrtp as Swift can see it.
#pragma once
#include <srtp2/srtp.h>
