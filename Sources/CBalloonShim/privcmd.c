#define _GNU_SOURCE
// Without this definition the headers use the layouts of Xen 3.
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
// This is xen/sys/privcmd.h of libxen-dev, not xen/privcmd.h of linux-libc-dev, which includes a header that is not
// shipped. It is not self-contained and needs the two headers above first.
#include <xen/sys/privcmd.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>

#include "cb_privcmd.h"

_Static_assert(sizeof(privcmd_hypercall_t) == 48, "the ioctl's argument");
_Static_assert(sizeof(struct xen_memory_reservation) == 32, "x86-64 layout");
_Static_assert(sizeof(struct xen_vnuma_topology_info) == 40, "x86-64 layout");
_Static_assert(sizeof(struct xen_vmemrange) == 24, "x86-64 layout");
_Static_assert(sizeof(struct xen_hvm_get_mem_type) == 16, "x86-64 layout");
_Static_assert(sizeof(xen_pfn_t) == sizeof(uint64_t), "frames are passed without a copy");

// What a multicall of probes passes to Xen.
struct probes {
    struct multicall_entry calls[CB_MAX_PROBES];
    struct xen_hvm_get_mem_type arguments[CB_MAX_PROBES];
};
_Static_assert(sizeof(struct probes) == 10 * 4096, "whole pages");

// The first page of the buffer holds a hypercall's own argument. The rest holds the list that the argument points to.
#define PAGE 4096u
#define PAGE_SHIFT 12

static int64_t hypercall(const struct cb_xen *xen, uint64_t call, uint64_t op, const void *arg) {
    privcmd_hypercall_t request = {.op = call, .arg = {op, (uint64_t)(uintptr_t)arg}};
    // Not ioctl(): it returns an int, which is too small for the frames of a domain of 8 TiB.
    int64_t done = syscall(SYS_ioctl, xen->privcmd, IOCTL_PRIVCMD_HYPERCALL, &request);
    return done < 0 ? -errno : done;
}

static void alarm_handler(int signal) { (void)signal; }

// open() of privcmd sleeps until xenstore is up. Only a signal ends that, so a timer sends one.
static int open_bounded(const char *path, uint32_t timeout_ms) {
    struct sigaction ours = {.sa_handler = alarm_handler}, old_action;
    // Repeated, because the first signal may come before open() sleeps.
    struct itimerval timer = {.it_value = {timeout_ms / 1000, (timeout_ms % 1000) * 1000 + 1}}, off = {0}, old_timer;
    timer.it_interval.tv_usec = 100000;
    sigset_t alarm_only, old_mask;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigaction(SIGALRM, &ours, &old_action);
    sigprocmask(SIG_UNBLOCK, &alarm_only, &old_mask);
    setitimer(ITIMER_REAL, &timer, &old_timer);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int error = errno;
    setitimer(ITIMER_REAL, &off, NULL);
    sigprocmask(SIG_SETMASK, &old_mask, NULL);
    sigaction(SIGALRM, &old_action, NULL);
    if (fd >= 0) return fd;
    return error == EINTR ? -ETIMEDOUT : -error;
}

static uint64_t buffer_bytes(uint32_t frames) {
    uint64_t list = (uint64_t)frames * sizeof(uint64_t);
    return PAGE + (list + PAGE - 1) / PAGE * PAGE;
}

// Not needed to take memory back: without these pages it is asked about one frame at a time.
static void map_probes(struct cb_xen *xen) {
    void *at = mmap(NULL, sizeof(struct probes), PROT_READ | PROT_WRITE, MAP_SHARED, xen->hypercall, 0);
    if (at != MAP_FAILED) xen->probes = at;
}

static int map_buffer(struct cb_xen *xen, uint32_t frames) {
    uint64_t bytes = buffer_bytes(frames);
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, xen->hypercall, 0);
    if (at == MAP_FAILED) return -errno;
    xen->buffer = at;
    xen->bytes = bytes;
    return 0;
}

int cb_xen_open(struct cb_xen *xen, uint32_t frames, uint32_t timeout_ms) {
    *xen = (struct cb_xen){.privcmd = -1, .hypercall = -1};
    int fd = open_bounded("/dev/xen/privcmd", timeout_ms);
    if (fd < 0) return fd;
    xen->privcmd = fd;
    xen->hypercall = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
    int error = xen->hypercall < 0 ? -errno : map_buffer(xen, frames);
    if (error) cb_xen_close(xen);
    else map_probes(xen);
    return error;
}

