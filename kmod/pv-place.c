// SPDX-License-Identifier: GPL-2.0-only
/*
 * PV guests: on which physical node memory lies, and how to bring it to the right one.
 *
 * No guest can ask where a machine frame lies. But memory that Xen populates for a vnode lies exactly on its physical
 * node, and an aligned block of 2 MiB of machine memory lies on one node. So the module learns such blocks from the
 * memory that it takes.
 */
#include "internal.h"

#include <linux/sched/signal.h>
#include <linux/xarray.h>
#include <asm/xen/page.h>

#define BLOCK_SHIFT VNB_EXTENT_ORDER
#define SEVERAL VNB_MAX_VNODES	/* a block that was taken for two vnodes counts for neither */

static DEFINE_XARRAY(blocks);	/* blocks of machine memory, with their vnode. Changed under vnb_lock */

void vnb_learn(unsigned long machine, unsigned int vnode)
{
	void *known = xa_load(&blocks, machine >> BLOCK_SHIFT);

	if (known && xa_to_value(known) != vnode)
		vnode = SEVERAL;
	if (!known || xa_to_value(known) != vnode)
		xa_store(&blocks, machine >> BLOCK_SHIFT, xa_mk_value(vnode), GFP_NOWAIT | __GFP_NOWARN);
}

/* Forgets all blocks: the machine frames, or the machine, may be others now. */
void vnb_forget_machine(void) { xa_destroy(&blocks); }

/* The vnode of a frame; VNB_MAX_VNODES: not known. */
static unsigned int known_vnode(unsigned long frame)
{
	void *known = vnb_pv_is_ours(frame) ? xa_load(&blocks, __pfn_to_mfn(frame) >> BLOCK_SHIFT) : NULL;

	return known ? xa_to_value(known) : VNB_MAX_VNODES;
}

/* Checks every frame of an extent, because they may lie on different nodes. */
bool vnb_lies_on(unsigned long frame, unsigned int vnode)
{
	unsigned int i;

	for (i = 0; i < VNB_EXTENT_FRAMES; i++)
		if (known_vnode(frame + i) != vnode)
			return false;
	return true;
}

/* --- Rehome: free memory of the vnode's own frames is exchanged for memory of its physical node ------------------- */

/* Populates a given extent with memory of the vnode, or else of any node. Under vnb_lock. */
static bool fill(struct page *page, unsigned int vnode)
{
	return vnb_pv_take_whole(page, vnode) || vnb_fill(page, vnode);
}

/* Exchanges one extent, which is marked offline. If it does not come back it stays held and marked. Returns whether
 * all of it is the vnode's. */
static bool exchange(struct page *page, unsigned int vnode, struct list_head *back)
{
	enum vnb_type is;
	bool home = false;

	mutex_lock(&vnb_lock);
	/* As in give(): everything may have been taken back meanwhile. */
	is = atomic_read(&vnb_closed) ? VNB_RAM : vnb_finish(page);
	if (is != VNB_RAM) {
		home = is == VNB_HOLE && fill(page, vnode);
		/* Otherwise take memory from any node, as it was before. */
		if (home || vnb_fill(page, VNB_MAX_VNODES))
			is = VNB_RAM;
		else
			is = vnb_finish(page);
	}
	if (is == VNB_RAM)
		list_add(&page->lru, back);
	else if (is == VNB_HOLE)
		vnb_keep(page);
	else
		vnb_keep_doubtful(page);
	vnb_pin();
	mutex_unlock(&vnb_lock);
	return home;
}

static bool rehome_extent(unsigned long frame, struct vnb_move *move)
{
	struct page *page = vnb_try_range(frame, move->vnode);
	LIST_HEAD(chunks);
	LIST_HEAD(back);
	bool home;

	if (!page)
		return true;
	list_add(&page->lru, &chunks);
	vnb_mark_all(&chunks, true);
	home = exchange(page, move->vnode, &back);
	vnb_free_chunks(&back);
	move->done += home;
	return home;
}

/* Goes through as many extents as asked for, from where the last call stopped. VNB_EMPTY: these were the vnode's
 * last. */
void vnb_rehome(struct vnb_move *move)
{
	struct vnb_place *place = &vnb_places[move->vnode];
	u64 seen;

	for (seen = 0; seen < move->extents && vnb_may_go_on(move); seen++) {
		unsigned long frame = vnb_nth_extent(move->vnode, place->rehomed++);

		if (frame == VNB_NO_FRAME) {
			place->rehomed = 0;
			move->reason = VNB_EMPTY;
			break;
		}
		if (vnb_lies_on(frame, move->vnode))
			continue;
		if (!rehome_extent(frame, move)) {
			move->reason = vnb_why_not();
			break;
		}
	}
}

void vnb_find_where(struct vnb_where *where)
{
	unsigned long n, frame, i;

	where->home = where->elsewhere = where->unknown = where->holes = 0;
	for (n = 0; (frame = vnb_nth_extent(where->vnode, n)) != VNB_NO_FRAME; n++) {
		for (i = 0; i < VNB_EXTENT_FRAMES; i++) {
			unsigned int vnode = known_vnode(frame + i);

			if (!vnb_pv_is_ours(frame + i))
				where->holes++;
			else if (vnode == where->vnode)
				where->home++;
			else if (vnode < VNB_MAX_VNODES)
				where->elsewhere++;
			else
				where->unknown++;
		}
		cond_resched();
	}
}
