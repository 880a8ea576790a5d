/* Files on hugetlbfs and what is behind them, for the test programs that move memory. */
#ifndef LAB_EXTENTS_H
#define LAB_EXTENTS_H

#include <sys/syscall.h>
#include <unistd.h>
#include "hypercall.h"

#define EXTENT_SHIFT 21
#define EXTENT_FRAMES 512
#define EXTENT_ORDER 9
#define POPULATE_READ 22   /* MADV_POPULATE_READ and _WRITE: newer than some libc headers */
#define POPULATE_WRITE 23
#define POLICY_BIND 2      /* MPOL_BIND */

static inline void fail(const char *what)
{
    perror(what);
    exit(1);
}

static inline void bind_to(char *memory, size_t bytes, unsigned node)
{
    unsigned long mask = 1UL << node;
    if (syscall(SYS_mbind, memory, bytes, POLICY_BIND, &mask, 65, 0))
        fail("mbind");
}

/* The frame number behind an address, from /proc/self/pagemap. */
static inline uint64_t frame_of(int pagemap, const char *address)
{
    uint64_t entry;
    if (pread(pagemap, &entry, 8, (off_t)((uintptr_t)address / 4096 * 8)) != 8)
        fail("pagemap");
    if (!(entry >> 63)) {
        fprintf(stderr, "page not present\n");
        exit(1);
    }
    return entry & ((1ULL << 55) - 1);
}

static inline int memory_type(uint64_t frame)
{
    struct xen_hvm_get_mem_type *query = (void *)(hypercall_buffer + ARGUMENT_OFFSET);
    memset(query, 0, sizeof *query);
    query->domid = DOMID_SELF;
    query->pfn = frame;
    long result = hypercall(__HYPERVISOR_hvm_op, HVMOP_get_mem_type, query);
    return result ? (int)result : query->mem_type;
}

/* Moves extents in one hypercall; returns how many. The list has to lie in the hypercall buffer. */
static inline long reserve(uint64_t *frames, size_t extents, unsigned order, unsigned operation, unsigned flags)
{
    xen_memory_reservation_t *request = (void *)(hypercall_buffer + ARGUMENT_OFFSET);
    memset(request, 0, sizeof *request);
    set_xen_guest_handle(request->extent_start, (xen_pfn_t *)frames);
    request->nr_extents = extents;
    request->extent_order = order;
    request->mem_flags = flags;
    request->domid = DOMID_SELF;
    return hypercall(__HYPERVISOR_memory_op, operation, request);
}

#endif
