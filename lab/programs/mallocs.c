/* Counts what a program allocates, to see what its steps need. Two programs of one source:

   LD_PRELOAD=mallocs.so MALLOCS=FILE PROGRAM: counts into FILE.
   mallocs FILE (built with -DREADER): prints `calls N bytes N peak N live N` since it was asked last: allocations, bytes
   asked for, and the most and the last that was in use beyond what was in use then. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct counts {
    int64_t calls, bytes, live, peak, base;
};

#include "counts.h"

#ifdef READER
static void print_counts(void)
{
    printf("calls %lld bytes %lld peak %lld live %lld\n", (long long)counts->calls, (long long)counts->bytes,
           (long long)(counts->peak - counts->base), (long long)(counts->live - counts->base));
    counts->calls = counts->bytes = 0;
    counts->base = counts->peak = counts->live;
}
#else
void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

__attribute__((constructor)) static void begin(void) { map_counts(getenv("MALLOCS")); }

static void *taken(void *block, size_t bytes)
{
    if (!block)
        return NULL;
    __atomic_add_fetch(&counts->calls, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&counts->bytes, (int64_t)bytes, __ATOMIC_RELAXED);
    int64_t live = __atomic_add_fetch(&counts->live, (int64_t)malloc_usable_size(block), __ATOMIC_RELAXED);
    if (live > counts->peak)
        counts->peak = live;
    return block;
}

static void given_back(void *block)
{
    if (block)
        __atomic_sub_fetch(&counts->live, (int64_t)malloc_usable_size(block), __ATOMIC_RELAXED);
}

void *malloc(size_t bytes) { return taken(__libc_malloc(bytes), bytes); }

void *calloc(size_t count, size_t bytes) { return taken(__libc_calloc(count, bytes), count * bytes); }

void *realloc(void *block, size_t bytes)
{
    given_back(block);
    return taken(__libc_realloc(block, bytes), bytes);
}

void *memalign(size_t alignment, size_t bytes) { return taken(__libc_memalign(alignment, bytes), bytes); }

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    *block = memalign(alignment, bytes);
    return *block ? 0 : 12; /* ENOMEM */
}

void free(void *block)
{
    given_back(block);
    __libc_free(block);
}
#endif
