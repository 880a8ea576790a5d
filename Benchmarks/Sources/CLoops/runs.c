#include "cl_runs.h"

struct cl_run cl_run_at(size_t start, const uint64_t *frames, size_t count)
{
    uint64_t next = frames[start];
    size_t i = start;
    do {
        i++;
        next++;
    } while (i < count && frames[i] == next);
    return (struct cl_run){frames[start], i - start};
}
