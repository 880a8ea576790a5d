// SPDX-License-Identifier: GPL-2.0-only
/* Chunks: pages that Linux counts as allocated and offline, and that Xen has. */
#include "internal.h"

#include <linux/gfp.h>
#include <linux/memory_hotplug.h>
#include <linux/module.h>
#include <linux/page-flags.h>
#include <linux/sched/signal.h>

#define MAGIC 0x766e6232ULL	/* the low half of page_private() of a chunk's first page */
#define SPLIT (1ULL << 48)

DEFINE_MUTEX(vnb_lock);
struct vnb_place vnb_places[VNB_MAX_VNODES];
struct page *vnb_chunks[VNB_BATCH];
xen_pfn_t vnb_frames[VNB_EXTENT_FRAMES];

/* Split: each of its pages was allocated separately. */
void vnb_name_chunk(struct page *page, unsigned int vnode, bool split)
{
	set_page_private(page, MAGIC | (u64)vnode << 32 | (split ? SPLIT : 0));
}

unsigned int vnb_vnode_of(struct page *page) { return page_private(page) >> 32 & 0xff; }

/* Whether it is a chunk of an earlier load of the module, which was removed by force. */
bool vnb_is_left_behind(struct page *page)
{
	unsigned int i;

	if ((page_private(page) & 0xffffffff) != MAGIC || vnb_vnode_of(page) >= VNB_MAX_VNODES ||
	    page_to_pfn(page) & (VNB_EXTENT_FRAMES - 1) || page_count(page) != 1)
		return false;
	for (i = 0; i < VNB_EXTENT_FRAMES; i++)
		if (!PageOffline(page + i))
			return false;
	return true;
}

void vnb_mark(struct page *page, bool offline)
{
	unsigned int i;

	for (i = 0; i < VNB_EXTENT_FRAMES; i++) {
		if (offline)
			__SetPageOffline(page + i);
		else
			__ClearPageOffline(page + i);
	}
	adjust_managed_page_count(page, offline ? -VNB_EXTENT_FRAMES : VNB_EXTENT_FRAMES);
}

/*
 * A reader of /proc/kcore or a dump must not be in the middle of a page that becomes a hole: page_offline_begin() waits
 * for it. A page that becomes RAM again needs no such care, and must not wait: the OOM notifier may run in that very
 * reader.
 */
void vnb_mark_all(struct list_head *chunks, bool offline)
{
	struct page *page;

	if (offline)
		page_offline_begin();
	list_for_each_entry(page, chunks, lru)
		vnb_mark(page, offline);
	if (offline)
		page_offline_end();
}

/* Frames that the kernel marked bad (hwpoison) while they were held are never used again; the others are. */
static bool free_good_pages(struct page *page, bool split)
{
	unsigned int i, bad = 0;

	for (i = 0; i < VNB_EXTENT_FRAMES; i++)
		bad += PageHWPoison(page + i);
	if (!bad && !split)
		return false;
	if (!split)
		split_page(page, VNB_EXTENT_ORDER);
	for (i = 0; i < VNB_EXTENT_FRAMES; i++)
		if (!PageHWPoison(page + i))
			__free_page(page + i);
	if (bad)
		pr_warn("%u frames are bad and stay out of use\n", bad);
	return true;
}

/*
 * Freed as two halves: a page of order 9 would go to a list of this processor alone, where no other one finds it, at
 * the very moment when memory is short.
 */
void vnb_free_chunk(struct page *page)
{
	bool split = page_private(page) & SPLIT;
	struct page *half = page + VNB_EXTENT_FRAMES / 2;

	set_page_private(page, 0);
	if (free_good_pages(page, split))
		return;
	init_page_count(half);
	__free_pages(page, VNB_EXTENT_ORDER - 1);
	__free_pages(half, VNB_EXTENT_ORDER - 1);
}

void vnb_keep(struct page *page)
{
	struct vnb_place *place = &vnb_places[vnb_vnode_of(page)];

	list_add_tail(&page->lru, &place->held);
	place->held_extents++;
}

void vnb_keep_doubtful(struct page *page)
{
	struct vnb_place *place = &vnb_places[vnb_vnode_of(page)];

	list_add_tail(&page->lru, &place->doubtful);
	place->doubt_extents++;
}

static bool pinned;

/* Keeps the module loaded while anything is held. Under vnb_lock. */
void vnb_pin(void)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < VNB_MAX_VNODES; i++)
		any |= vnb_places[i].held_extents || vnb_places[i].doubt_extents;
	if (any && !pinned)
		__module_get(THIS_MODULE);
	if (!any && pinned)
		module_put(THIS_MODULE);
	pinned = any;
}

/*
 * Gives the frames that are RAM in a chunk that was given or taken in part. Returns VNB_HOLE or VNB_RAM if all of it is
 * that now. VNB_OTHER: it is both, or a frame of it is neither; the chunk is in doubt. Under vnb_lock.
 */
enum vnb_type vnb_finish(struct page *page)
{
	unsigned long first = page_to_pfn(page);

	for (;;) {
		unsigned int i, ram = 0;

		for (i = 0; i < VNB_EXTENT_FRAMES; i++) {
			int type = vnb_xen->type(first + i);

			if (type == VNB_OTHER)
				return VNB_OTHER;
			if (type == VNB_RAM)
				vnb_frames[ram++] = first + i;
		}
		if (!ram)
			return VNB_HOLE;
		if (!vnb_xen->give_frames(ram))
			return ram == VNB_EXTENT_FRAMES ? VNB_RAM : VNB_OTHER;
	}
}

/*
 * Populates the holes of a chunk with memory of the vnode, and only frames that are known to be holes. Returns whether
 * all of the chunk is RAM now. Under vnb_lock.
 */
bool vnb_fill(struct page *page, unsigned int vnode)
{
	unsigned long first = page_to_pfn(page);

	for (;;) {
		unsigned int i, holes = 0;

		for (i = 0; i < VNB_EXTENT_FRAMES; i++) {
			int type = vnb_xen->type(first + i);

			if (type == VNB_OTHER)
				return false;
			if (type == VNB_HOLE)
				vnb_frames[holes++] = first + i;
		}
		if (!holes)
			return true;
		if (!vnb_xen->take_frames(holes, vnode))
			return false;
	}
}

/* Asks Xen about every frame of some extents. */
void vnb_look_through(struct vnb_audit *audit)
{
	u64 at = 0, end = audit->first + min_t(u64, audit->extents, VNB_BATCH);
	struct page *page;
	unsigned int i;

	audit->extents = audit->holes = audit->ram = audit->other = 0;
	mutex_lock(&vnb_lock);
	list_for_each_entry(page, &vnb_places[audit->vnode].held, lru) {
		if (at++ < audit->first)
			continue;
		if (at > end || fatal_signal_pending(current))
			break;
		for (i = 0; i < VNB_EXTENT_FRAMES; i++) {
			int type = vnb_xen->type(page_to_pfn(page) + i);

			audit->holes += type == VNB_HOLE;
			audit->ram += type == VNB_RAM;
			audit->other += type == VNB_OTHER;
		}
		audit->extents++;
	}
	mutex_unlock(&vnb_lock);
}
