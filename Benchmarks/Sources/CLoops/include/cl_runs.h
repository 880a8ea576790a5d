/* Runs of guest frames that lie one behind the other. */
#ifndef CL_RUNS_H
#define CL_RUNS_H

#include <stddef.h>
#include <stdint.h>

struct cl_run {
    uint64_t first;
    size_t count;
};

/* The run that begins at `start`. */
struct cl_run cl_run_at(size_t start, const uint64_t *frames, size_t count);

#endif
