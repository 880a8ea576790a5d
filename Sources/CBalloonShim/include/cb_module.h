// The kernel module (kmod/), which gives memory of a vnode to Xen. No frame number is passed here.
#ifndef CB_MODULE_H
#define CB_MODULE_H

#include <stdbool.h>
#include <stdint.h>

/// The module's device.
#define CB_MODULE_DEVICE "/dev/vnode-balloon"
/// The most extents in one audit.
#define CB_MODULE_AUDIT 64

/// The domain, as the module and Xen see it. Sizes in frames.
struct cb_module_state {
    bool is_pv;
    bool has_vnuma;
    bool is_migrating;
    /// True after a resume, until the module has audited every frame.
    bool is_unsure;
    /// kexec will start another kernel, or hibernation will write an image of this one's memory.
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

/// Why the module did less than it was asked to; CB_MODULE_ALL: it did all.
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

/// Xen's answers about some extents: how many extents there were, and how many of their frames are of each kind.
struct cb_module_audit {
    uint64_t extents;
    uint64_t holes;
    uint64_t ram;
    uint64_t other;
};

/// -ENOENT, -ENODEV, -ENXIO: no such module is loaded.
int cb_module_open(const char *path);
/// Also clears the event of the descriptor, which is readable when something happened since the last call.
int cb_module_state(int fd, struct cb_module_state *out);
int cb_module_vnode(int fd, uint32_t vnode, struct cb_module_vnode *out);
/// Gives at most `extents` extents to Xen.
int cb_module_hold(int fd, uint32_t vnode, uint64_t extents, struct cb_module_move *out);
/// Takes at most `extents` extents back.
int cb_module_release(int fd, uint32_t vnode, uint64_t extents, struct cb_module_move *out);
/// PV: goes through this many of the vnode's extents, and exchanges those that are free for memory of its physical
/// node.
int cb_module_rehome(int fd, uint32_t vnode, uint64_t extents, struct cb_module_move *out);
/// Asks Xen about every frame of at most CB_MODULE_AUDIT given extents, from `first` on.
int cb_module_audit(int fd, uint32_t vnode, uint64_t first, uint64_t extents, struct cb_module_audit *out);
/// Sets how many extents the OOM notifier leaves in the vnode's balloon. How much it takes at a time does not change.
int cb_module_keep(int fd, uint32_t vnode, uint64_t floor);

#endif
