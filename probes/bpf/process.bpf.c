// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Processes that start, end badly, are sent a signal that ends them, or are killed for memory.
 *
 * What crosses to user space: the end of a process by a signal or with a status other than zero, fatal signals with
 * their sender, and OOM kills. Those say that something went wrong, and are rare. A clean end says nothing by itself and
 * comes in thousands per second on a build host; it is counted here, at the cost of one increment. So are program
 * starts, but the first of its kind (unit, user, parent and path) is told, and again every ten minutes while there are
 * more: so it is known what a service does, and how often. A signal or an OOM kill wakes user space at once. A plain status does not: shell scripts end with 1 all day, and where it matters systemd
 * reports the unit; it waits in the ring buffer for the next tick. A fatal signal waits for the end that it brings about.
 */
#include "vmlinux_min.h"
#include "record/process.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "task.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PF_KTHREAD 0x00200000
#define SIGNAL_GROUP_EXIT 0x00000004
#define SIGKILL 9
#define SEND_SIG_PRIV ((struct kernel_siginfo *)1) /* the kernel itself; 0 is a process without more to say */
/*
 * Signals that end a process by default and mean something by that: HUP QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2
 * TERM XCPU XFSZ SYS. Left out: INT, which is somebody at a keyboard, and PIPE and the timers, which a process brings
 * upon itself all day in a shell; how they end is told by the exit.
 */
#define BIT(signal) (1UL << ((signal) - 1))
#define FATAL (BIT(1) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(SIGKILL) | BIT(10) | BIT(11) | \
	       BIT(12) | BIT(15) | BIT(24) | BIT(25) | BIT(31))
#define TELL_AGAIN_NS (600 * 1000000000ULL)
#define MOST_STARTS 20 /* told in a second */
#define CHARGE_BATCH 64 /* pages that the kernel takes from a control group at once */

const volatile __u32 page_bytes = 4096;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hm_process_counts);
} counts SEC(".maps");

struct start {
	__u64 group;
	__u32 uid;
	__u32 unused;
	char parent[16];
	char path[HM_PATH];
};

/* When a kind of start was told last. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct start);
	__type(value, __u64);
} starts SEC(".maps");

/* How many starts were told in the present second. Two CPUs may both be the last; nothing depends on it. */
struct share {
	__u64 second;
	__u64 used;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct share);
} start_share SEC(".maps");

static __always_inline struct hm_process_counts *my_counts(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counts, &zero);
}

static __always_inline void fill(struct hm_process_record *record, __u32 kind, struct task_struct *leader)
{
	record->at_ns = bpf_ktime_get_boot_ns();
	record->start_ns = BPF_CORE_READ(leader, start_boottime);
	record->kind = kind;
	record->pid = pid_for_us(leader);
	record->parent_pid = pid_for_us(BPF_CORE_READ(leader, real_parent, group_leader));
	BPF_CORE_READ_STR_INTO(&record->comm, leader, comm);
}

/* The current task as the cause; nothing of it if it does not live where we do. */
static __always_inline void fill_cause(struct hm_caused_record *record)
{
	struct task_struct *leader = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader);

	if (!read_unit(leader, record->by_unit, sizeof(record->by_unit)))
		return;
	record->by_pid = pid_for_us(leader);
	BPF_CORE_READ_STR_INTO(&record->by_comm, leader, comm);
}

static __always_inline bool take_share(__u64 second)
{
	__u32 zero = 0;
	struct share *share = bpf_map_lookup_elem(&start_share, &zero);

	if (!share)
		return false;
	if (share->second != second) {
		share->second = second;
		share->used = 0;
	}
	return __sync_fetch_and_add(&share->used, 1) < MOST_STARTS;
}

static __always_inline void tell_start(struct task_struct *task, struct linux_binprm *program,
				       struct hm_process_counts *count)
{
	__u64 now = bpf_ktime_get_boot_ns(), *told;
	struct start key = {};
	struct hm_exec_record *record;

