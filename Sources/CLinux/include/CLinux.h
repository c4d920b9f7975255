// What glibc hides behind _GNU_SOURCE or in macros that Swift can't import.
#pragma once
#include "media_loop.h"
#include "pipeline_worker.h"
#include "prefetch.h"
#include "processes.h"
