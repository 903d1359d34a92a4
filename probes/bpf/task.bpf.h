/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Whose task it is, for every program: its systemd unit, and its number as our own pid namespace counts. Include after
 * vmlinux_min.h and the bpf headers.
 */
#ifndef HM_TASK_BPF_H
#define HM_TASK_BPF_H

#define MOST_GROUPS 12 /* levels of control groups looked at */
#define MOST_NAMESPACES 8

/*
 * Our own place in the host, set before loading. In a container the programs still see the whole kernel: what does not
 * live below our control group root is not ours to tell of. 0: not known, and nothing is left out.
 */
const volatile __u64 root_cgroup_id = 0;
const volatile __u32 pid_namespace_inum = 0;

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *node)
{
	struct kernfs_node___plain_parent *old = (void *)node;

	if (bpf_core_field_exists(node->__parent))
		return BPF_CORE_READ(node, __parent);
	return BPF_CORE_READ(old, parent);
}

static __always_inline bool is_slice(const char *name)
{
	static const char suffix[] = ".slice";
	char copy[128], tail[6] = {};
	long size = bpf_probe_read_kernel_str(copy, sizeof(copy), name); /* with the final zero */

	if (size <= (long)sizeof(tail))
		return false;
	if (bpf_probe_read_kernel(tail, sizeof(tail), name + size - 1 - sizeof(tail)))
		return false;
	for (int i = 0; i < (int)sizeof(tail); i++) {
		if (tail[i] != suffix[i])
			return false;
	}
	return true;
}

/*
 * The unit is the outermost group below our root that is not a slice: "nginx.service" for whatever nginx makes below
 * it, "user@1000.service" for a user's own services. Read here and not from the group's id in user space, because
 * systemd removes the group of a dead service within a millisecond. Returns false if the group does not lie below our
 * root. The name is empty for the root itself.
 */
static __always_inline bool read_group_unit(struct kernfs_node *node, char *unit, __u32 size)
{
	const char *outermost = NULL;
	bool inside = false;

	if (!root_cgroup_id)
		return true;
	for (int i = 0; i < MOST_GROUPS && node; i++) {
		const char *name;

		if (BPF_CORE_READ(node, id) == root_cgroup_id) {
			inside = true;
			break;
		}
		name = BPF_CORE_READ(node, name);
		if (!is_slice(name))
			outermost = name;
		node = parent_of(node);
	}
	/* A name that does not fit is no name. */
	if (inside && outermost && bpf_probe_read_kernel_str(unit, size, outermost) == size)
		unit[0] = 0;
	return inside;
}

static __always_inline bool read_unit(struct task_struct *task, char *unit, __u32 size)
{
	return read_group_unit(BPF_CORE_READ(task, cgroups, dfl_cgrp, kn), unit, size);
}

static __always_inline __u32 pid_for_us(struct task_struct *leader)
{
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	__u32 level;

	if (!pid_namespace_inum)
		return BPF_CORE_READ(leader, tgid);
	if (!pid)
		return 0;
	level = BPF_CORE_READ(pid, level);
	for (__u32 i = 0; i < MOST_NAMESPACES && i <= level; i++) {
		const struct upid *number =
			(void *)pid + bpf_core_field_offset(pid->numbers) + i * bpf_core_type_size(struct upid);

		if (BPF_CORE_READ(number, ns, ns.inum) == pid_namespace_inum)
			return BPF_CORE_READ(number, nr);
	}
	return 0;
}

#endif
