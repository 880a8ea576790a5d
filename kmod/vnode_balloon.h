/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * The interface between user space and the module, /dev/vnode-balloon. README.md describes it.
 *
 * An extent is 2 MiB of a vnode's memory. No frame number crosses this interface in either direction. Each structure
 * begins with its size, as the caller knows it. The module accepts a longer structure if the part that it does not know
 * is zero.
 *
 * HOLD, RELEASE and REHOME return how much they did, and why not all of it. An invalid request is an error. If memory
 * cannot be had, that is an answer, not an error.
 */
#ifndef VNODE_BALLOON_H
#define VNODE_BALLOON_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VNB_DEVICE "/dev/vnode-balloon"
#define VNB_MAX_VNODES 32
#define VNB_EXTENT_ORDER 9
#define VNB_EXTENT_FRAMES (1 << VNB_EXTENT_ORDER)

enum vnb_reason {
	VNB_ALL,		/* all of it was done */
	VNB_NO_MEMORY,		/* Linux has no free memory there */
	VNB_REFUSED,		/* Xen did less: its node is full, or it would not take a frame */
	VNB_AT_MAXIMUM,		/* the domain has all the memory that it may have */
	VNB_MIGRATING,		/* the domain is being migrated: nothing moves meanwhile */
	VNB_INTERRUPTED,	/* by a signal or the freezer, or there is more to search: ask again */
	VNB_PRESSURE,		/* memory was short, and the OOM notifier took some back meanwhile */
	VNB_UNSURE,		/* after a resume, until the module has audited every frame */
	VNB_EMPTY,		/* no more of the vnode is held */
	VNB_UNKNOWN_PLACE,	/* PV: no free memory is known to lie on the vnode's physical node: REHOME first */
	VNB_CLOSED,		/* kexec or a hibernation is under way */
};

/* HOLD gives extents of the vnode to Xen, RELEASE takes them back, REHOME (PV) goes through this many of its
 * extents. */
struct vnb_move {
	__u32 size;
	__u32 vnode;
	__u64 extents;		/* asked for */
	__u64 done;
	__u64 doubt;		/* extents of the vnode in doubt, afterwards */
	__u64 reservation;	/* the domain's frames as Xen counts them, afterwards */
	__u32 reason;		/* enum vnb_reason */
	__u32 reserved;
};

#define VNB_STATE_PV		(1u << 0)
#define VNB_STATE_VNUMA		(1u << 1)	/* the domain has vnodes; else all memory is vnode 0 */
#define VNB_STATE_MIGRATING	(1u << 2)
#define VNB_STATE_UNSURE	(1u << 3)
#define VNB_STATE_CLOSED	(1u << 4)

/* To read it clears the event that poll() reports. */
struct vnb_state {
	__u32 size;
	__u32 flags;
	__u32 vnodes;
	__u32 extent_frames;
	__u64 reservation;	/* XENMEM_current_reservation, frames */
	__u64 maximum;		/* XENMEM_maximum_reservation, frames */
	__u64 resumes;
	__u64 events;		/* events that poll() reports */
	__u64 yielded;		/* extents that the OOM notifier took back */
	__u64 regiven;		/* frames that were RAM after a resume, and were given again */
	__u64 adopted;		/* extents that an earlier load of the module had left behind */
	__u64 lost;		/* PV: frames that could neither be mapped nor be given back to Xen */
};

#define VNB_VNODE_BY_RANGE	(1u << 0)	/* no Linux node is exactly this vnode: frame numbers define it */

struct vnb_vnode {
	__u32 size;
	__u32 vnode;
	__s32 node;		/* Linux's, or -1 */
	__u32 flags;
	__u64 frames;		/* all frames that Xen assigns to it, including holes */
	__u64 held;		/* extents all of whose frames are holes */
	__u64 doubt;		/* extents that may or may not be holes; they are never freed */
	__u64 yield_floor;
	__u32 yield_step;
	__u32 reserved;
};

/* Asks Xen about every frame of some extents, from this index on. The extents held longest come first. */
struct vnb_audit {
	__u32 size;
	__u32 vnode;
	__u64 first;
	__u64 extents;		/* in: asked for, at most 64; out: audited, fewer if there are no more */
	__u64 holes, ram, other; /* frames */
};

/* How many extents of the vnode the OOM notifier takes back at a time, and how many it leaves held. Step 0: it takes
 * none. */
struct vnb_yield {
	__u32 size;
	__u32 vnode;
	__u64 floor;
	__u32 step;
	__u32 reserved;
};

/* PV: the physical nodes of a vnode's frames, as far as the module knows. */
struct vnb_where {
	__u32 size;
	__u32 vnode;
	__u64 home, elsewhere, unknown, holes;
};

#define VNB_HOLD	_IOWR(0xbe, 0, struct vnb_move)
#define VNB_RELEASE	_IOWR(0xbe, 1, struct vnb_move)
#define VNB_STATE	_IOWR(0xbe, 2, struct vnb_state)
#define VNB_VNODE	_IOWR(0xbe, 3, struct vnb_vnode)
#define VNB_AUDIT	_IOWR(0xbe, 4, struct vnb_audit)
#define VNB_YIELD	_IOWR(0xbe, 5, struct vnb_yield)
#define VNB_REHOME	_IOWR(0xbe, 6, struct vnb_move)
#define VNB_WHERE	_IOWR(0xbe, 7, struct vnb_where)

#endif
