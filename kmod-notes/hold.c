// SPDX-License-Identifier: GPL-2.0-only
/*
 * A probe for module.md, not a driver: gives extents of one node to Xen when it is loaded, takes them back when it is
 * unloaded. It shows what a kernel module can do and user space cannot, in a guest that keeps privcmd shut.
 *
 *   insmod hold.ko node=1 vnode=1 extents=64
 *   cat /sys/module/hold/parameters/{given,kept}     extents that Xen has; extents that it has a part of, perhaps
 */
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/page-flags.h>
#include <xen/xen.h>
#include <xen/interface/memory.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/hypervisor.h>

#define ORDER 9
#define FRAMES (1UL << ORDER)

/* What Linux's copy of Xen's header leaves out. There the field is called address_bits. */
#define MEMF_NODE(n) (((n) + 1U) << 8)
#define MEMF_EXACT (1U << 17)
#define MEMF_VNODE (1U << 18)

static int node;
module_param(node, int, 0444);
MODULE_PARM_DESC(node, "Linux's number of the node");
static unsigned int vnode;
module_param(vnode, uint, 0444);
MODULE_PARM_DESC(vnode, "Xen's number of it");
static unsigned int extents;
module_param(extents, uint, 0444);
MODULE_PARM_DESC(extents, "how many 2 MiB extents to hold");
static unsigned int given;
module_param(given, uint, 0444);
static unsigned int kept;
module_param(kept, uint, 0444);

static LIST_HEAD(held);

/* One extent: whether all of it was done. Xen counts, and says nothing of a part. */
static bool move(struct page *page, unsigned int call, unsigned int flags)
{
	xen_pfn_t frame = page_to_pfn(page);
	struct xen_memory_reservation reservation = {
		.nr_extents = 1,
		.extent_order = ORDER,
		.address_bits = flags,
		.domid = DOMID_SELF,
	};

	set_xen_guest_handle(reservation.extent_start, &frame);
	return HYPERVISOR_memory_op(call, &reservation) == 1;
}

/* PageOffline: whoever looks at all of memory leaves such a page out. It is no longer MemTotal's either. */
static void mark(struct page *page, bool offline)
{
	unsigned long i;

	/* Nobody is in the middle of a look at it. */
	page_offline_begin();
	for (i = 0; i < FRAMES; i++) {
		if (offline)
			__SetPageOffline(page + i);
		else
			__ClearPageOffline(page + i);
	}
	page_offline_end();
	adjust_managed_page_count(page, offline ? -(long)FRAMES : (long)FRAMES);
}

static bool hold_one(void)
{
	gfp_t flags = GFP_HIGHUSER | __GFP_THISNODE | __GFP_RETRY_MAYFAIL | __GFP_NOWARN | __GFP_ZERO;
	struct page *page = alloc_pages_node(node, flags, ORDER);

	if (!page)
		return false;
	mark(page, true);
	list_add(&page->lru, &held);
	if (move(page, XENMEM_decrease_reservation, 0)) {
		given++;
		return true;
	}
	/* A part of it may be gone: never freed. */
	list_del(&page->lru);
	kept++;
	return false;
}

static int __init hold_init(void)
{
	if (!xen_hvm_domain())
		return -ENODEV;
	while (given < extents && hold_one())
		;
	pr_info("hold: %u of %u extents of node %d given\n", given, extents, node);
	return 0;
}

static void __exit hold_exit(void)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &held, lru) {
		list_del(&page->lru);
		if (!move(page, XENMEM_populate_physmap, MEMF_NODE(vnode) | MEMF_VNODE | MEMF_EXACT)) {
			/* Still a hole, or a part of one. */
			kept++;
			continue;
		}
		mark(page, false);
		__free_pages(page, ORDER);
		given--;
	}
	pr_info("hold: %u extents could not be taken back\n", kept);
}

module_init(hold_init);
module_exit(hold_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Holds 2 MiB extents of one node for Xen: a probe");
