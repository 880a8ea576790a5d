/* The list of extents of one reservation hypercall. */
#ifndef CL_EXTENTS_H
#define CL_EXTENTS_H

#include <stddef.h>
#include <stdint.h>

struct cl_extents {
    uint64_t *list;
    size_t capacity, count;
};

/* Adds extents one by one. The list must have room for all of them. */
void cl_append_all(struct cl_extents *extents, const uint64_t *gfns, size_t count);

/* Adds one extent. The list must have room. */
void cl_append(struct cl_extents *extents, uint64_t gfn);

#endif
