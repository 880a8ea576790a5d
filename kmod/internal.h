/* SPDX-License-Identifier: GPL-2.0-only */
/* Declarations shared by the module's files. */
#ifndef VNB_INTERNAL_H
#define VNB_INTERNAL_H

#define pr_fmt(fmt) "vnode_balloon: " fmt

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <xen/xen.h>
#include <xen/interface/memory.h>
#include "vnode_balloon.h"

#define VNB_BATCH 64		/* extents moved between two checks for events; room of vnb_chunks */
#define VNB_MAX_RANGES 64

struct vnb_range {
	unsigned long start, end;	/* frames */
	unsigned int vnode;
};

/*
 * A vnode: its held extents, and where to find more. A chunk is the first page of an extent. page->lru links it, and
 * page_private() names its vnode, so that another load of the module finds it. New chunks are added at the end, and the
 * last are released first.
 */
struct vnb_place {
	struct list_head held;		/* all of it holes */
	struct list_head doubtful;	/* not known */
	u64 held_extents, doubt_extents;
	u64 yield_floor;
	unsigned int yield_step;
	int node;			/* Linux's node that is exactly this vnode, else NUMA_NO_NODE */
	bool by_range;			/* the vnode is part of a node, or of several */
	unsigned long cursor;		/* by_range: where to search next */
	unsigned long fruitless;	/* by_range: extents tried since the last success, over calls */
	bool any_known;			/* PV: some block is known to lie on the vnode's physical node */
	unsigned long rehomed;		/* PV: where to go on with REHOME */
};

/* How memory is moved in this kind of guest. Each returns how many were moved, from the front on. All under
 * vnb_lock. */
struct vnb_xen_ops {
	unsigned int (*give)(unsigned int chunks);			/* vnb_chunks[] */
	unsigned int (*give_frames)(unsigned int count);		/* vnb_frames[], single ones */
	unsigned int (*take)(unsigned int chunks, unsigned int vnode);
	unsigned int (*take_frames)(unsigned int count, unsigned int vnode);
	int (*type)(unsigned long frame);				/* enum vnb_type */
};

enum vnb_type { VNB_HOLE, VNB_RAM, VNB_OTHER };

/*
 * Protects the lists, the buffers and the hypercalls. The OOM notifier takes it, so code under it must not wait for
 * memory.
 */
extern struct mutex vnb_lock;
extern struct vnb_place vnb_places[VNB_MAX_VNODES];
extern struct page *vnb_chunks[VNB_BATCH];
extern xen_pfn_t vnb_frames[VNB_EXTENT_FRAMES];
extern struct vnb_counters {
	u64 yielded, regiven, adopted, lost;
} vnb_counters;
extern atomic64_t vnb_events, vnb_resumes;
extern atomic_t vnb_unsure, vnb_closed;
extern const struct vnb_xen_ops *vnb_xen;
extern const struct vnb_xen_ops vnb_hvm_ops, vnb_pv_ops;

/* The reason why memory that was found did not go to Xen. */
static inline u32 vnb_why_not(void) { return atomic_read(&vnb_closed) ? VNB_CLOSED : VNB_REFUSED; }

/* main.c */
void vnb_tell(void);

/* xen.c */
long vnb_reserve(unsigned int call, unsigned long count, unsigned int order, unsigned int vnode);
long vnb_reservation(void);
long vnb_maximum(void);
bool vnb_migrating(void);

/* place.c */
extern unsigned int vnb_vnodes;
extern bool vnb_vnuma;
void vnb_learn_vnodes(void);
u64 vnb_vnode_frames(unsigned int vnode);
bool vnb_in_vnode(unsigned long frame, unsigned int vnode);
struct page *vnb_find_chunk(unsigned int vnode, unsigned int *tries, u32 *reason);
#define VNB_NO_FRAME (~0UL)
unsigned long vnb_nth_extent(unsigned int vnode, unsigned long n);
struct page *vnb_try_range(unsigned long frame, unsigned int vnode);

/* chunk.c */
void vnb_name_chunk(struct page *page, unsigned int vnode, bool split);
unsigned int vnb_vnode_of(struct page *page);
bool vnb_is_left_behind(struct page *page);
void vnb_mark(struct page *page, bool offline);
void vnb_mark_all(struct list_head *chunks, bool offline);
void vnb_free_chunk(struct page *page);
void vnb_keep(struct page *page);
void vnb_keep_doubtful(struct page *page);
void vnb_pin(void);
enum vnb_type vnb_finish(struct page *page);
bool vnb_fill(struct page *page, unsigned int vnode);
void vnb_look_through(struct vnb_audit *audit);

/* move.c */
void vnb_free_chunks(struct list_head *chunks);
bool vnb_interrupted(void);
bool vnb_may_go_on(struct vnb_move *move);
void vnb_hold(struct vnb_move *move);
void vnb_release(struct vnb_move *move);
unsigned int vnb_release_some(unsigned int vnode, unsigned int want, u32 *reason);
u64 vnb_release_all(void);

/* pv.c */
bool vnb_pv_is_ours(unsigned long frame);
bool vnb_pv_take_whole(struct page *page, unsigned int vnode);

/* pv-place.c */
#ifdef CONFIG_XEN_PV
void vnb_learn(unsigned long machine, unsigned int vnode);
bool vnb_lies_on(unsigned long frame, unsigned int vnode);
void vnb_rehome(struct vnb_move *move);
void vnb_find_where(struct vnb_where *where);
void vnb_forget_machine(void);
#else
static inline bool vnb_lies_on(unsigned long frame, unsigned int vnode) { return false; }
static inline void vnb_rehome(struct vnb_move *move) { }
static inline void vnb_find_where(struct vnb_where *where) { }
static inline void vnb_forget_machine(void) { }
#endif

/* events.c */
extern struct work_struct vnb_look_work;
void vnb_register_notifiers(void);
void vnb_unregister_notifiers(void);

#endif
