// The kernel module that holds memory of a vnode for Xen (kmod/), where it is loaded. No frame number crosses here.
#ifndef CB_MODULE_H
#define CB_MODULE_H

#include <stdbool.h>
#include <stdint.h>

/// Where the module answers.
#define CB_MODULE_DEVICE "/dev/vnode-balloon"
/// The most extents that one audit looks at.
#define CB_MODULE_AUDIT 64

/// The domain, as the module and Xen see it. Sizes in frames.
struct cb_module_state {
    bool is_pv;
    bool has_vnuma;
    bool is_migrating;
    /// After a resume, until every frame was looked at.
    bool is_unsure;
    /// Another kernel, or an image of this one's memory, is about to come.
    bool is_closed;
    uint32_t vnodes;
    uint32_t extent_frames;
    uint64_t reservation;
    uint64_t maximum;
    /// Extents that the OOM notifier took back since the module was loaded.
    uint64_t yielded;
};

/// A vnode. `node` is Linux's, or negative. `held` and `doubt` are extents, the others frames.
struct cb_module_vnode {
    int32_t node;
    uint64_t frames;
    uint64_t held;
    uint64_t doubt;
};

/// Why less was done than asked, or that it was not.
enum cb_module_reason {
    CB_MODULE_ALL,
    CB_MODULE_NO_MEMORY,
    CB_MODULE_REFUSED,
    CB_MODULE_AT_MAXIMUM,
    CB_MODULE_MIGRATING,
    CB_MODULE_INTERRUPTED,
    CB_MODULE_PRESSURE,
    CB_MODULE_UNSURE,
    CB_MODULE_EMPTY,
    CB_MODULE_UNKNOWN_PLACE,
    CB_MODULE_CLOSED,
};

struct cb_module_move {
    uint64_t done;
    uint32_t reason;
};

/// What Xen says of some extents: how many were there, and of how many frames each was said.
struct cb_module_audit {
    uint64_t extents;
    uint64_t holes;
    uint64_t ram;
    uint64_t other;
};

/// -ENOENT, -ENODEV, -ENXIO: no such module is loaded.
int cb_module_open(const char *path);
/// Also silences the descriptor, which is readable when something happened since.
int cb_module_state(int fd, struct cb_module_state *out);
int cb_module_vnode(int fd, uint32_t vnode, struct cb_module_vnode *out);
/// Gives up to `extents` to Xen.
int cb_module_hold(int fd, uint32_t vnode, uint64_t extents, struct cb_module_move *out);
/// Takes up to `extents` back.
int cb_module_release(int fd, uint32_t vnode, uint64_t extents, struct cb_module_move *out);
/// PV: looks at so many of the vnode's extents, and exchanges what is free for memory of its physical node.
int cb_module_rehome(int fd, uint32_t vnode, uint64_t extents, struct cb_module_move *out);
/// Asks Xen about every frame of up to CB_MODULE_AUDIT extents that are held, from `first` on.
int cb_module_audit(int fd, uint32_t vnode, uint64_t first, uint64_t extents, struct cb_module_audit *out);
/// What the OOM notifier leaves in the vnode's balloon, in extents; how much it takes at a time stays as it is.
int cb_module_keep(int fd, uint32_t vnode, uint64_t floor);

#endif