void cb_xen_close(struct cb_xen *xen) {
    if (xen->probes) munmap(xen->probes, sizeof(struct probes));
    if (xen->buffer) munmap(xen->buffer, xen->bytes);
    if (xen->hypercall >= 0) close(xen->hypercall);
    if (xen->privcmd >= 0) close(xen->privcmd);
    *xen = (struct cb_xen){.privcmd = -1, .hypercall = -1};
}

int cb_xen_grow(struct cb_xen *xen, uint32_t frames) {
    if (buffer_bytes(frames) <= xen->bytes) return 0;
    struct cb_xen old = *xen;
    int error = map_buffer(xen, frames);
    if (!error) munmap(old.buffer, old.bytes);
    return error;
}

uint64_t *cb_xen_frames(const struct cb_xen *xen) { return (uint64_t *)(void *)(xen->buffer + PAGE); }

uint32_t cb_xen_frame_capacity(const struct cb_xen *xen) { return (uint32_t)((xen->bytes - PAGE) / sizeof(uint64_t)); }

static int64_t reservation(struct cb_xen *xen, uint64_t op, uint32_t extents, uint32_t order, uint32_t flags) {
    if (extents > cb_xen_frame_capacity(xen)) return -EINVAL;
    struct xen_memory_reservation *arg = (void *)xen->buffer;
    memset(arg, 0, sizeof *arg);
    set_xen_guest_handle(arg->extent_start, (xen_pfn_t *)cb_xen_frames(xen));
    arg->nr_extents = extents;
    arg->extent_order = order;
    arg->mem_flags = flags;
    arg->domid = DOMID_SELF;
    return hypercall(xen, __HYPERVISOR_memory_op, op, arg);
}

// A guest names its own vnode, and Xen turns it into a physical node. Without the exact flag the node is only a hint.
static uint32_t vnode_flags(int32_t vnode, bool is_exact) {
    if (vnode < 0) return 0;
    return (uint32_t)(XENMEMF_vnode | (is_exact ? XENMEMF_exact_node((uint32_t)vnode) : XENMEMF_node((uint32_t)vnode)));
}

int64_t cb_xen_decrease_reservation(struct cb_xen *xen, uint32_t extents, uint32_t order) {
    return reservation(xen, XENMEM_decrease_reservation, extents, order, 0);
}

int64_t cb_xen_populate_physmap(struct cb_xen *xen, uint32_t extents, uint32_t order, int32_t vnode,
                                 bool is_exact) {
    // The node field has eight bits: a larger number would spill into the flags.
    if (vnode >= CB_MAX_VNODES) return -EINVAL;
    return reservation(xen, XENMEM_populate_physmap, extents, order, vnode_flags(vnode, is_exact));
}

static int64_t query_self(struct cb_xen *xen, uint64_t op) {
    domid_t *self = (void *)xen->buffer;
    *self = DOMID_SELF;
    return hypercall(xen, __HYPERVISOR_memory_op, op, self);
}

int64_t cb_xen_current_reservation(struct cb_xen *xen) { return query_self(xen, XENMEM_current_reservation); }

int64_t cb_xen_maximum_reservation(struct cb_xen *xen) { return query_self(xen, XENMEM_maximum_reservation); }

int64_t cb_xen_maximum_gpfn(struct cb_xen *xen) { return query_self(xen, XENMEM_maximum_gpfn); }

int cb_xen_memory_type(struct cb_xen *xen, uint64_t gfn) {
    struct xen_hvm_get_mem_type *arg = (void *)xen->buffer;
    *arg = (struct xen_hvm_get_mem_type){.domid = DOMID_SELF, .pfn = gfn};
    int64_t error = hypercall(xen, __HYPERVISOR_hvm_op, HVMOP_get_mem_type, arg);
    return error < 0 ? (int)error : arg->mem_type;
}

// One by one: Xen before 4.16 has no multicall for PVH and HVM guests.
static int each_memory_type(struct cb_xen *xen, uint64_t first, uint64_t step, uint32_t count, uint16_t *types) {
    for (uint32_t i = 0; i < count; i++) {
        int type = cb_xen_memory_type(xen, first + i * step);
        if (type < 0) return type;
        types[i] = (uint16_t)type;
    }
    return 0;
}

