/* A guest's grants of frames that its kernel knows nothing of: in a part of the grant table that the kernel does not use. Xen
   makes a table larger when somebody maps a frame of it that is not there yet. */
#ifndef LAB_GRANTS_H
#define LAB_GRANTS_H

#include <xen/grant_table.h>
#include "extents.h"

enum { TABLE_FRAME = 12, GRANTS = 32, ENTRIES = 4096 / sizeof(grant_entry_v1_t) };

/* Maps the table's frame in place of the memory at `gfn`, which `place` is mapped to, and grants two frames of each of the first
   16 extents to dom0. Prints `grants` and the references. */
static inline void grant_frames(char *place, uint64_t gfn, const uint64_t *extents, size_t count)
{
    struct xen_add_to_physmap *add = (void *)(hypercall_buffer + ARGUMENT_OFFSET);
    volatile grant_entry_v1_t *entry = (void *)place;
    memset(add, 0, sizeof *add);
    add->domid = DOMID_SELF;
    add->space = XENMAPSPACE_grant_table;
    add->idx = TABLE_FRAME;
    add->gpfn = gfn;
    long result = hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, add);
    if (result) {
        printf("the grant table cannot be mapped: %ld\n", result);
        exit(1);
    }
    printf("grants");
    for (unsigned i = 0; i < GRANTS && i / 2 < count; i++) {
        entry[i].domid = 0;
        entry[i].frame = (uint32_t)(extents[i / 2] + (i % 2 ? 300 : 3 + 5 * i));
        __sync_synchronize();
        entry[i].flags = GTF_permit_access;
        printf(" %u", TABLE_FRAME * (unsigned)ENTRIES + i);
    }
    printf("\n");
}

/* Nothing is granted any more, and the table's frame is mapped nowhere: `gfn` is a hole. */
static inline void end_grants(char *place, uint64_t gfn)
{
    struct xen_remove_from_physmap *gone = (void *)(hypercall_buffer + ARGUMENT_OFFSET);
    memset(place, 0, 4096);
    memset(gone, 0, sizeof *gone);
    gone->domid = DOMID_SELF;
    gone->gpfn = gfn;
    long result = hypercall(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, gone);
    if (result) {
        printf("the grant table cannot be removed: %ld\n", result);
        exit(1);
    }
}

#endif
