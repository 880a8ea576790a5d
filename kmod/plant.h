/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults that the test build (VNB_TEST) plants in a move. Only move.c includes this. */
#ifndef VNB_PLANT_H
#define VNB_PLANT_H

#include "internal.h"

#include <linux/moduleparam.h>

#ifdef VNB_TEST
static bool plant_hole;
module_param(plant_hole, bool, 0644);
MODULE_PARM_DESC(plant_hole, "once: the second extent of the next batch has a hole already");

static void plant(unsigned int chunks)
{
	if (!plant_hole || chunks < 2)
		return;
	plant_hole = false;
	vnb_frames[0] = page_to_pfn(vnb_chunks[1]) + 100;
	vnb_xen->give_frames(1);
}

static bool plant_ram;
module_param(plant_ram, bool, 0644);
MODULE_PARM_DESC(plant_ram, "once: half of the next batch is taken, and half of the extent behind that");

static unsigned int plant_fewer(unsigned int chunks) { return plant_ram && chunks > 1 ? chunks / 2 : chunks; }

static void plant_part(struct page *page)
{
	unsigned int i;

	if (!plant_ram || !page)
		return;
	plant_ram = false;
	for (i = 0; i < VNB_EXTENT_FRAMES / 2; i++)
		vnb_frames[i] = page_to_pfn(page) + i;
	vnb_xen->take_frames(VNB_EXTENT_FRAMES / 2, vnb_vnode_of(page));
}
#else
static void plant(unsigned int chunks) { }
static unsigned int plant_fewer(unsigned int chunks) { return chunks; }
static void plant_part(struct page *page) { }
#endif

#endif
