// SPDX-License-Identifier: GPL-2.0-only
/* Giving memory to Xen and taking it back: the same for all kinds of guests. */
#include "internal.h"
#include "plant.h"

#include <linux/freezer.h>
#include <linux/sched/signal.h>

#define GIVE_BATCH 16	/* extents in a hypercall; more are no faster (kmod-notes) */
#define RANGE_TRIES 256	/* ranges that one call may try in vain */

/* The kernel gives up freezing processes after 20 seconds. */
bool vnb_interrupted(void) { return signal_pending(current) || freezing(current); }

/* Whether another batch may be moved; else move->reason says why not. */
bool vnb_may_go_on(struct vnb_move *move)
{
	cond_resched();
	if (atomic_read(&vnb_unsure))
		move->reason = VNB_UNSURE;
	else if (atomic_read(&vnb_closed))
		move->reason = VNB_CLOSED;
	else if (vnb_interrupted())
		move->reason = VNB_INTERRUPTED;
	else if (vnb_migrating())
		move->reason = VNB_MIGRATING;
	return move->reason == VNB_ALL;
}

/* --- Give -------------------------------------------------------------------------------------------------------- */

static unsigned int take(unsigned int vnode, unsigned int want, struct list_head *back);

/*
 * Xen counted, but the domain's reservation did not fall: another domain has frames mapped, or Xen keeps them for
 * populate-on-demand. The memory is of no use to Xen, so it is taken back. The chunks are the youngest of the vnode.
 * Returns how many stay held. Under vnb_lock.
 */
static unsigned int take_back(unsigned int vnode, unsigned int given, struct list_head *back)
{
	unsigned int taken;

	while (given) {
		taken = take(vnode, given, back);
		if (!taken)
			break;
		given -= taken;
	}
	return given;
}

/* Gives at most GIVE_BATCH chunks, which are marked offline. Returns how many are held. Those that are RAM are in
 * the list afterwards. */
static unsigned int give(unsigned int vnode, struct list_head *chunks)
{
	unsigned int i, n = 0, given;
	struct page *page;
	bool freed;
	long before;

	mutex_lock(&vnb_lock);
	/* Checked under the lock: everything may have been taken back while these chunks were searched for. */
	if (atomic_read(&vnb_closed)) {
		mutex_unlock(&vnb_lock);
		return 0;
	}
	list_for_each_entry(page, chunks, lru)
		vnb_chunks[n++] = page;
	plant(n);
	before = vnb_reservation();
	given = vnb_xen->give(n);
	freed = before - vnb_reservation() >= (long)given * VNB_EXTENT_FRAMES;
	for (i = 0; i < n && i <= given; i++) {
		enum vnb_type is = VNB_HOLE;

		/* The first one that Xen did not count may be given in part. Those after it were not touched. */
		page = vnb_chunks[i];
		if (i == given)
			is = vnb_finish(page);
		if (is == VNB_RAM)
			break;
		list_del(&page->lru);
		if (is == VNB_HOLE)
			vnb_keep(page);
		else
			vnb_keep_doubtful(page);
		if (i == given) {
			given += is == VNB_HOLE;
			break;
		}
	}
	if (!freed)
		given = take_back(vnode, given, chunks);
	vnb_pin();
	mutex_unlock(&vnb_lock);
	return given;
}

void vnb_free_chunks(struct list_head *chunks)
{
	struct page *page, *next;

	vnb_mark_all(chunks, false);
	list_for_each_entry_safe(page, next, chunks, lru) {
		list_del(&page->lru);
		vnb_free_chunk(page);
	}
}

static bool hold_batch(struct vnb_move *move)
{
	unsigned int n = 0, want = min_t(u64, GIVE_BATCH, move->extents - move->done), given;
	unsigned int tries = RANGE_TRIES;
	u32 why = VNB_ALL;
	LIST_HEAD(chunks);

	while (n < want) {
		struct page *page = vnb_find_chunk(move->vnode, &tries, &why);

		if (!page)
			break;
		list_add_tail(&page->lru, &chunks);
		n++;
	}
	vnb_mark_all(&chunks, true);
	given = n ? give(move->vnode, &chunks) : 0;
	vnb_free_chunks(&chunks);
	move->done += given;
	if (given < n)
		why = vnb_why_not();
	else if (n == want)
		why = VNB_ALL;
	move->reason = why;
	return why == VNB_ALL;
}

void vnb_hold(struct vnb_move *move)
{
	u64 yielded = READ_ONCE(vnb_counters.yielded);

	while (move->done < move->extents && vnb_may_go_on(move)) {
		if (yielded != READ_ONCE(vnb_counters.yielded)) {
			move->reason = VNB_PRESSURE;
			break;
		}
		if (!hold_batch(move))
			break;
	}
}

/* --- Take back --------------------------------------------------------------------------------------------------- */

