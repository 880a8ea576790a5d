/* How often this program has asked for memory so far: malloc, calloc, realloc and the aligned ones, by whomever. */
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

#include <stdint.h>

uint64_t al_count(void);

#endif