	key.group = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	key.uid = BPF_CORE_READ(task, cred, uid.val);
	BPF_CORE_READ_STR_INTO(&key.parent, task, real_parent, group_leader, comm);
	if (bpf_probe_read_kernel_str(key.path, sizeof(key.path), program->filename) <= 0)
		return;
	told = bpf_map_lookup_elem(&starts, &key);
	if (told && now - *told < TELL_AGAIN_NS)
		return;
	if (!take_share(now / 1000000000)) {
		count->exec_held_back++;
		return;
	}
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count->exec_dropped++;
		return;
	}
	__builtin_memset(record, 0, sizeof(*record));
	fill(&record->process, HM_PROCESS_EXEC, task);
	record->uid = key.uid;
	__builtin_memcpy(record->parent_comm, key.parent, sizeof(key.parent));
	__builtin_memcpy(record->path, key.path, sizeof(key.path));
	bpf_map_update_elem(&starts, &key, &now, BPF_ANY);
	if (read_unit(task, record->process.unit, sizeof(record->process.unit)))
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
}

/*
 * sched_process_exec fires once for each successful execve, in the new program, after nothing can fail any more; the
 * task is the leader by then. The path is what was called, for a script its own and not its interpreter's. Not seen:
 * forks that never call exec. Stable since 3.4.
 */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	struct hm_process_counts *count = my_counts();

	if (!count)
		return 0;
	count->exec_seen++;
	tell_start(task, program, count);
	return 0;
}

static __always_inline int process_ended(struct task_struct *task)
{
	struct hm_process_counts *count = my_counts();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct hm_process_record *record;
	int status;

	if (!count || (task->flags & PF_KTHREAD))
		return 0;
	count->exit_seen++;
	/* What wait(2) will report: the status of exit_group or of the fatal signal, else the leader's own. */
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		status = BPF_CORE_READ(task, signal, group_exit_code);
	else
		status = BPF_CORE_READ(leader, exit_code);
	if (!status)
		return 0;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count->exit_dropped++;
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record));
	fill(record, HM_PROCESS_EXIT, leader);
	record->status = status;
	if (read_unit(task, record->unit, sizeof(record->unit)))
		bpf_ringbuf_submit(record, status & 0x7f ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
	return 0;
}

/*
 * sched_process_exit fires in do_exit() for each thread that ends, killed ones included, while the task still has its
 * name, its parent, its pid and its control group. The process has ended with its last thread, which need not be the
 * leader; do_exit() has counted signal->live down before the hook. Every task passes here, so nothing is missed but
 * what finds the ring buffer full.
 *
 * Since the change "exit: move and extend sched_process_exit() tracepoint" the hook is told whether this was the last
 * thread. Before, two threads that end together can both read zero; the loader drops the second record.
 */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit_told, struct task_struct *task, bool group_dead)
{
	return group_dead ? process_ended(task) : 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit_counted, struct task_struct *task)
{
	return task->signal->live.counter == 0 ? process_ended(task) : 0;
}

/*
 * signal_generate fires for each signal that is sent, in the context of the sender, before the target knows of it. Not
 * signal_deliver: that runs in the target, once for each of its threads, and of a SIGKILL it does not say who sent it.
 * Mostly SIGCHLD passes here, about once per process that ends, and leaves at the first line. Told are signals that will
 * end the process: accepted by the kernel, not handled, not blocked by the thread that is to get it. Stable since
 * 2.6.39. Not seen: a signal that is blocked now and ends the process later; kills inside the kernel that do not go by
 * a signal, such as exec ending the other threads.
 */
