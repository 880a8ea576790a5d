// SPDX-License-Identifier: GPL-2.0-only
/*
 * vnode_balloon: gives memory of a virtual NUMA node to Xen and holds it. The device, loading and unloading.
 *
 * The kernel keeps what is held: it outlives the process that asked for it, and pins the module.
 */
#include "internal.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/memory_hotplug.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#define YIELD_STEP 16	/* extents at a time, until user space says otherwise */

const struct vnb_xen_ops *vnb_xen;
atomic64_t vnb_events = ATOMIC64_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(watchers);

void vnb_tell(void)
{
	atomic64_inc(&vnb_events);
	wake_up_interruptible(&watchers);
}

/* --- Commands. Each takes its own structure ---------------------------------------------------------------------- */

union command {
	struct {
		u32 size, vnode;	/* vnode: not in vnb_state */
	};
	struct vnb_move move;
	struct vnb_state state;
	struct vnb_vnode vnode_is;
	struct vnb_audit audit;
	struct vnb_yield yield;
	struct vnb_where where;
};

static long get_state(union command *it)
{
	u32 size = it->size;

	mutex_lock(&vnb_lock);
	it->state = (struct vnb_state){
		.size = size,
		.flags = (xen_pv_domain() ? VNB_STATE_PV : 0) | (vnb_vnuma ? VNB_STATE_VNUMA : 0) |
			 (vnb_migrating() ? VNB_STATE_MIGRATING : 0) |
			 (atomic_read(&vnb_unsure) ? VNB_STATE_UNSURE : 0) |
			 (atomic_read(&vnb_closed) ? VNB_STATE_CLOSED : 0),
		.vnodes = vnb_vnodes,
		.extent_frames = VNB_EXTENT_FRAMES,
		.reservation = vnb_reservation(),
		.maximum = vnb_maximum(),
		.resumes = atomic64_read(&vnb_resumes),
		.events = atomic64_read(&vnb_events),
		.yielded = vnb_counters.yielded,
		.regiven = vnb_counters.regiven,
		.adopted = vnb_counters.adopted,
		.lost = vnb_counters.lost,
	};
	mutex_unlock(&vnb_lock);
	return 0;
}

static long get_vnode(union command *it)
{
	struct vnb_place *place = &vnb_places[it->vnode];

	mutex_lock(&vnb_lock);
	it->vnode_is = (struct vnb_vnode){
		.size = it->size,
		.vnode = it->vnode,
		.node = place->node,
		.flags = place->by_range ? VNB_VNODE_BY_RANGE : 0,
		.frames = vnb_vnode_frames(it->vnode),
		.held = place->held_extents,
		.doubt = place->doubt_extents,
		.yield_step = place->yield_step,
		.yield_floor = place->yield_floor,
	};
	mutex_unlock(&vnb_lock);
	return 0;
}

static long set_yield(union command *it)
{
	mutex_lock(&vnb_lock);
	vnb_places[it->vnode].yield_step = it->yield.step;
	vnb_places[it->vnode].yield_floor = it->yield.floor;
	mutex_unlock(&vnb_lock);
	return 0;
}

static long move(union command *it, void (*how)(struct vnb_move *move), bool new)
{
	/* Memory of a vnode that no longer exists can still be taken back. */
	if (new && it->vnode >= vnb_vnodes)
		return -EINVAL;
	it->move.done = 0;
	it->move.reason = VNB_ALL;
	how(&it->move);
	mutex_lock(&vnb_lock);
	it->move.doubt = vnb_places[it->vnode].doubt_extents;
	it->move.reservation = vnb_reservation();
	mutex_unlock(&vnb_lock);
	if (it->move.done)
		vnb_tell();
	return 0;
}

static long hold(union command *it) { return move(it, vnb_hold, true); }
static long release(union command *it) { return move(it, vnb_release, false); }

static long rehome(union command *it)
{
	return xen_pv_domain() && vnb_vnuma ? move(it, vnb_rehome, true) : -EOPNOTSUPP;
}

static long look_through(union command *it)
{
	vnb_look_through(&it->audit);
	return 0;
}

static long find_where(union command *it)
{
	if (!xen_pv_domain() || !vnb_vnuma || it->vnode >= vnb_vnodes)
		return -EOPNOTSUPP;
	vnb_find_where(&it->where);
	return 0;
}

static const struct {
	long (*run)(union command *it);
	size_t size;
} commands[] = {
	[_IOC_NR(VNB_HOLD)] = { hold, sizeof(struct vnb_move) },
	[_IOC_NR(VNB_RELEASE)] = { release, sizeof(struct vnb_move) },
	[_IOC_NR(VNB_STATE)] = { get_state, sizeof(struct vnb_state) },
	[_IOC_NR(VNB_VNODE)] = { get_vnode, sizeof(struct vnb_vnode) },
	[_IOC_NR(VNB_AUDIT)] = { look_through, sizeof(struct vnb_audit) },
	[_IOC_NR(VNB_YIELD)] = { set_yield, sizeof(struct vnb_yield) },
	[_IOC_NR(VNB_REHOME)] = { rehome, sizeof(struct vnb_move) },
	[_IOC_NR(VNB_WHERE)] = { find_where, sizeof(struct vnb_where) },
};

