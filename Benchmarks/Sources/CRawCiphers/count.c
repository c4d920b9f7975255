// A program's own malloc comes before the C library's, for every library that is loaded: what they all allocate is
// counted here. glibc keeps its own under these names.
#include "CRawCiphers.h"
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static uint64_t count;

void *malloc(size_t size) {
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    return __libc_malloc(size);
}
void *calloc(size_t items, size_t size) {
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    return __libc_calloc(items, size);
}
void *realloc(void *old, size_t size) {
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    return __libc_memalign(alignment, size);
}
int posix_memalign(void **where, size_t alignment, size_t size) {
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    *where = __libc_memalign(alignment, size);
    return *where ? 0 : 12;
}

uint64_t raw_allocations(void) { return __atomic_load_n(&count, __ATOMIC_RELAXED); }
