// SPDX-License-Identifier: GPL-2.0-only
/*
 * PV guests. A frame has a machine frame, which the P2M names, and a mapping in the kernel, which Xen watches. Both
 * must be removed before the memory is given, and restored after it comes back.
 */
#include "internal.h"

#include <linux/mm.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>

static unsigned long pfns[VNB_EXTENT_FRAMES];
static xen_pfn_t machine[VNB_EXTENT_FRAMES];
static struct multicall_entry calls[VNB_EXTENT_FRAMES];

static bool is_hole(unsigned long frame) { return __pfn_to_mfn(frame) == INVALID_P2M_ENTRY; }

bool vnb_pv_is_ours(unsigned long frame)
{
	unsigned long mfn = __pfn_to_mfn(frame);

	return mfn != INVALID_P2M_ENTRY && !(mfn & (FOREIGN_FRAME_BIT | IDENTITY_FRAME_BIT));
}

/* --- Mappings and the P2M ---------------------------------------------------------------------------------------- */

/*
 * Maps pfns[from..to] to machine[], or unmaps them. Returns where it stopped. Linux's own functions panic if Xen
 * refuses; a module must not. The P2M never names a frame that is not mapped.
 */
static unsigned int map_each(unsigned int from, unsigned int to, bool present)
{
	unsigned int i;

	for (i = from; i < to; i++) {
		unsigned long address = (unsigned long)__va(PFN_PHYS(pfns[i]));
		pte_t entry = present ? mfn_pte(machine[i], PAGE_KERNEL) : __pte_ma(0);

		if (present && xen_safe_write_ulong(xen_p2m_addr + pfns[i], machine[i]))
			break;
		if (HYPERVISOR_update_va_mapping(address, entry, 0)) {
			if (present)
				xen_safe_write_ulong(xen_p2m_addr + pfns[i], INVALID_P2M_ENTRY);
			break;
		}
		if (!present && xen_safe_write_ulong(xen_p2m_addr + pfns[i], INVALID_P2M_ENTRY))
			break;
	}
	return i;
}

/* Does the same in one hypercall. Written by hand: Linux's MULTI_update_va_mapping() has a trace point that modules
 * cannot use. */
static unsigned int map_all(unsigned int count, bool present)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		pte_t entry = present ? mfn_pte(machine[i], PAGE_KERNEL) : __pte_ma(0);

		if (present && xen_safe_write_ulong(xen_p2m_addr + pfns[i], machine[i]))
			break;
		calls[i] = (struct multicall_entry){ .op = __HYPERVISOR_update_va_mapping };
		calls[i].args[0] = (unsigned long)__va(PFN_PHYS(pfns[i]));
		calls[i].args[1] = entry.pte;
	}
	count = i;
	if (HYPERVISOR_multicall(calls, count))
		return map_each(0, count, present);
	for (i = 0; i < count && !calls[i].result; i++)
		if (!present)
			xen_safe_write_ulong(xen_p2m_addr + pfns[i], INVALID_P2M_ENTRY);
	/* Xen also tried those after the first that failed. */
	if (i < count && present) {
		unsigned int bad = i;

		for (; bad < count; bad++) {
			HYPERVISOR_update_va_mapping((unsigned long)__va(PFN_PHYS(pfns[bad])), __pte_ma(0), 0);
			xen_safe_write_ulong(xen_p2m_addr + pfns[bad], INVALID_P2M_ENTRY);
		}
	} else if (i < count) {
		unsigned int rest = i;

		for (; rest < count; rest++)
			HYPERVISOR_update_va_mapping((unsigned long)__va(PFN_PHYS(pfns[rest])),
						     mfn_pte(machine[rest], PAGE_KERNEL), 0);
	}
	return i;
}

static void flush_everywhere(void)
{
	struct mmuext_op flush = { .cmd = MMUEXT_TLB_FLUSH_ALL };

	HYPERVISOR_mmuext_op(&flush, 1, NULL, DOMID_SELF);
}

