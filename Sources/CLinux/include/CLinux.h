// What glibc hides behind _GNU_SOURCE or in macros that Swift can't import.
#pragma once
#include <stdint.h>

/// CPU time of the calling thread in nanoseconds.
int64_t ladle_thread_cpu_ns(void);
