#include "cl_extents.h"

#include <stdlib.h>
#include <string.h>

void cl_append_all(struct cl_extents *extents, const uint64_t *gfns, size_t count)
{
    if (count > extents->capacity - extents->count)
        abort();
    memcpy(extents->list + extents->count, gfns, count * sizeof(*gfns));
    extents->count += count;
}

void cl_append(struct cl_extents *extents, uint64_t gfn)
{
    if (extents->count >= extents->capacity)
        abort();
    extents->list[extents->count++] = gfn;
}
