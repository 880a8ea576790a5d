// SPDX-License-Identifier: GPL-2.0-only
/* Which memory is a vnode's: Xen says it by frame numbers, Linux has nodes of its own. */
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
#define SPARE_FRAMES 4096	/* that clearing a range must leave free above the high watermark */

unsigned int vnb_vnodes;	/* 0: not known: nothing is given */
bool vnb_vnuma;
static struct vnb_range ranges[VNB_MAX_RANGES];
static unsigned int range_count;

struct answer {
	struct vmemrange ranges[VNB_MAX_RANGES];
	u32 distances[VNB_MAX_VNODES * VNB_MAX_VNODES];
	u32 vcpu_to_vnode[MAX_VCPUS];
};

/* Whether Xen knows vnodes; else an error: it knows none, or more than fit. */
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

/* Linux's node of all of the vnode's memory, if it is one. */
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

/* The next search begins to count anew: something was found, or all was looked at, or it is another machine. */
static void end_round(struct vnb_place *place)
{
	place->fruitless = 0;
	place->any_known = false;
}

/* Asks Xen, and finds the nodes. When the module is loaded, and after a resume. */
void vnb_learn_vnodes(void)
{
	struct answer *answer = kvzalloc(sizeof(*answer), GFP_KERNEL);
	unsigned int i, j;
	int rc;

	if (!answer)
		return;
	rc = ask_xen(answer);
	kvfree(answer);
	/* What older and newer Xen say of a domain without virtual NUMA. */
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
		/* PV: which frames Linux's node has says nothing of where they lie. */
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
	/* Without __GFP_HARDWALL: which nodes the caller's cpuset has does not say what may be given. */
	gfp_t gfp = GFP_KERNEL | __GFP_HIGHMEM | __GFP_ZERO | __GFP_RETRY_MAYFAIL | __GFP_NOWARN | __GFP_NOMEMALLOC;

	if (place->node == NUMA_NO_NODE)
		return alloc_pages(gfp, VNB_EXTENT_ORDER);
	return alloc_pages_node(place->node, gfp | __GFP_THISNODE, VNB_EXTENT_ORDER);
}

/* Clearing a range looks at no watermark by itself. */
static bool has_room(struct page *page)
{
	struct zone *zone = page_zone(page);

	return zone_page_state(zone, NR_FREE_PAGES) > high_wmark_pages(zone) + SPARE_FRAMES;
}

/* Makes nothing be in it any more. Without __GFP_ZERO: before Linux 6.14 alloc_contig_range() takes no notice of it. */
static bool clear_range(unsigned long frame)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	return !alloc_contig_range(frame, frame + VNB_EXTENT_FRAMES, ACR_FLAGS_NONE, gfp);
#else
	return !alloc_contig_range(frame, frame + VNB_EXTENT_FRAMES, MIGRATE_MOVABLE, gfp);
#endif
}

/* Xen does not scrub what a living domain gives: whoever gets it next could read what was in it. */
static void zero_range(struct page *page)
{
	unsigned int i;

	for (i = 0; i < VNB_EXTENT_FRAMES; i++) {
		clear_highpage(page + i);
		cond_resched();
	}
}

/* The extent of these frames, zeroed and named, once nothing is in it. */
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

/* The first frame of the nth extent of the vnode; VNB_NO_FRAME: there are not so many. */
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

/* The extent of these frames, if it can be had. PV: only what is known to lie on the vnode's physical node. */
static struct page *try_extent(unsigned long frame, unsigned int vnode, unsigned int *tries)
{
	struct page *page;

	if (xen_pv_domain() && !vnb_lies_on(frame, vnode))
		return NULL;
	vnb_places[vnode].any_known = true;
	page = vnb_try_range(frame, vnode);
	/* Again: Linux's own balloon may have been quicker. */
	if (page && (!xen_pv_domain() || vnb_lies_on(frame, vnode)))
		return page;
	if (page)
		vnb_free_chunk(page);
	--*tries;
	return NULL;
}

/*
 * Once round the vnode, from where the last search stopped. Round a large vnode it takes many calls, so that none of
 * them is long: VNB_INTERRUPTED says that there is more to look at.
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

/* 2 MiB of the vnode, cleared, and ours; or none, and why. By range there may be so many tries in vain. */
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
