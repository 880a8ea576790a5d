#define _GNU_SOURCE
#include "cb_module.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "../../kmod/vnode_balloon.h"

// The module's header defines its interface, and ours repeats it in our own types. They must agree.
_Static_assert(sizeof(CB_MODULE_DEVICE) == sizeof(VNB_DEVICE), "the same device");
_Static_assert((int)CB_MODULE_ALL == (int)VNB_ALL && (int)CB_MODULE_NO_MEMORY == (int)VNB_NO_MEMORY, "reasons");
_Static_assert((int)CB_MODULE_REFUSED == (int)VNB_REFUSED && (int)CB_MODULE_AT_MAXIMUM == (int)VNB_AT_MAXIMUM, "reasons");
_Static_assert((int)CB_MODULE_MIGRATING == (int)VNB_MIGRATING, "reasons");
_Static_assert((int)CB_MODULE_INTERRUPTED == (int)VNB_INTERRUPTED, "reasons");
_Static_assert((int)CB_MODULE_PRESSURE == (int)VNB_PRESSURE && (int)CB_MODULE_UNSURE == (int)VNB_UNSURE, "reasons");
_Static_assert((int)CB_MODULE_EMPTY == (int)VNB_EMPTY && (int)CB_MODULE_CLOSED == (int)VNB_CLOSED, "reasons");
_Static_assert((int)CB_MODULE_UNKNOWN_PLACE == (int)VNB_UNKNOWN_PLACE, "reasons");
_Static_assert(sizeof(struct vnb_move) == 48 && sizeof(struct vnb_state) == 80, "the module's structures");
_Static_assert(sizeof(struct vnb_vnode) == 56 && sizeof(struct vnb_audit) == 48, "the module's structures");

int cb_module_open(const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int ask(int fd, unsigned long number, void *it) { return ioctl(fd, number, it) < 0 ? -errno : 0; }

int cb_module_state(int fd, struct cb_module_state *out) {
    struct vnb_state it = {.size = sizeof it};
    int result = ask(fd, VNB_STATE, &it);
    if (result < 0) return result;
    *out = (struct cb_module_state){
        .is_pv = it.flags & VNB_STATE_PV,
        .has_vnuma = it.flags & VNB_STATE_VNUMA,
        .is_migrating = it.flags & VNB_STATE_MIGRATING,
        .is_unsure = it.flags & VNB_STATE_UNSURE,
        .is_closed = it.flags & VNB_STATE_CLOSED,
        .vnodes = it.vnodes,
        .extent_frames = it.extent_frames,
        .reservation = it.reservation,
        .maximum = it.maximum,
        .yielded = it.yielded,
    };
    return 0;
}

int cb_module_vnode(int fd, uint32_t vnode, struct cb_module_vnode *out) {
    struct vnb_vnode it = {.size = sizeof it, .vnode = vnode};
    int result = ask(fd, VNB_VNODE, &it);
    if (result < 0) return result;
    *out = (struct cb_module_vnode){.node = it.node, .frames = it.frames, .held = it.held, .doubt = it.doubt};
    return 0;
}

static int move(int fd, unsigned long number, uint32_t vnode, uint64_t extents, struct cb_module_move *out) {
    struct vnb_move it = {.size = sizeof it, .vnode = vnode, .extents = extents};
    int result = ask(fd, number, &it);
    if (result < 0) return result;
    *out = (struct cb_module_move){.done = it.done, .reason = it.reason};
    return 0;
}

int cb_module_hold(int fd, uint32_t vnode, uint64_t extents, struct cb_module_move *out) {
    return move(fd, VNB_HOLD, vnode, extents, out);
}

int cb_module_release(int fd, uint32_t vnode, uint64_t extents, struct cb_module_move *out) {
    return move(fd, VNB_RELEASE, vnode, extents, out);
}

int cb_module_rehome(int fd, uint32_t vnode, uint64_t extents, struct cb_module_move *out) {
    return move(fd, VNB_REHOME, vnode, extents, out);
}

int cb_module_audit(int fd, uint32_t vnode, uint64_t first, uint64_t extents, struct cb_module_audit *out) {
    struct vnb_audit it = {.size = sizeof it, .vnode = vnode, .first = first, .extents = extents};
    int result = ask(fd, VNB_AUDIT, &it);
    if (result < 0) return result;
    *out = (struct cb_module_audit){.extents = it.extents, .holes = it.holes, .ram = it.ram, .other = it.other};
    return 0;
}

int cb_module_keep(int fd, uint32_t vnode, uint64_t floor) {
    struct vnb_vnode now = {.size = sizeof now, .vnode = vnode};
    int result = ask(fd, VNB_VNODE, &now);
    if (result < 0) return result;
    struct vnb_yield it = {.size = sizeof it, .vnode = vnode, .floor = floor, .step = now.yield_step};
    return ask(fd, VNB_YIELD, &it);
}