int cb_xen_memory_types(struct cb_xen *xen, uint64_t first, uint64_t step, uint32_t count, uint16_t *types) {
    if (count < 1 || count > CB_MAX_PROBES) return -EINVAL;
    struct probes *probes = (void *)xen->probes;
    if (!probes) return each_memory_type(xen, first, step, count, types);
    for (uint32_t i = 0; i < count; i++) {
        // What Xen does not answer is an error and neither RAM nor a hole: zeros would be RAM, and be believed.
        probes->arguments[i] =
            (struct xen_hvm_get_mem_type){.domid = DOMID_SELF, .mem_type = UINT16_MAX, .pfn = first + i * step};
        probes->calls[i] = (struct multicall_entry){
            .op = __HYPERVISOR_hvm_op,
            .result = (xen_ulong_t)-EIO,
            .args = {HVMOP_get_mem_type, (uint64_t)(uintptr_t)&probes->arguments[i]},
        };
    }
    int64_t done = hypercall(xen, __HYPERVISOR_multicall, (uint64_t)(uintptr_t)probes->calls, (void *)(uintptr_t)count);
    if (done == -ENOSYS) return each_memory_type(xen, first, step, count, types);
    if (done) return done < 0 ? (int)done : -EIO;
    for (uint32_t i = 0; i < count; i++) {
        int64_t result = (int64_t)probes->calls[i].result;
        if (result) return result < 0 ? (int)result : -EIO;
        types[i] = probes->arguments[i].mem_type;
    }
    return 0;
}

// One call with room for `vcpus` vCPUs. Xen returns the counts whether the room is enough or not.
static int64_t ask_vnuma(struct cb_xen *xen, uint32_t vcpus, struct xen_vnuma_topology_info **answer) {
    uint64_t distances = PAGE, ranges = distances + CB_MAX_VNODES * CB_MAX_VNODES * sizeof(uint32_t);
    uint64_t vnodes_of_vcpus = ranges + CB_MAX_VMEMRANGES * sizeof(struct xen_vmemrange);
    uint64_t end = vnodes_of_vcpus + vcpus * sizeof(uint32_t);
    int error = cb_xen_grow(xen, (uint32_t)((end - PAGE) / sizeof(uint64_t) + 1));
    if (error) return error;
    struct xen_vnuma_topology_info *arg = (void *)xen->buffer;
    memset(arg, 0, sizeof *arg);
    arg->domid = DOMID_SELF;
    arg->nr_vnodes = CB_MAX_VNODES;
    arg->nr_vcpus = vcpus;
    arg->nr_vmemranges = CB_MAX_VMEMRANGES;
    set_xen_guest_handle(arg->vdistance.h, (unsigned int *)(void *)(xen->buffer + distances));
    set_xen_guest_handle(arg->vcpu_to_vnode.h, (unsigned int *)(void *)(xen->buffer + vnodes_of_vcpus));
    set_xen_guest_handle(arg->vmemrange.h, (struct xen_vmemrange *)(void *)(xen->buffer + ranges));
    *answer = arg;
    return hypercall(xen, __HYPERVISOR_memory_op, XENMEM_get_vnumainfo, arg);
}

int cb_xen_vnuma(struct cb_xen *xen, struct cb_vnuma *out) {
    struct xen_vnuma_topology_info *info = NULL;
    int64_t error = -ENOBUFS;
    uint32_t vcpus = 128;
    // With -ENOBUFS Xen returns the true counts. -EAGAIN means that they grew meanwhile.
    for (int tries = 0; tries < 4 && (error == -ENOBUFS || error == -EAGAIN); tries++) {
        error = ask_vnuma(xen, vcpus, &info);
        if (error == -ENOBUFS && (info->nr_vnodes > CB_MAX_VNODES || info->nr_vmemranges > CB_MAX_VMEMRANGES))
            return -EOVERFLOW;
        if (error == -ENOBUFS) vcpus = info->nr_vcpus;
        if (vcpus > 1u << 20) return -EOVERFLOW;
    }
    if (error) return (int)error;
    if (info->nr_vnodes > CB_MAX_VNODES || info->nr_vmemranges > CB_MAX_VMEMRANGES) return -EOVERFLOW;
    out->nr_vnodes = info->nr_vnodes;
    out->nr_vmemranges = info->nr_vmemranges;
    for (uint32_t i = 0; i < info->nr_vmemranges; i++) {
        const struct xen_vmemrange *range = &info->vmemrange.h.p[i];
        out->vmemranges[i] = cb_vmemrange_of_bytes(range->start, range->end, range->nid);
    }
    return 0;
}

struct cb_vmemrange cb_vmemrange_of_bytes(uint64_t start, uint64_t end, uint32_t vnode) {
    // Rounded up without adding to the address: that could overflow for the last addresses.
    return (struct cb_vmemrange){
        .start_gfn = (start >> PAGE_SHIFT) + ((start & (PAGE - 1)) != 0),
        .end_gfn = end >> PAGE_SHIFT,
        .vnode = vnode,
    };
}
