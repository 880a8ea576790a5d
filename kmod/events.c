// SPDX-License-Identifier: GPL-2.0-only
/* Events that the kernel reports: a resume, a shortage of memory, a kexec, a hibernation. */
#include "internal.h"

#include <linux/mmzone.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/reboot.h>
#include <linux/suspend.h>
#include <xen/xen-ops.h>

#define ENOUGH 2048	/* free frames above the high watermarks: such a node is not short */

struct vnb_counters vnb_counters;
atomic64_t vnb_resumes = ATOMIC64_INIT(0);
atomic_t vnb_unsure = ATOMIC_INIT(0);
atomic_t vnb_closed = ATOMIC_INIT(0);

/* --- After a resume ---------------------------------------------------------------------------------------------- */

/* Gives frames of a chunk that became RAM again. Under vnb_lock. */
static void look_at(struct page *page)
{
	unsigned long first = page_to_pfn(page);
	struct vnb_place *place = &vnb_places[vnb_vnode_of(page)];
	unsigned int i, ram = 0;

	for (i = 0; i < VNB_EXTENT_FRAMES; i++)
		ram += vnb_xen->type(first + i) == VNB_RAM;
	if (vnb_finish(page) == VNB_HOLE) {
		vnb_counters.regiven += ram;
		return;
	}
	list_del(&page->lru);
	place->held_extents--;
	vnb_keep_doubtful(page);
}

/*
 * The chunk after this one, or the first. While vnb_unsure is set no other code removes any. So the lock may be
 * released between two chunks: to audit every frame takes long, and the OOM notifier waits for the lock.
 */
static struct page *chunk_after(struct vnb_place *place, struct page *page)
{
	struct list_head *next = page ? page->lru.next : place->held.next;

	return next == &place->held ? NULL : list_entry(next, struct page, lru);
}

static void look_at_vnode(struct vnb_place *place)
{
	struct page *page, *next;

	mutex_lock(&vnb_lock);
	page = chunk_after(place, NULL);
	while (page) {
		next = chunk_after(place, page);
		look_at(page);
		page = next;
		mutex_unlock(&vnb_lock);
		cond_resched();
		mutex_lock(&vnb_lock);
	}
	mutex_unlock(&vnb_lock);
}

static void look_again(struct work_struct *work)
{
	s64 seen = atomic64_read(&vnb_resumes);
	unsigned int i;

	vnb_learn_vnodes();
	for (i = 0; i < VNB_MAX_VNODES; i++)
		look_at_vnode(&vnb_places[i]);
	/* Otherwise the domain was resumed once more meanwhile, and this work is queued again. */
	if (seen == atomic64_read(&vnb_resumes))
		atomic_set(&vnb_unsure, 0);
	vnb_tell();
}
DECLARE_WORK(vnb_look_work, look_again);

/* This may be another domain, on another machine: all that was known of either is void. */
static void look_anew(void)
{
	atomic64_inc(&vnb_resumes);
	atomic_set(&vnb_unsure, 1);
	vnb_forget_machine();
	queue_work(system_freezable_wq, &vnb_look_work);
}

static int resumed(struct notifier_block *block, unsigned long event, void *data)
{
	look_anew();
	return NOTIFY_OK;
}
static struct notifier_block resume_block = { .notifier_call = resumed };

/* --- Memory is short --------------------------------------------------------------------------------------------- */

/* Free frames above the zones' high watermarks, without the DMA zone, which the kernel keeps from nearly all
 * allocations. */
static long above_high(int node)
{
	long frames = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *zone = NODE_DATA(node)->node_zones + i;

#ifdef CONFIG_ZONE_DMA
		if (i == ZONE_DMA)
			continue;
#endif
		if (populated_zone(zone))
			frames += (long)zone_page_state(zone, NR_FREE_PAGES) - (long)high_wmark_pages(zone);
	}
	return frames;
}

static bool may_yield(struct vnb_place *place)
{
	return place->yield_step && place->held_extents > place->yield_floor;
}

/*
 * Of the vnodes that may yield, the one whose node is shortest of memory; of several on one node, the one that holds
 * most. A node with enough free memory is not the one that is short. Called without the lock: a wrong choice only costs
 * one try.
 */
