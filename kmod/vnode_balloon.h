/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * What user space and the module say to each other through /dev/vnode-balloon. README.md tells it in words.
 *
 * An extent is 2 MiB of a vnode's memory. No frame number crosses this interface in either direction. Each structure
 * begins with its size as the caller knows it: a longer one is understood when what is unknown in it is zero.
 *
 * HOLD, RELEASE and REHOME say how much they did, and why not all of it. An error is for what makes no sense; memory
 * that is not to be had is an answer.
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
	VNB_NO_MEMORY,		/* Linux has no such memory */
	VNB_REFUSED,		/* Xen did less: its node is full, or it would not take a frame */
	VNB_AT_MAXIMUM,		/* the domain has all the memory that it may have */
	VNB_MIGRATING,		/* the domain is being sent: nothing moves meanwhile */
	VNB_INTERRUPTED,	/* a signal, the freezer, or there is much to search: ask again */
	VNB_PRESSURE,		/* memory was short, and the OOM notifier took some back meanwhile */
	VNB_UNSURE,		/* after a resume, until every frame was looked at */
	VNB_EMPTY,		/* nothing more is held there */
	VNB_UNKNOWN_PLACE,	/* PV: no memory that is known to lie on the vnode's physical node: REHOME it first */
	VNB_CLOSED,		/* another kernel or a hibernation image is about to get this memory */
};

/* HOLD gives extents of the vnode to Xen, RELEASE takes them back, REHOME (PV) looks at so many of its extents. */
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
#define VNB_STATE_VNUMA		(1u << 1)	/* Xen knows vnodes; else all memory is vnode 0 */
#define VNB_STATE_MIGRATING	(1u << 2)
#define VNB_STATE_UNSURE	(1u << 3)
#define VNB_STATE_CLOSED	(1u << 4)

/* Reading it is what silences poll(). */
struct vnb_state {
	__u32 size;
	__u32 flags;
	__u32 vnodes;
	__u32 extent_frames;
	__u64 reservation;	/* XENMEM_current_reservation, frames */
	__u64 maximum;		/* XENMEM_maximum_reservation, frames */
	__u64 resumes;
	__u64 events;		/* what poll() tells of */
	__u64 yielded;		/* extents that the OOM notifier took back */
	__u64 regiven;		/* frames that came back as memory with a resume, and were given again */
	__u64 adopted;		/* extents that an earlier load of the module had left behind */
	__u64 lost;		/* PV: frames of Xen's that could neither be mapped nor be given back */
};

#define VNB_VNODE_BY_RANGE	(1u << 0)	/* no node of Linux is this vnode: frame numbers say what is its */

struct vnb_vnode {
	__u32 size;
	__u32 vnode;
	__s32 node;		/* Linux's, or -1 */
	__u32 flags;
	__u64 frames;		/* that Xen says it has, holes of ours and of others included */
	__u64 held;		/* extents, every frame a hole */
	__u64 doubt;		/* extents of which that is not known; they are never freed */
	__u64 yield_floor;
	__u32 yield_step;
	__u32 reserved;
};

/* Asks Xen about every frame of some extents, from the one with this index on: the ones held longest come first. */
struct vnb_audit {
	__u32 size;
	__u32 vnode;
	__u64 first;
	__u64 extents;		/* asked for, at most 64; and looked at: fewer mean that there are no more */
	__u64 holes, ram, other; /* frames */
};

/* What the OOM notifier takes back of the vnode at a time, and how many extents it leaves held. Step 0: nothing. */
struct vnb_yield {
	__u32 size;
	__u32 vnode;
	__u64 floor;
	__u32 step;
	__u32 reserved;
};

/* PV: where the frames of a vnode lie, as far as the module knows. */
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
