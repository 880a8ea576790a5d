// SPDX-License-Identifier: GPL-2.0-only
/* Finds the memory of a vnode: Xen describes it by frame numbers, and Linux has nodes of its own. */
#include "internal.h"

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/memory_hotplug.h>
#include <linux/mmzone.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <asm/xen/hypercall.h>

/* struct xen_vnuma_topology_info and xen_vmemrange of Xen's memory.h; Linux's copy leaves them out. */
#define GET_VNUMAINFO 26
struct vmemrange {
	u64 start, end;
	u32 flags, vnode;
};
struct vnuma_topology {
	domid_t domain;
	u16 pad;
	u32 vnodes, vcpus, ranges;
	u64 distances, vcpu_to_vnode, vmemranges;
};

#define MAX_VCPUS 4096
#define LOW_FRAMES (16UL << 20 >> PAGE_SHIFT)	/* for devices */
#define SPARE_FRAMES 4096	/* to leave free above the high watermark when a range is cleared */

unsigned int vnb_vnodes;	/* 0: not known, so nothing is given */
bool vnb_vnuma;
static struct vnb_range ranges[VNB_MAX_RANGES];
static unsigned int range_count;

struct answer {
	struct vmemrange ranges[VNB_MAX_RANGES];
	u32 distances[VNB_MAX_VNODES * VNB_MAX_VNODES];
	u32 vcpu_to_vnode[MAX_VCPUS];
};

/* Asks Xen for the vnodes. An error: the domain has none, or more than fit. */
static int ask_xen(struct answer *answer)
{
	struct vnuma_topology ask = {
		.domain = DOMID_SELF,
		.vnodes = VNB_MAX_VNODES,
		.vcpus = MAX_VCPUS,
		.ranges = VNB_MAX_RANGES,
		.distances = (u64)answer->distances,
		.vcpu_to_vnode = (u64)answer->vcpu_to_vnode,
		.vmemranges = (u64)answer->ranges,
	};
	int rc = HYPERVISOR_memory_op(GET_VNUMAINFO, &ask);
	unsigned int i;

	if (rc)
		return rc;
	if (!ask.vnodes || ask.vnodes > VNB_MAX_VNODES || ask.ranges > VNB_MAX_RANGES)
		return -EINVAL;
	for (i = 0; i < ask.ranges; i++) {
		if (answer->ranges[i].vnode >= ask.vnodes)
			return -EINVAL;
		ranges[i] = (struct vnb_range){ .start = PFN_UP(answer->ranges[i].start),
						.end = PFN_DOWN(answer->ranges[i].end),
						.vnode = answer->ranges[i].vnode };
	}
	range_count = ask.ranges;
	vnb_vnodes = ask.vnodes;
	return 0;
}

/* The Linux node that has all of the vnode's memory, if there is one. */
static int node_of(unsigned int vnode)
{
	int node = NUMA_NO_NODE;
	unsigned int i;

	for (i = 0; i < range_count; i++) {
		unsigned long frame;

		if (ranges[i].vnode != vnode)
			continue;
		for (frame = ranges[i].start; frame < ranges[i].end; frame += VNB_EXTENT_FRAMES) {
			struct page *page = pfn_to_online_page(frame);

			if (!page)
				continue;
			if (node != NUMA_NO_NODE && node != page_to_nid(page))
				return NUMA_NO_NODE;
			node = page_to_nid(page);
		}
	}
	return node;
}

/* Starts the count of a search anew: something was found, or all was tried, or this may be another machine. */
static void end_round(struct vnb_place *place)
{
	place->fruitless = 0;
	place->any_known = false;
}

/* Asks Xen for the vnodes and finds their nodes: when the module is loaded, and after a resume. */
void vnb_learn_vnodes(void)
{
	struct answer *answer = kvzalloc(sizeof(*answer), GFP_KERNEL);
	unsigned int i, j;
	int rc;

	if (!answer)
		return;
	rc = ask_xen(answer);
	kvfree(answer);
	/* Older and newer versions of Xen return these errors for a domain without virtual NUMA. */
	vnb_vnuma = rc != -EOPNOTSUPP && rc != -ENOSYS;
	if (rc) {
		vnb_vnodes = vnb_vnuma ? 0 : 1;
		range_count = 0;
	}
	if (rc && vnb_vnuma)
		pr_err("Xen's virtual NUMA cannot be understood (%d): nothing will be given\n", rc);
	for (i = 0; i < VNB_MAX_VNODES; i++) {
		end_round(&vnb_places[i]);
		vnb_places[i].node = vnb_vnuma && i < vnb_vnodes ? node_of(i) : NUMA_NO_NODE;
	}
	for (i = 0; i < vnb_vnodes; i++) {
		/* PV: that Linux's node has a frame does not say where the frame lies. */
		vnb_places[i].by_range = vnb_vnuma && (xen_pv_domain() || vnb_places[i].node == NUMA_NO_NODE);
		for (j = 0; j < vnb_vnodes; j++)
			if (j != i && vnb_vnuma && vnb_places[j].node == vnb_places[i].node)
				vnb_places[i].by_range = true;
	}
}

u64 vnb_vnode_frames(unsigned int vnode)
{
	u64 frames = 0;
	unsigned int i;

	for (i = 0; i < range_count; i++)
		if (ranges[i].vnode == vnode)
			frames += ranges[i].end - ranges[i].start;
	return frames;
}