static unsigned int shortest(void)
{
	unsigned int vnode, best = VNB_MAX_VNODES;
	long least = ENOUGH;

	for (vnode = 0; vnode < vnb_vnodes; vnode++) {
		struct vnb_place *place = &vnb_places[vnode];
		int node = place->node == NUMA_NO_NODE ? first_online_node : place->node;
		long above;

		if (!may_yield(place))
			continue;
		above = above_high(node);
		if (above > least || (above == least && best < VNB_MAX_VNODES &&
				      place->held_extents <= vnb_places[best].held_extents))
			continue;
		least = above;
		best = vnode;
	}
	return best;
}

/* Called before the OOM killer chooses. It allocates nothing, and waits for no code that might. */
static int short_of_memory(struct notifier_block *block, unsigned long event, void *freed)
{
	unsigned int vnode = shortest(), want, got = 0;
	u32 reason = VNB_ALL;

	if (vnode == VNB_MAX_VNODES || atomic_read(&vnb_unsure) || vnb_migrating())
		return NOTIFY_OK;
	want = min_t(u64, vnb_places[vnode].yield_step, vnb_places[vnode].held_extents - vnb_places[vnode].yield_floor);
	while (got < want && reason == VNB_ALL)
		got += vnb_release_some(vnode, want - got, &reason);
	if (!got)
		return NOTIFY_OK;
	vnb_counters.yielded += got;
	*(unsigned long *)freed += (unsigned long)got << VNB_EXTENT_ORDER;
	pr_info_ratelimited("memory is short: vnode %u took back %u extents\n", vnode, got);
	vnb_tell();
	return NOTIFY_OK;
}
static struct notifier_block oom_block = { .notifier_call = short_of_memory };

/* --- Another kernel, another life -------------------------------------------------------------------------------- */

/*
 * From here on nothing is given. It takes vnb_lock, because a giver checks under that lock. So whatever was given
 * before is in a list when this returns, and a giver that still searches for memory will find the door shut.
 */
static void close_door(void)
{
	mutex_lock(&vnb_lock);
	atomic_set(&vnb_closed, 1);
	mutex_unlock(&vnb_lock);
}

/* kexec comes here through kernel_restart_prepare(), and cannot be refused here. Any other restart makes a new
 * domain. */
static int rebooting(struct notifier_block *block, unsigned long event, void *command)
{
	u64 left;

	if (event != SYS_RESTART || !command || strcmp(command, "kexec reboot"))
		return NOTIFY_OK;
	close_door();
	flush_work(&vnb_look_work);
	left = vnb_release_all();
	if (left)
		pr_warn("kexec: %llu extents are still away; the next kernel must not use them\n", left);
	return NOTIFY_OK;
}
static struct notifier_block reboot_block = { .notifier_call = rebooting };

/* A hibernation image must not be restored over holes: neither one that will be written nor one that is about to be
 * restored. */
static int sleeping(struct notifier_block *block, unsigned long event, void *data)
{
	u64 left;

	switch (event) {
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		close_door();
		flush_work(&vnb_look_work);
		left = vnb_release_all();
		if (!left)
			break;
		/* A notifier that refuses is not told when the hibernation ends. */
		atomic_set(&vnb_closed, 0);
		pr_warn("hibernation is refused: %llu extents are still away\n", left);
		return notifier_from_errno(-EBUSY);
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		/* Linux's Xen code reports no resume here. Nothing is held, so the wait for the work is short. */
		look_anew();
		atomic_set(&vnb_closed, 0);
		flush_work(&vnb_look_work);
		break;
	}
	return NOTIFY_OK;
}
static struct notifier_block sleep_block = { .notifier_call = sleeping };

void vnb_register_notifiers(void)
{
	register_oom_notifier(&oom_block);
	register_reboot_notifier(&reboot_block);
	register_pm_notifier(&sleep_block);
	xen_resume_notifier_register(&resume_block);
}

void vnb_unregister_notifiers(void)
{
	xen_resume_notifier_unregister(&resume_block);
	unregister_pm_notifier(&sleep_block);
	unregister_reboot_notifier(&reboot_block);
	unregister_oom_notifier(&oom_block);
	flush_work(&vnb_look_work);
}