/*
 * The chunk at which Xen stopped may be RAM in part. It stays held if all of it can be made a hole again. Otherwise it
 * is in doubt, because the next call would populate all of it. Under vnb_lock.
 */
static void look_at_last(struct page *page)
{
	if (vnb_finish(page) == VNB_HOLE)
		return;
	list_del(&page->lru);
	vnb_places[vnb_vnode_of(page)].held_extents--;
	vnb_keep_doubtful(page);
}

/* Populates the youngest chunks of a vnode and moves them to `back`. Under vnb_lock. */
static unsigned int take(unsigned int vnode, unsigned int want, struct list_head *back)
{
	struct vnb_place *place = &vnb_places[vnode];
	unsigned int n = 0, taken = 0, i;
	struct page *page, *last = NULL;

	list_for_each_entry_reverse(page, &place->held, lru) {
		if (n == want || n == VNB_BATCH)
			break;
		vnb_chunks[n++] = page;
	}
	if (!n)
		return 0;
	/*
	 * A domain is suspended only once every processor is idle. So with preemption off nothing changes between the
	 * check of vnb_unsure and the call. Otherwise a frame that a resume turned into RAM could be populated, which
	 * would lose that RAM.
	 */
	preempt_disable();
	if (!atomic_read(&vnb_unsure) && !vnb_migrating()) {
		taken = vnb_xen->take(plant_fewer(n), vnode);
		if (taken < n)
			last = vnb_chunks[taken];
		plant_part(last);
		/* Xen may have no 2 MiB in one piece: populate frame by frame. */
		if (!taken && vnb_fill(last, vnode)) {
			taken = 1;
			last = NULL;
		}
	}
	preempt_enable();
	for (i = 0; i < taken; i++)
		list_move_tail(&vnb_chunks[i]->lru, back);
	place->held_extents -= taken;
	if (last)
		look_at_last(last);
	return taken;
}

/* Tries chunks in doubt once more. Returns whether that changed anything. Under vnb_lock. */
static bool settle(unsigned int vnode, struct list_head *back)
{
	struct vnb_place *place = &vnb_places[vnode];
	struct page *page, *next;
	bool changed = false;

	list_for_each_entry_safe(page, next, &place->doubtful, lru) {
		enum vnb_type is = vnb_finish(page);

		/* Xen has a part of it and does not take the rest: then all of it is taken back. */
		if (is == VNB_OTHER && vnb_fill(page, vnode))
			is = VNB_RAM;
		if (is == VNB_OTHER)
			continue;
		changed = true;
		list_del(&page->lru);
		place->doubt_extents--;
		if (is == VNB_HOLE)
			vnb_keep(page);
		else
			list_add_tail(&page->lru, back);
	}
	return changed;
}

/* Takes back some extents of a vnode. Does not allocate, and waits only for vnb_lock. If it returns 0, *reason says
 * why. */
unsigned int vnb_release_some(unsigned int vnode, unsigned int want, u32 *reason)
{
	struct vnb_place *place = &vnb_places[vnode];
	LIST_HEAD(settled);
	LIST_HEAD(back);
	unsigned int taken;

	mutex_lock(&vnb_lock);
	taken = take(vnode, want, &back);
	if (!taken && !place->held_extents && !atomic_read(&vnb_unsure) && !vnb_migrating() && settle(vnode, &settled))
		taken = take(vnode, want, &back);
	*reason = VNB_ALL;
	if (!taken && atomic_read(&vnb_unsure))
		*reason = VNB_UNSURE;
	else if (!taken && vnb_migrating())
		*reason = VNB_MIGRATING;
	else if (!taken && !place->held_extents)
		*reason = VNB_EMPTY;
	else if (!taken)
		*reason = vnb_reservation() + VNB_EXTENT_FRAMES > vnb_maximum() ? VNB_AT_MAXIMUM : VNB_REFUSED;
	vnb_pin();
	mutex_unlock(&vnb_lock);
	vnb_free_chunks(&settled);
	vnb_free_chunks(&back);
	return taken;
}

void vnb_release(struct vnb_move *move)
{
	while (move->done < move->extents && vnb_may_go_on(move)) {
		unsigned int want = min_t(u64, VNB_BATCH, move->extents - move->done);

		move->done += vnb_release_some(move->vnode, want, &move->reason);
		if (move->reason != VNB_ALL)
			break;
	}
}

/* Takes everything back. Returns how many extents are still held. */
u64 vnb_release_all(void)
{
	unsigned int vnode;
	u64 left = 0;
	u32 reason;

	for (vnode = 0; vnode < VNB_MAX_VNODES; vnode++) {
		while (vnb_release_some(vnode, VNB_BATCH, &reason))
			cond_resched();
		left += vnb_places[vnode].held_extents + vnb_places[vnode].doubt_extents;
	}
	return left;
}