bool vnb_in_vnode(unsigned long frame, unsigned int vnode)
{
	unsigned int i;

	for (i = 0; i < range_count; i++)
		if (frame >= ranges[i].start && frame + VNB_EXTENT_FRAMES <= ranges[i].end)
			return ranges[i].vnode == vnode;
	return !vnb_vnuma;
}

static struct page *allocate(const struct vnb_place *place)
{
	/* Without __GFP_HARDWALL: the caller's cpuset does not limit which memory may be given. */
	gfp_t gfp = GFP_KERNEL | __GFP_HIGHMEM | __GFP_ZERO | __GFP_RETRY_MAYFAIL | __GFP_NOWARN | __GFP_NOMEMALLOC;

	if (place->node == NUMA_NO_NODE)
		return alloc_pages(gfp, VNB_EXTENT_ORDER);
	return alloc_pages_node(place->node, gfp | __GFP_THISNODE, VNB_EXTENT_ORDER);
}

/* Checks the watermarks, which clearing a range does not do by itself. */
static bool has_room(struct page *page)
{
	struct zone *zone = page_zone(page);

	return zone_page_state(zone, NR_FREE_PAGES) > high_wmark_pages(zone) + SPARE_FRAMES;
}

/* Moves everything out of the range. Without __GFP_ZERO, which alloc_contig_range() ignores before Linux 6.14. */
static bool clear_range(unsigned long frame)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	return !alloc_contig_range(frame, frame + VNB_EXTENT_FRAMES, ACR_FLAGS_NONE, gfp);
#else
	return !alloc_contig_range(frame, frame + VNB_EXTENT_FRAMES, MIGRATE_MOVABLE, gfp);
#endif
}

/* Clears the pages: Xen does not scrub what a running domain gives, so the next owner could read the old contents. */
static void zero_range(struct page *page)
{
	unsigned int i;

	for (i = 0; i < VNB_EXTENT_FRAMES; i++) {
		clear_highpage(page + i);
		cond_resched();
	}
}

/* Clears the range of this extent, then zeroes and names it. */
struct page *vnb_try_range(unsigned long frame, unsigned int vnode)
{
	struct page *page = pfn_to_online_page(frame);

	if (frame < LOW_FRAMES || !page || PageReserved(page) || PageOffline(page))
		return NULL;
	if (!has_room(page) || !clear_range(frame))
		return NULL;
	zero_range(page);
	vnb_name_chunk(page, vnode, true);
	return page;
}

/* The first frame of the nth extent of the vnode; VNB_NO_FRAME: it has fewer extents. */
unsigned long vnb_nth_extent(unsigned int vnode, unsigned long n)
{
	unsigned int i;

	for (i = 0; i < range_count; i++) {
		unsigned long start = ALIGN(ranges[i].start, VNB_EXTENT_FRAMES);
		unsigned long end = ALIGN_DOWN(ranges[i].end, VNB_EXTENT_FRAMES), count;

		if (ranges[i].vnode != vnode || end <= start)
			continue;
		count = (end - start) / VNB_EXTENT_FRAMES;
		if (n < count)
			return start + n * VNB_EXTENT_FRAMES;
		n -= count;
	}
	return VNB_NO_FRAME;
}

/* Tries to get the extent of these frames. PV: only one that is known to lie on the vnode's physical node. */
static struct page *try_extent(unsigned long frame, unsigned int vnode, unsigned int *tries)
{
	struct page *page;

	if (xen_pv_domain() && !vnb_lies_on(frame, vnode))
		return NULL;
	vnb_places[vnode].any_known = true;
	page = vnb_try_range(frame, vnode);
	/* Checked again: Linux's own balloon may have exchanged frames meanwhile. */
	if (page && (!xen_pv_domain() || vnb_lies_on(frame, vnode)))
		return page;
	if (page)
		vnb_free_chunk(page);
	--*tries;
	return NULL;
}

/*
 * Searches once round the vnode, from where the last search stopped. For a large vnode this takes many calls, so that
 * none of them is long: VNB_INTERRUPTED says that there is more to search.
 */
static struct page *search_range(unsigned int vnode, unsigned int *tries, u32 *reason)
{
	struct vnb_place *place = &vnb_places[vnode];
	unsigned long round = vnb_vnode_frames(vnode) / VNB_EXTENT_FRAMES + 1;

	for (; place->fruitless < round; place->fruitless++) {
		unsigned long frame;
		struct page *page;

		if (!*tries || vnb_interrupted()) {
			*reason = VNB_INTERRUPTED;
			return NULL;
		}
		frame = vnb_nth_extent(vnode, place->cursor++);
		if (frame == VNB_NO_FRAME) {
			place->cursor = 0;
			continue;
		}
		page = try_extent(frame, vnode, tries);
		if (page) {
			end_round(place);
			return page;
		}
		cond_resched();
	}
	*reason = xen_pv_domain() && !place->any_known ? VNB_UNKNOWN_PLACE : VNB_NO_MEMORY;
	end_round(place);
	return NULL;
}

/* Gets 2 MiB of the vnode, cleared; or none, and *reason says why. By range, *tries limits the tries in vain. */
struct page *vnb_find_chunk(unsigned int vnode, unsigned int *tries, u32 *reason)
{
	struct vnb_place *place = &vnb_places[vnode];
	struct page *page;

	if (place->by_range)
		return search_range(vnode, tries, reason);
	*reason = VNB_NO_MEMORY;
	page = allocate(place);
	if (!page)
		return NULL;
	vnb_name_chunk(page, vnode, false);
	if (vnb_in_vnode(page_to_pfn(page), vnode))
		return page;
	vnb_free_chunk(page);
	return NULL;
}
