// SPDX-License-Identifier: GPL-2.0-only
/* The hypercalls, and how memory is moved where Xen translates frames (PVH and HVM). There an extent is one extent
 * for Xen. */
#include "internal.h"

#include <linux/moduleparam.h>
#include <linux/vmalloc.h>
#include <xen/interface/hvm/hvm_op.h>
#include <asm/xen/hypercall.h>

/* XENMEMF_* of Xen's memory.h. Linux's copy leaves them out and calls the field address_bits. */
#define MEMF_NODE(n) ((((n) + 1U) & 0xff) << 8)
#define MEMF_EXACT_NODE (1U << 17)
#define MEMF_VNODE (1U << 18)

#ifdef VNB_TEST
/* Test build: every Nth call moves less than it was asked to, as Xen may do at any time. */
static unsigned int fault_every;
module_param(fault_every, uint, 0644);
static bool ignore_migration;
module_param(ignore_migration, bool, 0644);

/* All callers have vnb_lock. */
static unsigned long shorten(unsigned long count)
{
	static unsigned int calls, random = 1;

	if (!fault_every || ++calls % fault_every)
		return count;
	random = random * 1664525 + 1013904223;
	return (random >> 8) % count;
}
#else
#define ignore_migration false
static unsigned long shorten(unsigned long count) { return count; }
#endif

/*
 * XENMEM_decrease_reservation or XENMEM_populate_physmap of vnb_frames[]. With a vnode, memory is populated from its
 * physical node or not at all. VNB_MAX_VNODES: from any node.
 */
long vnb_reserve(unsigned int call, unsigned long count, unsigned int order, unsigned int vnode)
{
	struct xen_memory_reservation reservation = {
		.extent_order = order,
		.domid = DOMID_SELF,
	};

	reservation.nr_extents = shorten(count);
	if (!reservation.nr_extents)
		return 0;
	if (call == XENMEM_populate_physmap && vnb_vnuma && vnode < VNB_MAX_VNODES)
		reservation.address_bits = MEMF_NODE(vnode) | MEMF_VNODE | MEMF_EXACT_NODE;
	set_xen_guest_handle(reservation.extent_start, vnb_frames);
	return HYPERVISOR_memory_op(call, &reservation);
}

long vnb_reservation(void)
{
	domid_t self = DOMID_SELF;

	return HYPERVISOR_memory_op(XENMEM_current_reservation, &self);
}

long vnb_maximum(void)
{
	domid_t self = DOMID_SELF;

	return HYPERVISOR_memory_op(XENMEM_maximum_reservation, &self);
}

/* HVMMEM_*, or an error. */
static int memory_type(unsigned long frame)
{
	struct xen_hvm_get_mem_type ask = { .domid = DOMID_SELF, .pfn = frame };
	int rc = HYPERVISOR_hvm_op(HVMOP_get_mem_type, &ask);

	return rc ? rc : ask.mem_type;
}

/*
 * During a migration Xen logs which pages are written: a page that was not written since then reads as read-only. The
 * guest never writes this one. It is not in the kernel's text, because the kernel patches that.
 */
static const u8 never_written[PAGE_SIZE] __aligned(PAGE_SIZE) = { 1 };

bool vnb_migrating(void)
{
	return !xen_pv_domain() && !ignore_migration && memory_type(vmalloc_to_pfn(never_written)) == HVMMEM_ram_ro;
}

static unsigned int counted(long rc) { return max(rc, 0L); }

static void list_chunks(unsigned int chunks)
{
	unsigned int i;

	for (i = 0; i < chunks; i++)
		vnb_frames[i] = page_to_pfn(vnb_chunks[i]);
}

static unsigned int hvm_give(unsigned int chunks)
{
	list_chunks(chunks);
	return counted(vnb_reserve(XENMEM_decrease_reservation, chunks, VNB_EXTENT_ORDER, 0));
}

static unsigned int hvm_give_frames(unsigned int count)
{
	return counted(vnb_reserve(XENMEM_decrease_reservation, count, 0, 0));
}

static unsigned int hvm_take(unsigned int chunks, unsigned int vnode)
{
	list_chunks(chunks);
	return counted(vnb_reserve(XENMEM_populate_physmap, chunks, VNB_EXTENT_ORDER, vnode));
}

static unsigned int hvm_take_frames(unsigned int count, unsigned int vnode)
{
	return counted(vnb_reserve(XENMEM_populate_physmap, count, 0, vnode));
}

static int hvm_type(unsigned long frame)
{
	switch (memory_type(frame)) {
	case HVMMEM_mmio_dm:
		return VNB_HOLE;
	case HVMMEM_ram_rw:
	case HVMMEM_ram_ro:
		return VNB_RAM;
	default:
		return VNB_OTHER;
	}
}

const struct vnb_xen_ops vnb_hvm_ops = {
	.give = hvm_give,
	.give_frames = hvm_give_frames,
	.take = hvm_take,
	.take_frames = hvm_take_frames,
	.type = hvm_type,
};
