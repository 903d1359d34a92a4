// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What programs rarely do, and what intruders and failing disks do: programs that gain another user's rights, programs
 * run from memory, tracing of other processes, kernel modules, errors of filesystems.
 *
 * Each is rare, so each crosses to user space, but of no kind more than MOST_PER_SECOND in a second: a disk that dies
 * reports every page. A filesystem error wakes user space at once; the rest waits in the ring buffer for the next tick.
 *
 * Not seen: rights gained by file capabilities; scripts run from a memory file (the kernel then runs their
 * interpreter); PTRACE_SEIZE of a process that runs already, which passes no tracepoint; what was there before us.
 */
#include "vmlinux_min.h"
#include "record/behaviour.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "task.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define MOST_PER_SECOND 20
#define S_ISUID 04000
#define S_ISGID 02000
#define SIGSTOP 19
#define SEND_SIG_PRIV ((struct kernel_siginfo *)1)
#define BDEVFS_MAGIC 0x62646576 /* the pages of a block device itself: a filesystem's own structures */
#define ERRNO_OF_ERRSEQ 0xfff

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hm_behaviour_counts);
} counts SEC(".maps");

/* How many of a kind passed in the present second. Two CPUs may both pass as the last; nothing depends on it. */
struct share {
	__u64 second;
	__u64 used;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HM_BEHAVIOUR_KINDS);
	__type(key, __u32);
	__type(value, struct share);
} shares SEC(".maps");

static __always_inline bool take_share(__u32 kind, __u64 second)
{
	struct share *share = bpf_map_lookup_elem(&shares, &kind);

	if (!share)
		return false;
	if (share->second != second) {
		share->second = second;
		share->used = 0;
	}
	return __sync_fetch_and_add(&share->used, 1) < MOST_PER_SECOND;
}

/* Counts, and gives a record that is zero but for its head; NULL when it is not to be told. */
static __always_inline struct hm_behaviour_record *begin(__u32 kind)
{
	struct hm_behaviour_record *record;
	struct hm_behaviour_counts *count;
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 zero = 0;

	count = bpf_map_lookup_elem(&counts, &zero);
	if (!count)
		return NULL;
	count->seen[kind]++;
	if (!take_share(kind, now / 1000000000)) {
		count->rate_dropped++;
		return NULL;
	}
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count->ring_dropped++;
		return NULL;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->at_ns = now;
	record->kind = kind;
	return record;
}

/* Passes the record on as the deed of the task, unless that is none of ours. */
static __always_inline void end(struct hm_behaviour_record *record, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	if (!read_unit(leader, record->unit, sizeof(record->unit))) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return;
	}
	record->pid = pid_for_us(leader);
	record->parent_pid = pid_for_us(BPF_CORE_READ(leader, real_parent, group_leader));
	record->uid = BPF_CORE_READ(task, cred, uid.val);
	BPF_CORE_READ_STR_INTO(&record->comm, leader, comm);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static __always_inline bool gained_rights(const struct cred *cred, __u32 mode)
{
	if ((mode & S_ISUID) && cred->euid.val != cred->uid.val)
		return true;
	return (mode & S_ISGID) && cred->egid.val != cred->gid.val;
}

static __always_inline bool is_memory_file(const unsigned char *name)
{
	static const char prefix[] = "memfd:";
	char head[sizeof(prefix)] = {};

	bpf_probe_read_kernel_str(head, sizeof(head), name);
	for (int i = 0; i < (int)sizeof(prefix) - 1; i++) {
		if (head[i] != prefix[i])
			return false;
	}
	return true;
}

/*
 * sched_process_exec fires once for each successful execve, in the new program, after its rights were decided; the file
 * is the one that runs, for a script its interpreter. Stable since 3.4.
 */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	struct hm_behaviour_record *record;
	struct file *file = program->file;
	struct inode *inode;

	if (!file)
		return 0;
	inode = file->f_inode;
	if ((inode->i_mode & (S_ISUID | S_ISGID)) && gained_rights(task->cred, inode->i_mode)) {
		record = begin(HM_SETUID_EXEC);
		if (record) {
			bpf_probe_read_kernel_str(record->text, sizeof(record->text), program->filename);
			end(record, task);
		}
	}
	if (inode->i_nlink == 0) {
		const unsigned char *name = BPF_CORE_READ(file, f_path.dentry, d_name.name);

		record = is_memory_file(name) ? begin(HM_MEMFD_EXEC) : NULL;
		if (record) {
			bpf_probe_read_kernel_str(record->text, sizeof(record->text), name);
			end(record, task);
		}
	}
	if (task->ptrace) {
		struct task_struct *tracer = BPF_CORE_READ(task, parent, group_leader);

		record = begin(HM_TRACED_EXEC);
		if (record) {
			record->other_pid = pid_for_us(tracer);
			bpf_core_read_str(record->text, sizeof(record->comm), &tracer->comm);
			end(record, task);
		}
	}
	return 0;
}

