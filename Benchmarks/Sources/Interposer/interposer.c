// Each function counts and calls the one that it hides. Threads count for themselves, so that nothing is shared and
// the background threads of a runtime stay out of the figures.
#define _GNU_SOURCE
#include "Interposer.h"
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

static __thread ladle_interposed counts __attribute__((tls_model("initial-exec")));

__attribute__((visibility("default"))) void ladle_interposed_counts(ladle_interposed *result) { *result = counts; }

// dlsym itself allocates at its first call: those few blocks come from here and are never given back.
static char nursery[4096];
static size_t nursery_used;
static int looking;

static void *from_nursery(size_t size) {
    size_t start = (nursery_used + 15) & ~(size_t)15;
    if (start + size > sizeof nursery) return NULL;
    nursery_used = start + size;
    return nursery + start;
}

static int is_from_nursery(const void *block) {
    return (const char *)block >= nursery && (const char *)block < nursery + sizeof nursery;
}

#define NEXT(function) \
    static __typeof__(function) *next; \
    if (!next) { \
        looking = 1; \
        next = (__typeof__(function) *)dlsym(RTLD_NEXT, #function); \
        looking = 0; \
    }

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **block, size_t alignment, size_t size);

void *malloc(size_t size) {
    if (looking) return from_nursery(size);
    NEXT(malloc)
    counts.allocations++;
    return next(size);
}

void *calloc(size_t count, size_t size) {
    if (looking) return from_nursery(count * size);
    NEXT(calloc)
    counts.allocations++;
    return next(count, size);
}

void *realloc(void *block, size_t size) {
    NEXT(realloc)
    counts.allocations++;
    if (!is_from_nursery(block)) return next(block, size);
    void *moved = malloc(size);
    // The nursery does not know sizes; what lies behind a block is readable up to its end.
    size_t readable = (size_t)(nursery + sizeof nursery - (char *)block);
    if (moved) memcpy(moved, block, size < readable ? size : readable);
    return moved;
}

void free(void *block) {
    if (!block || is_from_nursery(block)) return;
    NEXT(free)
    counts.frees++;
    next(block);
}

void *aligned_alloc(size_t alignment, size_t size) {
    NEXT(aligned_alloc)
    counts.allocations++;
    return next(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    NEXT(posix_memalign)
    counts.allocations++;
    return next(block, alignment, size);
}

// The Swift runtime's (docs/ABI of the Swift project): objects, and the boxed pointers that strings and arrays hold.
// swift_allocObject and swift_slowAlloc end in malloc or posix_memalign, which are counted above.
#define RETAINS(function) \
    void *function(void *object); \
    void *function(void *object) { \
        NEXT(function) \
        counts.retains++; \
        return next(object); \
    }
#define RELEASES(function) \
    void function(void *object); \
    void function(void *object) { \
        NEXT(function) \
        counts.releases++; \
        next(object); \
    }
#define RETAINS_MANY(function) \
    void *function(void *object, uint32_t times); \
    void *function(void *object, uint32_t times) { \
        NEXT(function) \
        counts.retains += times; \
        return next(object, times); \
    }
#define RELEASES_MANY(function) \
    void function(void *object, uint32_t times); \
    void function(void *object, uint32_t times) { \
        NEXT(function) \
        counts.releases += times; \
        next(object, times); \
    }

RETAINS(swift_retain)
RETAINS(swift_bridgeObjectRetain)
RETAINS(swift_unknownObjectRetain)
RETAINS(swift_nonatomic_retain)
RELEASES(swift_release)
RELEASES(swift_bridgeObjectRelease)
RELEASES(swift_unknownObjectRelease)
RELEASES(swift_nonatomic_release)
RETAINS_MANY(swift_retain_n)
RETAINS_MANY(swift_bridgeObjectRetain_n)
RELEASES_MANY(swift_release_n)
RELEASES_MANY(swift_bridgeObjectRelease_n)