/* Gives machine[from..to], which have no mapping any more, back to Xen. */
static void drop(unsigned int from, unsigned int to)
{
	unsigned int i;
	long rc;

	if (from >= to)
		return;
	for (i = from; i < to; i++)
		vnb_frames[i - from] = machine[i];
	rc = max(vnb_reserve(XENMEM_decrease_reservation, to - from, 0, 0), 0L);
	vnb_counters.lost += to - from - rc;
	WARN_ON_ONCE(rc < to - from);
}

/* --- Moving ------------------------------------------------------------------------------------------------------ */

/* Makes vnb_frames[count] holes, from the front on. The rest do not change. */
static unsigned int pv_give_frames(unsigned int count)
{
	unsigned int i, unmapped, mapped;
	long rc;

	for (i = 0; i < count; i++) {
		pfns[i] = vnb_frames[i];
		if (!vnb_pv_is_ours(pfns[i]))
			break;
		machine[i] = __pfn_to_mfn(pfns[i]);
	}
	unmapped = map_all(i, false);
	flush_everywhere();
	memcpy(vnb_frames, machine, sizeof(machine));
	rc = unmapped ? max(vnb_reserve(XENMEM_decrease_reservation, unmapped, 0, 0), 0L) : 0;
	mapped = map_each(rc, unmapped, true);
	drop(mapped, unmapped);
	return rc;
}

static unsigned int pv_give(unsigned int chunks)
{
	unsigned int i, j;

	for (i = 0; i < chunks; i++) {
		for (j = 0; j < VNB_EXTENT_FRAMES; j++)
			vnb_frames[j] = page_to_pfn(vnb_chunks[i]) + j;
		if (pv_give_frames(VNB_EXTENT_FRAMES) < VNB_EXTENT_FRAMES)
			break;
	}
	return i;
}

/* Maps pfns[count] to machine[count], which Xen has populated for the vnode. */
static unsigned int map_taken(unsigned int count, unsigned int vnode)
{
	unsigned int i, mapped = map_all(count, true);

	drop(mapped, count);
	for (i = 0; i < mapped && vnb_vnuma && vnode < VNB_MAX_VNODES; i++)
		vnb_learn(machine[i], vnode);
	return mapped;
}

/* Populates vnb_frames[count], which are holes, from the front on. */
static unsigned int pv_take_frames(unsigned int count, unsigned int vnode)
{
	unsigned int i;
	long rc;

	for (i = 0; i < count; i++)
		pfns[i] = vnb_frames[i];
	rc = vnb_reserve(XENMEM_populate_physmap, count, 0, vnode);
	if (rc <= 0)
		return 0;
	memcpy(machine, vnb_frames, sizeof(machine));
	return map_taken(rc, vnode);
}

/* Takes 2 MiB of machine memory in one piece, if Xen has it: one extent instead of 512. */
bool vnb_pv_take_whole(struct page *page, unsigned int vnode)
{
	unsigned int i;

	vnb_frames[0] = page_to_pfn(page);
	if (vnb_reserve(XENMEM_populate_physmap, 1, VNB_EXTENT_ORDER, vnode) != 1)
		return false;
	for (i = 0; i < VNB_EXTENT_FRAMES; i++) {
		pfns[i] = page_to_pfn(page) + i;
		machine[i] = vnb_frames[0] + i;
	}
	if (map_taken(VNB_EXTENT_FRAMES, vnode) == VNB_EXTENT_FRAMES)
		return true;
	vnb_finish(page);
	return false;
}

static unsigned int pv_take(unsigned int chunks, unsigned int vnode)
{
	unsigned int i;

	for (i = 0; i < chunks; i++)
		if (!vnb_pv_take_whole(vnb_chunks[i], vnode))
			break;
	return i;
}

static int pv_type(unsigned long frame)
{
	return is_hole(frame) ? VNB_HOLE : vnb_pv_is_ours(frame) ? VNB_RAM : VNB_OTHER;
}

const struct vnb_xen_ops vnb_pv_ops = {
	.give = pv_give,
	.give_frames = pv_give_frames,
	.take = pv_take,
	.take_frames = pv_take_frames,
	.type = pv_type,
};
