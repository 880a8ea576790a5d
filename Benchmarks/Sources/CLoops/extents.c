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

size_t cl_append_extents(struct cl_extents *extents, const uint64_t *frames, size_t count)
{
    uint64_t size = UINT64_C(1) << extents->order;
    size_t i = 0;
    while (i < count) {
        size_t end = i + 1;
        while (end < count && frames[end] == frames[i] + (end - i))
            end++;
        /* From one boundary of the order to the next. */
        size_t at = i + (size_t)(-frames[i] & (size - 1));
        for (; at <= end && end - at >= size; at += size) {
            if (extents->count >= extents->capacity)
                return at;
            extents->list[extents->count++] = frames[at];
        }
        i = end;
    }
    return count;
}
