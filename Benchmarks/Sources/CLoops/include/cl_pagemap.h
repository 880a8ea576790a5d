/* Entries of /proc/self/pagemap. */
#ifndef CL_PAGEMAP_H
#define CL_PAGEMAP_H

#include <stddef.h>
#include <stdint.h>

#define CL_FRAME_MASK ((UINT64_C(1) << 55) - 1)
#define CL_SWAPPED (UINT64_C(1) << 62)
#define CL_PRESENT (UINT64_C(1) << 63)

/* The first frame of the extent that `count` entries, a power of two, describe; 0 if they are not one. */
uint64_t cl_extent(const uint64_t *entries, size_t count);

#endif