static long command(struct file *file, unsigned int number, unsigned long argument)
{
	void __user *user = (void __user *)argument;
	unsigned int n = _IOC_NR(number);
	union command it = {};
	u32 size;
	long rc;

	if (_IOC_TYPE(number) != _IOC_TYPE(VNB_HOLD) || n >= ARRAY_SIZE(commands))
		return -ENOTTY;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	/* The first version of each structure is the shortest that there will ever be. */
	if (size < commands[n].size || size > PAGE_SIZE)
		return -EINVAL;
	rc = copy_struct_from_user(&it, commands[n].size, user, size);
	if (rc)
		return rc;
	it.size = commands[n].size;
	if (n != _IOC_NR(VNB_STATE) && it.vnode >= VNB_MAX_VNODES)
		return -EINVAL;
	rc = commands[n].run(&it);
	if (n == _IOC_NR(VNB_STATE))
		file->private_data = (void *)(unsigned long)it.state.events;
	if (!rc && copy_to_user(user, &it, commands[n].size))
		rc = -EFAULT;
	return rc;
}

static int opened(struct inode *inode, struct file *file)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	/* A reader that has not read the state yet has something to read. */
	file->private_data = (void *)~0UL;
	return 0;
}

static __poll_t watch(struct file *file, struct poll_table_struct *table)
{
	unsigned long now;

	poll_wait(file, &watchers, table);
	now = atomic64_read(&vnb_events);
	return now == (unsigned long)file->private_data ? 0 : EPOLLIN | EPOLLRDNORM;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = opened,
	.unlocked_ioctl = command,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = watch,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vnode-balloon",
	.fops = &operations,
	.mode = 0600,
};

/* --- Coming and going -------------------------------------------------------------------------------------------- */

/* Adopts chunks that an earlier load left when it was removed by force (rmmod -f). Their first page still says so. */
static void adopt_node(int node)
{
	unsigned long frame, end = pgdat_end_pfn(NODE_DATA(node));

	for (frame = ALIGN(NODE_DATA(node)->node_start_pfn, VNB_EXTENT_FRAMES); frame + VNB_EXTENT_FRAMES <= end;
	     frame += VNB_EXTENT_FRAMES) {
		struct page *page = pfn_to_online_page(frame);

		if (!page || page_to_nid(page) != node || !vnb_is_left_behind(page))
			continue;
		vnb_keep(page);
		vnb_counters.adopted++;
	}
}

static void adopt(void)
{
	int node;

	mutex_lock(&vnb_lock);
	for_each_online_node(node)
		adopt_node(node);
	mutex_unlock(&vnb_lock);
	if (!vnb_counters.adopted)
		return;
	pr_info("%llu extents were left behind by an earlier load\n", vnb_counters.adopted);
	atomic_set(&vnb_unsure, 1);
}

static int __init vnb_init(void)
{
	unsigned int i;
	int rc;

	/* dom0's memory has no balloon. */
	if (!xen_domain() || xen_initial_domain())
		return -ENODEV;
#ifdef CONFIG_XEN_PV
	vnb_xen = xen_pv_domain() ? &vnb_pv_ops : &vnb_hvm_ops;
#else
	vnb_xen = &vnb_hvm_ops;
#endif
	for (i = 0; i < VNB_MAX_VNODES; i++) {
		INIT_LIST_HEAD(&vnb_places[i].held);
		INIT_LIST_HEAD(&vnb_places[i].doubtful);
		vnb_places[i].yield_step = YIELD_STEP;
	}
	vnb_learn_vnodes();
	adopt();
	rc = misc_register(&device);
	if (rc)
		return rc;
	mutex_lock(&vnb_lock);
	vnb_pin();
	mutex_unlock(&vnb_lock);
	vnb_register_notifiers();
	if (atomic_read(&vnb_unsure))
		queue_work(system_freezable_wq, &vnb_look_work);
	return 0;
}

/* Something is still held only if the module is removed by force. */
static void __exit vnb_exit(void)
{
	u64 left;

	misc_deregister(&device);
	vnb_unregister_notifiers();
	left = vnb_release_all();
	if (left)
		pr_warn("%llu extents stay away until the module is loaded again\n", left);
	vnb_forget_machine();
}

module_init(vnb_init);
module_exit(vnb_exit);
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0");
MODULE_DESCRIPTION("Memory balloons of virtual NUMA nodes, for Xen");
