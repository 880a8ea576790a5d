#include "cl_pagemap.h"

uint64_t cl_extent(const uint64_t *entries, size_t count)
{
    uint64_t first = entries[0] & CL_FRAME_MASK;
    uint64_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t entry = entries[i] & (CL_FRAME_MASK | CL_PRESENT | CL_SWAPPED);
        wrong |= entry ^ ((first | CL_PRESENT) + i);
    }
    return wrong == 0 && (first & (count - 1)) == 0 ? first : 0;
}
