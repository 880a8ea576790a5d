// Hypercalls through /dev/xen/privcmd, with their arguments in /dev/xen/hypercall.
#ifndef CB_PRIVCMD_H
#define CB_PRIVCMD_H

#include <stdbool.h>
#include <stdint.h>

/// An open connection to the hypervisor. All zero before `cb_xen_open`.
///
/// `buffer` is a mapping of /dev/xen/hypercall: kernel pages that never move. Xen reads its arguments by guest linear
/// address. If the kernel migrated a user page at that moment, the hypercall would fail or do less.
struct cb_xen {
    int32_t privcmd;
    int32_t hypercall;
    uint8_t *buffer;
    uint64_t bytes;
    /// Another such mapping, for cb_xen_memory_types. NULL: that asks about one frame at a time.
    uint8_t *probes;
};

/// Linux's and Xen's limits: 32 vnodes (their distances fill one page), 170 ranges.
#define CB_MAX_VNODES 32
#define CB_MAX_VMEMRANGES 170

/// A range of guest frames of one vnode, as in Xen's vmemrange. `end_gfn` is exclusive.
struct cb_vmemrange {
    uint64_t start_gfn;
    uint64_t end_gfn;
    uint32_t vnode;
};

/// What XENMEM_get_vnumainfo returns for this domain.
struct cb_vnuma {
    uint32_t nr_vnodes;
    uint32_t nr_vmemranges;
    struct cb_vmemrange vmemranges[CB_MAX_VMEMRANGES];
};

/// Opens privcmd and a hypercall buffer for `frames` frame numbers. The kernel blocks open() of privcmd until xenstore
/// is up; this waits for that at most `timeout_ms` (-ETIMEDOUT). -ENOENT: no Xen, or the privcmd module is not loaded.
int cb_xen_open(struct cb_xen *xen, uint32_t frames, uint32_t timeout_ms);
void cb_xen_close(struct cb_xen *xen);

/// Makes room for `frames` frame numbers. The buffer's contents are lost, and its address may change.
int cb_xen_grow(struct cb_xen *xen, uint32_t frames);

/// The frame numbers that the next reservation call passes to Xen, and the room for them.
uint64_t *cb_xen_frames(const struct cb_xen *xen);
uint32_t cb_xen_frame_capacity(const struct cb_xen *xen);

/// XENMEM_decrease_reservation and XENMEM_populate_physmap of the first `extents` entries of the buffer, each of
/// 2^order frames. They return how many extents were done. A short count does not tell its cause. -EPERM: privcmd is
/// locked.
///
/// `vnode` < 0: from any node; 0 to CB_MAX_VNODES - 1 (else -EINVAL): from the vnode's physical node and, where
/// `is_exact`, from no other (exact-node-request). Without it Xen takes what that node lacks from the others.
int64_t cb_xen_decrease_reservation(struct cb_xen *xen, uint32_t extents, uint32_t order);
int64_t cb_xen_populate_physmap(struct cb_xen *xen, uint32_t extents, uint32_t order, int32_t vnode,
                                 bool is_exact);

/// XENMEM_current_reservation, XENMEM_maximum_reservation (frames) and XENMEM_maximum_gpfn of this domain.
int64_t cb_xen_current_reservation(struct cb_xen *xen);
int64_t cb_xen_maximum_reservation(struct cb_xen *xen);
int64_t cb_xen_maximum_gpfn(struct cb_xen *xen);

/// HVMOP_get_mem_type of one frame: HVMMEM_* (0 ram_rw, 1 ram_ro, 2 mmio_dm = a hole).
int cb_xen_memory_type(struct cb_xen *xen, uint64_t gfn);

/// The most frames of one cb_xen_memory_types: those of an extent.
#define CB_MAX_PROBES 512

/// The same of `count` frames (1 to CB_MAX_PROBES, else -EINVAL), `step` apart, in one multicall: one way into the
/// kernel and one into Xen instead of `count`. Where Xen has no multicall (before 4.16) it makes `count` hypercalls.
/// An error of one frame is the error of all.
int cb_xen_memory_types(struct cb_xen *xen, uint64_t first, uint64_t step, uint32_t count, uint16_t *types);

/// The whole frames in a range of addresses. Untrusted: `end_gfn` may be below `start_gfn`.
struct cb_vmemrange cb_vmemrange_of_bytes(uint64_t start, uint64_t end, uint32_t vnode);

/// XENMEM_get_vnumainfo. -EOPNOTSUPP: the domain has no virtual NUMA. -EOVERFLOW: more than this header's limits.
int cb_xen_vnuma(struct cb_xen *xen, struct cb_vnuma *out);

#endif
