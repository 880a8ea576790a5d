/* The list of extents of one reservation hypercall. */
#ifndef CL_EXTENTS_H
#define CL_EXTENTS_H

#include <stddef.h>
#include <stdint.h>

struct cl_extents {
    uint64_t *list;
    size_t capacity, count;
    unsigned order;
};

/* Adds one extent after the other. The list must have room for all. */
void cl_append_all(struct cl_extents *extents, const uint64_t *gfns, size_t count);

/* Adds the extents of the list's order that lie in `frames`; returns how many of them were looked at. */
size_t cl_append_extents(struct cl_extents *extents, const uint64_t *frames, size_t count);

#endif
