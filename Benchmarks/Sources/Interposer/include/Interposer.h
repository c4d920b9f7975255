// Preloaded into a program (LD_PRELOAD), counts its heap allocations, retains and releases.
#pragma once
#include <stdint.h>

typedef struct ladle_interposed {
    uint64_t allocations, frees, retains, releases;
} ladle_interposed;

/// What the calling thread has done so far. A program finds this function by dlsym, or finds it missing.
void ladle_interposed_counts(ladle_interposed *counts);