/*
 * PTRACE_ATTACH has the kernel itself send SIGSTOP to the one thread that is to be traced, in the context of the tracer,
 * with the thread already marked. signal_generate fires for each signal that is sent; see process.bpf.c.
 */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int signal, struct kernel_siginfo *info, struct task_struct *task)
{
	struct hm_behaviour_record *record;
	struct task_struct *leader;

	if (signal != SIGSTOP || info != SEND_SIG_PRIV || !task->ptrace)
		return 0;
	record = begin(HM_TRACE_ATTACH);
	if (!record)
		return 0;
	leader = BPF_CORE_READ(task, group_leader);
	record->other_pid = pid_for_us(leader);
	bpf_core_read_str(record->text, sizeof(record->comm), &leader->comm);
	end(record, (struct task_struct *)bpf_get_current_task());
	return 0;
}

/*
 * module_load fires when a module is linked and about to run its first function, in the process that loads it;
 * module_free when its memory is given back, also after a load that failed. Stable since 2.6.39.
 */
static __always_inline int module_moves(__u32 kind, struct module *module)
{
	struct hm_behaviour_record *record = begin(kind);

	if (!record)
		return 0;
	BPF_CORE_READ_STR_INTO(&record->text, module, name);
	end(record, (struct task_struct *)bpf_get_current_task());
	return 0;
}

SEC("tp_btf/module_load")
int BPF_PROG(on_module_load, struct module *module)
{
	return module_moves(HM_MODULE_LOAD, module);
}

SEC("tp_btf/module_free")
int BPF_PROG(on_module_free, struct module *module)
{
	return module_moves(HM_MODULE_UNLOAD, module);
}

static __always_inline void fill_filesystem(struct hm_behaviour_record *record, struct super_block *super)
{
	const char *type = BPF_CORE_READ(super, s_type, name);

	record->device = BPF_CORE_READ(super, s_dev);
	bpf_probe_read_kernel_str(record->fs_type, sizeof(record->fs_type), type);
	BPF_CORE_READ_STR_INTO(&record->fs_device, super, s_id);
}

/*
 * filemap_set_wb_err fires when a page that was written could not be brought to the device, of any filesystem, once per
 * failed piece of I/O; the error is what fsync(2) will return. Stable since 4.13. Filesystems that keep their own
 * errors (btrfs' transactions, network filesystems' retries) tell less or nothing here.
 */
SEC("tp_btf/filemap_set_wb_err")
int BPF_PROG(on_writeback_error, struct address_space *mapping)
{
	struct hm_behaviour_record *record = begin(HM_FS_WRITEBACK);
	struct inode *inode;
	struct super_block *super;

	if (!record)
		return 0;
	inode = BPF_CORE_READ(mapping, host);
	super = BPF_CORE_READ(inode, i_sb);
	fill_filesystem(record, super);
	if (BPF_CORE_READ(super, s_magic) == BDEVFS_MAGIC) {
		record->device = BPF_CORE_READ(inode, i_rdev);
		__builtin_memset(record->fs_type, 0, sizeof(record->fs_type));
		__builtin_memset(record->fs_device, 0, sizeof(record->fs_device));
	}
	record->error = BPF_CORE_READ(mapping, wb_err) & ERRNO_OF_ERRSEQ; /* the argument is the value before */
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/*
 * ext4_error fires when ext4 finds its structures inconsistent; xfs_force_shutdown when xfs gives up for an error of its
 * log, of its metadata or of the device. Raw tracepoints and not BTF ones, because these live in modules on most hosts,
 * and the types of modules may be read by root alone; attached when there, while the module is loaded.
 */
SEC("raw_tp/ext4_error")
int BPF_PROG(on_ext4_error, struct super_block *super, const char *function, unsigned int line)
{
	struct hm_behaviour_record *record = begin(HM_FS_DAMAGE);

	if (!record)
		return 0;
	fill_filesystem(record, super);
	bpf_probe_read_kernel_str(record->text, sizeof(record->text), function);
	record->line = line;
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	return 0;
}

SEC("raw_tp/xfs_force_shutdown")
int BPF_PROG(on_xfs_shutdown, struct xfs_mount *mount)
{
	struct hm_behaviour_record *record = begin(HM_FS_SHUTDOWN);

	if (!record)
		return 0;
	if (bpf_core_field_exists(mount->m_super))
		fill_filesystem(record, BPF_CORE_READ(mount, m_super));
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	return 0;
}