static __always_inline bool ends_the_process(int signal, struct task_struct *task)
{
	void *actions = (void *)BPF_CORE_READ(task, sighand) + bpf_core_field_offset(struct sighand_struct, action);
	const struct k_sigaction *action = actions + (signal - 1) * bpf_core_type_size(struct k_sigaction);

	if (signal == SIGKILL)
		return true;
	if (BPF_CORE_READ(task, blocked.sig[0]) & BIT(signal))
		return false;
	return !BPF_CORE_READ(action, sa.sa_handler);
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int signal, struct kernel_siginfo *info, struct task_struct *task, int group, int result)
{
	struct hm_process_counts *count = my_counts();
	struct hm_caused_record *record;
	struct task_struct *leader;

	if (signal < 1 || signal > 31 || !(FATAL & BIT(signal)) || result)
		return 0;
	if (!count || (task->flags & PF_KTHREAD) || !ends_the_process(signal, task))
		return 0;
	count->signal_seen++;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count->signal_dropped++;
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record));
	leader = BPF_CORE_READ(task, group_leader);
	fill(&record->process, HM_PROCESS_SIGNAL, leader);
	record->process.status = signal;
	/* A positive code is the kernel's: SEGV_MAPERR, SI_KERNEL. */
	if (info == SEND_SIG_PRIV || (info > SEND_SIG_PRIV && BPF_CORE_READ(info, si_code) > 0))
		record->cause = HM_CAUSE_KERNEL;
	else if (BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader) == leader)
		record->cause = HM_CAUSE_SELF;
	else
		record->cause = HM_CAUSE_PROCESS;
	if (record->cause == HM_CAUSE_PROCESS)
		fill_cause(record);
	if (read_unit(task, record->process.unit, sizeof(record->process.unit)))
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
	return 0;
}

/*
 * Which limit was hit: the innermost control group above the task that has no room for another batch of pages. The hook
 * is not told, so this is read off a moment later; other tasks of the group may have given pages back meanwhile.
 */
static __always_inline void fill_limit(struct hm_caused_record *record, struct task_struct *task)
{
	struct css_set *groups = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state = NULL;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return;
	bpf_core_read(&state, sizeof(state),
		      (void *)groups + bpf_core_field_offset(groups->subsys) +
			      bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id) * sizeof(void *));
	for (int i = 0; i < MOST_GROUPS && state; i++) {
		struct mem_cgroup *group = (void *)state - bpf_core_field_offset(struct mem_cgroup, css);
		__u64 most = BPF_CORE_READ(group, memory.max);

		if ((__u64)BPF_CORE_READ(group, memory.usage.counter) + CHARGE_BATCH > most) {
			record->limit_bytes = most * page_bytes;
			bpf_probe_read_kernel_str(record->limited, sizeof(record->limited),
						  BPF_CORE_READ(state, cgroup, kn, name));
			return;
		}
		state = BPF_CORE_READ(state, parent);
	}
}

/*
 * mark_victim fires once for each process that the OOM killer chose, global or of a control group, just before it gets
 * SIGKILL; its exit follows. It runs in the task whose request for memory could not be met, which need not be the
 * victim nor the one that used up the memory. Not seen: kills by a user-space killer, which are plain signals.
 *
 * Since the change "mm: update mark_victim tracepoints fields" it is given the task; before, only the number of its
 * first thread in the first pid namespace.
 */
SEC("tp_btf/mark_victim")
int BPF_PROG(on_oom_task, struct task_struct *task)
{
	struct hm_process_counts *count = my_counts();
	struct hm_caused_record *record;

	if (!count)
		return 0;
	count->oom_seen++;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count->oom_dropped++;
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record));
	fill(&record->process, HM_PROCESS_OOM, BPF_CORE_READ(task, group_leader));
	fill_cause(record);
	fill_limit(record, task);
	if (read_unit(task, record->process.unit, sizeof(record->process.unit)))
		bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	else
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(on_oom_pid, int pid)
{
	struct hm_process_counts *count = my_counts();
	struct hm_caused_record *record;

	if (!count)
		return 0;
	count->oom_seen++;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count->oom_dropped++;
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->process.at_ns = bpf_ktime_get_boot_ns();
	record->process.kind = HM_PROCESS_OOM;
	record->process.pid = pid;
	fill_cause(record);
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	return 0;
}
