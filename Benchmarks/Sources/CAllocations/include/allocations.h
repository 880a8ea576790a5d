/* How many allocations this program has made so far: all calls of malloc, calloc, realloc and the aligned ones. */
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

#include <stdint.h>

uint64_t al_count(void);

#endif
