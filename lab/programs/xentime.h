/* Xen's system time, the one clock that dom0 and a guest have in common. Linux's clocks in both run at its speed, but each
   begins at its own boot. */
#ifndef LAB_XENTIME_H
#define LAB_XENTIME_H

#include <sched.h>
#include <time.h>
#include <unistd.h>
#include "hypercall.h"
#include <xen/vcpu.h>

static inline uint64_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* When, in Xen's time, this processor was last given to this domain. */
static inline uint64_t running_since(void)
{
    struct vcpu_runstate_info *state = (void *)(hypercall_buffer + ARGUMENT_OFFSET);
    privcmd_hypercall_t call = {
        .op = __HYPERVISOR_vcpu_op, .arg = { VCPUOP_get_runstate_info, 0, (uintptr_t)state } };
    if (ioctl(privcmd_fd, IOCTL_PRIVCMD_HYPERCALL, &call)) {
        perror("VCPUOP_get_runstate_info");
        exit(1);
    }
    return state->state_entry_time;
}

/* What is to be taken from monotonic() to have Xen's time. Whoever sleeps lets the processor go; right after waking up
   the moment that Xen tells is nearly now. The smallest of many differences is off by the time of one wake-up. */
static inline int64_t xen_time_offset(void)
{
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    cpu_set_t all;
    sched_getaffinity(0, sizeof all, &all);
    sched_setaffinity(0, sizeof first, &first);
    int64_t least = INT64_MAX;
    for (int i = 0; i < 50; i++) {
        usleep(500);
        int64_t since = (int64_t)running_since(), difference = (int64_t)monotonic() - since;
        if (difference < least)
            least = difference;
    }
    sched_setaffinity(0, sizeof all, &all);
    return least;
}

#endif
