// What OpenSSL alone costs per packet, and how much is allocated.
#pragma once
#include <stdint.h>

typedef struct raw_cipher raw_cipher;

/// suite: 0 AES-256-GCM, 1 AES-128-GCM, 2 AES-128-CTR with HMAC-SHA1 by hashed pads, 3 the same with EVP_MAC.
raw_cipher *raw_cipher_new(int suite);
void raw_cipher_free(raw_cipher *);

/// Copies `header` bytes and encrypts the rest of the `length` bytes at `in`; the tag stands behind. 1: it worked.
int raw_cipher_protect(raw_cipher *, const void *in, int header, int length, uint64_t index, void *out);

/// Of this thread, in nanoseconds.
uint64_t raw_thread_ns(void);

/// Calls of malloc, calloc, realloc and aligned_alloc in this process so far, libraries included.
uint64_t raw_allocations(void);
