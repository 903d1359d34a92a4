// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * How long requests to block devices take, per disk and per unit, and how they fail. Counted here; nothing crosses to
 * user space but the tables, when they are read.
 */
#include "vmlinux_min.h"
#include "record/block.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "latency.bpf.h"
#include "task.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define MOST_DISKS 64
#define MOST_GROUPS_WITH_IO 256

/* Operations as the kernel numbers them (enum req_op); from 32 on they are commands of a driver's own. */
#define OP_MASK 0xff
#define OP_READ 0
#define OP_WRITE 1
#define OP_FLUSH 2
#define OP_FIRST_PRIVATE 32

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MOST_DISKS);
	__type(key, __u32);
	__type(value, struct hm_block_disk);
} disks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MOST_GROUPS_WITH_IO);
	__type(key, __u64);
	__type(value, struct hm_block_group);
} groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hm_block_counts);
} counts SEC(".maps");

static const struct hm_block_disk no_disk;
static const struct hm_block_group no_group;

static __always_inline struct hm_block_disk *row_of_disk(struct request *rq)
{
	struct request___own_disk *old = (void *)rq;
	struct hm_block_disk *row;
	struct gendisk *disk;
	__u32 key;

	if (bpf_core_field_exists(rq->q->disk))
		disk = rq->q->disk;
	else
		disk = old->rq_disk;
	key = (__u32)disk->major << 20 | disk->first_minor;
	row = bpf_map_lookup_elem(&disks, &key);
	if (row)
		return row;
	bpf_map_update_elem(&disks, &key, &no_disk, BPF_NOEXIST);
	row = bpf_map_lookup_elem(&disks, &key);
	if (row)
		bpf_probe_read_kernel_str(row->name, sizeof(row->name), disk->disk_name);
	return row;
}

/* The group that is charged for the I/O: of delayed writes the one that made the pages dirty, where that is kept. */
static __always_inline struct hm_block_group *row_of_group(struct request *rq)
{
	struct hm_block_group *row;
	struct kernfs_node *node;
	__u64 key;

	if (!bpf_core_field_exists(rq->bio->bi_blkg))
		return NULL;
	node = rq->bio->bi_blkg->blkcg->css.cgroup->kn;
	key = node->id;
	if (!key || key == root_cgroup_id)
		return NULL;
	row = bpf_map_lookup_elem(&groups, &key);
	if (row)
		return row;
	bpf_map_update_elem(&groups, &key, &no_group, BPF_NOEXIST);
	row = bpf_map_lookup_elem(&groups, &key);
	if (row) {
		row->made_ns = bpf_ktime_get_ns();
		read_group_unit(node, row->unit, sizeof(row->unit));
	}
	return row;
}

/*
 * Older kernels give a negative errno, newer ones their own positive status (blk_status_t); the sign tells which.
 */
static __always_inline int error_class(int error)
{
	switch (error) {
	case 1: /* not supported: asked for by a file system to find out */
	case -95:
	case 12: /* would block */
	case -11:
		return -1;
	case 2:
	case -110:
		return HM_BLOCK_TIMEOUT;
	case 3:
	case -28:
		return HM_BLOCK_NO_SPACE;
	case 4:
	case -67:
		return HM_BLOCK_TRANSPORT;
	case 7:
	case -61:
		return HM_BLOCK_MEDIUM;
	case 10:
	case -5:
		return HM_BLOCK_IO;
	}
	return HM_BLOCK_OTHER;
}

/*
 * block_rq_complete fires when a request, or a part of it, is done: once per request but for what a driver finishes in
 * pieces, in interrupt context, so nothing of the current task means anything. The request's own start_time_ns is when
 * it was made, before any scheduler; /proc/diskstats counts from there too. So one hook is enough and nothing is kept
 * per request. Not seen: devices without requests of their own (md, dm, zram), whose members are seen; commands of a
 * driver's own; merged bios one by one. The tracepoint has had the request and the error as its first two arguments
 * since 4.17, and the bytes as its third.
 */
SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_complete, struct request *rq, int error, unsigned int bytes)
{
	__u32 zero = 0, operation = rq->cmd_flags & OP_MASK;
	struct hm_block_counts *count = bpf_map_lookup_elem(&counts, &zero);
	struct hm_block_group *group;
	struct hm_block_disk *disk;
	__u64 begun, took;

	if (!count || operation >= OP_FIRST_PRIVATE)
		return 0;
	count->seen++;
	disk = row_of_disk(rq);
	if (!disk) {
		count->no_room++;
		return 0;
	}
	if (error) {
		int class = error_class(error);

		if (class >= 0 && class < HM_BLOCK_ERRORS)
			__sync_fetch_and_add(&disk->errors[class], 1);
	}
	if (bytes < rq->__data_len || operation > OP_FLUSH)
		return 0;
	begun = rq->start_time_ns;
	if (!begun) {
		count->untimed++;
		return 0;
	}
	took = bpf_ktime_get_ns() - begun;
	if ((__s64)took < 0) /* the kernel may use one time for several requests */
		took = 0;
	add_latency(&disk->latency[operation], took);
	group = row_of_group(rq);
	if (group)
		add_latency(&group->latency, took);
	return 0;
}
