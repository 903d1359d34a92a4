// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Processes that start, end badly, or are killed for memory.
 *
 * What crosses to user space: the end of a process by a signal or with a status other than zero, and OOM kills. Those
 * say that something went wrong, and are rare. A program start and a clean end say nothing by themselves and come in
 * thousands per second on a build host; they are counted here, at the cost of one increment. A signal or an OOM kill
 * wakes user space at once. A plain status does not: shell scripts end with 1 all day, and where it matters systemd
 * reports the unit; it waits in the ring buffer for the next tick.
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

static __always_inline struct hm_process_counts *my_counts(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counts, &zero);
}

static __always_inline struct hm_process_record *reserve(__u32 kind, struct task_struct *leader)
{
	struct hm_process_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record)
		return NULL;
	__builtin_memset(record, 0, sizeof(*record));
	record->at_ns = bpf_ktime_get_boot_ns();
	record->start_ns = BPF_CORE_READ(leader, start_boottime);
	record->kind = kind;
	record->pid = pid_for_us(leader);
	record->parent_pid = pid_for_us(BPF_CORE_READ(leader, real_parent, group_leader));
	BPF_CORE_READ_STR_INTO(&record->comm, leader, comm);
	return record;
}

/*
 * sched_process_exec fires once for each successful execve, in the new program, after nothing can fail any more. Not
 * seen: forks that never call exec. Stable since 3.4.
 */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec)
{
	struct hm_process_counts *count = my_counts();

	if (count)
		count->exec_seen++;
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
	record = reserve(HM_PROCESS_EXIT, leader);
	if (!record) {
		count->exit_dropped++;
		return 0;
	}
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
 * mark_victim fires once for each process that the OOM killer chose, global or of a control group, just before it gets
 * SIGKILL; its exit follows. It runs in whichever task asked for memory, so nothing of the current task means anything
 * here. Not seen: kills by a user-space killer, which are plain signals.
 *
 * Since the change "mm: update mark_victim tracepoints fields" it is given the task; before, only the number of its
 * first thread in the first pid namespace.
 */
SEC("tp_btf/mark_victim")
int BPF_PROG(on_oom_task, struct task_struct *task)
{
	struct hm_process_counts *count = my_counts();
	struct hm_process_record *record;

	if (!count)
		return 0;
	count->oom_seen++;
	record = reserve(HM_PROCESS_OOM, BPF_CORE_READ(task, group_leader));
	if (!record) {
		count->oom_dropped++;
		return 0;
	}
	if (read_unit(task, record->unit, sizeof(record->unit)))
		bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	else
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(on_oom_pid, int pid)
{
	struct hm_process_counts *count = my_counts();
	struct hm_process_record *record;

	if (!count)
		return 0;
	count->oom_seen++;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count->oom_dropped++;
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->at_ns = bpf_ktime_get_boot_ns();
	record->kind = HM_PROCESS_OOM;
	record->pid = pid;
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	return 0;
}
