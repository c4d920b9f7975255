// Memory that will be wanted soon.
#pragma once

/// Asks for the cache line of an address, to be written to, without waiting for it. An address that is none of ours does
/// nothing.
static inline void ladle_prefetch(const void *_Nullable address) { __builtin_prefetch(address, 1, 3); }
