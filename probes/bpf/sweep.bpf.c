// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Every process of the host as one binary record, read like a file. The kernel walks the tasks of the reader's pid
 * namespace in the order of their numbers and runs the program for each; nothing is hooked, so between two sweeps it
 * costs nothing. A sweep tells either of every process or only of those one of whose threads ran since the last one.
 *
 * Missed until the next sweep of everyone: the last moments of a thread that ended while all others of its process
 * slept, and memory that the kernel took away from a process that sleeps. A process that came and went between two
 * sweeps is never seen.
 *
 * One reader at a time: what does not fit on the stack is global.
 */
#include "vmlinux_min.h"
#include "record/sweep.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "task.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PF_KTHREAD 0x00200000
/* Task states as include/linux/sched.h has had them since 4.14. */
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_STOPPED_OR_TRACED 0x000c
#define EXIT_ZOMBIE_OR_DEAD 0x0030
#define TASK_SLEEPING_OR_PARKED 0x0041
#define TASK_NOLOAD 0x0400

#define MOST_CPUS 512
#define MOST_THREADS 65536
#define MOST_THREADS_UNROLLED 256 /* where the kernel has no bpf_loop() */
#define FEW_FD_WORDS 4            /* the first table that most processes ever need */
#define FD_WORDS 32               /* read at once */
#define MOST_FD_READS 32
#define CLOCK_SLACK_NS 10000000 /* scheduler clocks of two CPUs may differ by this where the TSC is not stable */

const volatile __u32 cpus = 1;
/* The version 1 hierarchy whose groups are told; 0: version 2. */
enum { GROUPS_V2, GROUPS_PIDS, GROUPS_MEMORY, GROUPS_CPUACCT };
const volatile __u32 groups_of = GROUPS_V2;

struct hm_sweep_ask ask;
struct hm_sweep_answer answer;

static struct hm_sweep_process record;
static __u64 cpu_offset[MOST_CPUS];
static bool cpu_offsets_known;
/* Whom this sweep has told of, by the low bits of the process number; one that is pushed out is told of twice. */
#define TOLD_SLOTS 1024
static __u64 told[TOLD_SLOTS];
/* Who was on a CPU when the last sweep came by: its arrival there may be long ago. A bit may stand for several. */
#define BUSY_WORDS 64
static __u64 busy[2][BUSY_WORDS];

/* Kernels that do also have bpf_map_lookup_percpu_elem(). */
static __always_inline bool counts_per_cpu(void)
{
	struct mm_struct *mm = NULL;

	return bpf_core_field_exists(mm->rss_stat[0].counters);
}

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} anchor SEC(".maps");

/*
 * A pointer to per-CPU data becomes an address by adding the CPU's offset, which no program is told. So we ask where
 * each CPU keeps a value of ours and subtract the pointer to it.
 */
static __always_inline void learn_cpu_offsets(void)
{
	const void *map = &anchor;
	__u64 array = 0, pointer = 0;
	__u32 zero = 0;

	if (cpu_offsets_known)
		return;
	bpf_probe_read_kernel(&array, sizeof(array), &map); /* the address as a plain number */
	bpf_probe_read_kernel(&pointer, sizeof(pointer),
			      (void *)array + bpf_core_field_offset(struct bpf_array, pptrs));
	for (__u32 i = 0; i < MOST_CPUS && i < cpus; i++) {
		const void *here = bpf_map_lookup_percpu_elem(&anchor, &zero, i);
		__u64 address = 0;

		if (here)
			bpf_probe_read_kernel(&address, sizeof(address), &here);
		cpu_offset[i] = address ? address - pointer : 0;
	}
	cpu_offsets_known = true;
}

/*
 * A function that is not static, and of plain numbers: the verifier goes through such a one once and by itself, and not
 * anew in each turn of a loop and on each way that leads to it. So are those below that loops call.
 */
__noinline __u64 per_cpu_sum(__s64 sum, __u64 counters)
{
	for (__u32 i = 0; i < MOST_CPUS && i < cpus; i++) {
		__s32 part = 0;

		if (cpu_offset[i])
			bpf_probe_read_kernel(&part, sizeof(part), (const void *)(counters + cpu_offset[i]));
		sum += part;
	}
	return sum < 0 ? 0 : sum;
}

#define PAGES(mm, member) \
	per_cpu_sum((mm)->rss_stat[member].count, (__u64)BPF_CORE_READ((mm), rss_stat[member].counters))

static __always_inline void fill_memory(struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	struct mm_struct___atomic *old;

	if (!mm)
		return;
	old = (void *)mm;
	if (counts_per_cpu()) {
		record.rss_pages = PAGES(mm, 0) + PAGES(mm, 1) + PAGES(mm, 3);
		record.swap_pages = PAGES(mm, 2);
	} else if (bpf_core_field_exists(old->rss_stat.count)) {
		__s64 file = BPF_CORE_READ(old, rss_stat.count[0].counter);
		__s64 anonymous = BPF_CORE_READ(old, rss_stat.count[1].counter);
		__s64 swap = BPF_CORE_READ(old, rss_stat.count[2].counter);
		__s64 shared = BPF_CORE_READ(old, rss_stat.count[3].counter);
		__s64 rss = (file > 0 ? file : 0) + (anonymous > 0 ? anonymous : 0) + (shared > 0 ? shared : 0);

		record.rss_pages = rss;
		record.swap_pages = swap > 0 ? swap : 0;
	} else {
		record.flags |= HM_SWEEP_RSS_UNKNOWN;
	}
}

static __always_inline __u32 bits(__u64 word)
{
	word -= (word >> 1) & 0x5555555555555555ull;
	word = (word & 0x3333333333333333ull) + ((word >> 2) & 0x3333333333333333ull);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (word * 0x0101010101010101ull) >> 56;
}

static __u64 words[FD_WORDS];

/* Always adds up as many as there can be, for a loop with a fixed end is what the verifier follows cheaply. */
static __always_inline __u32 bits_of(__u64 from, __u32 count, const __u32 most)
{
	__u32 sum = 0;

	__builtin_memset(words, 0, most * sizeof(words[0]));
	if (count > most)
		count = most;
	bpf_probe_read_kernel(words, count * sizeof(words[0]), (const void *)from);
	for (__u32 i = 0; i < most; i++)
		sum += bits(words[i]);
	return sum;
}

__noinline __u32 bits_of_many(__u64 from, __u32 count)
{
	return bits_of(from, count, FD_WORDS);
}

static __always_inline __u32 open_descriptors(struct task_struct *task)
{
	struct files_struct *files = task->files;
	__u32 left, sum = 0;
	__u64 open;

	if (!files)
		return 0;
	left = files->fdt->max_fds / 64;
	open = (__u64)BPF_CORE_READ(files, fdt, open_fds);
	if (left <= FEW_FD_WORDS)
		return bits_of(open, left, FEW_FD_WORDS);
	for (int i = 0; i < MOST_FD_READS; i++) {
		__u32 now = left < FD_WORDS ? left : FD_WORDS;

		sum += bits_of_many(open, now);
		if (left <= FD_WORDS)
			break;
		open += FD_WORDS * sizeof(words[0]);
		left -= FD_WORDS;
	}
	return sum;
}

static __always_inline __u64 group_id(struct task_struct *task)
{
	struct cgroup_subsys_state *state = NULL;
	__u32 index;

	if (groups_of == GROUPS_PIDS && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		index = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	else if (groups_of == GROUPS_MEMORY && bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	else if (groups_of == GROUPS_CPUACCT && bpf_core_enum_value_exists(enum cgroup_subsys_id, cpuacct_cgrp_id))
		index = bpf_core_enum_value(enum cgroup_subsys_id, cpuacct_cgrp_id);
	else
		return task->cgroups->dfl_cgrp->kn->id;
	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)task->cgroups + bpf_core_field_offset(struct css_set, subsys) + index * sizeof(state));
	return BPF_CORE_READ(state, cgroup, kn, id);
}

/* Adds what one thread besides the first has counted. */
__noinline int add_thread(__u64 address)
{
	struct task_struct *thread = (void *)address;

	record.user_ns += BPF_CORE_READ(thread, utime);
	record.system_ns += BPF_CORE_READ(thread, stime);
	record.runtime_ns += BPF_CORE_READ(thread, se.sum_exec_runtime);
	record.minor_faults += BPF_CORE_READ(thread, min_flt);
	record.major_faults += BPF_CORE_READ(thread, maj_flt);
	record.voluntary_switches += BPF_CORE_READ(thread, nvcsw);
	record.involuntary_switches += BPF_CORE_READ(thread, nivcsw);
	if (bpf_core_field_exists(thread->sched_info.run_delay))
		record.run_delay_ns += BPF_CORE_READ(thread, sched_info.run_delay);
	if (bpf_core_field_exists(thread->ioac.read_bytes)) {
		record.read_bytes += BPF_CORE_READ(thread, ioac.read_bytes);
		record.written_bytes += BPF_CORE_READ(thread, ioac.write_bytes);
	}
	return 0;
}

struct walk {
	struct list_head *at, *end;
	struct task_struct *leader;
};

/* The kernel unlinks a thread that ends with its forward pointer left in place, and we run under RCU. */
static __always_inline bool step(struct walk *walk)
{
	struct list_head *at = walk->at;
	struct task_struct *thread;

	if (!at || at == walk->end)
		return false;
	thread = (void *)at - bpf_core_field_offset(struct task_struct, thread_node);
	if (thread != walk->leader)
		add_thread((__u64)thread);
	walk->at = BPF_CORE_READ(at, next);
	return true;
}

static long step_of_loop(__u32 index, void *context)
{
	return step(context) ? 0 : 1;
}

/*
 * What has ended is read before the threads that live: one that ends in between is then missed, which the next sweep
 * makes good, and never counted twice.
 */
static __always_inline void fill_sums(struct task_struct *task, bool with_loop)
{
	struct signal_struct *ended = task->signal;
	struct walk walk;

	record.user_ns = ended->utime;
	record.system_ns = ended->stime;
	record.runtime_ns = ended->sum_sched_runtime;
	record.minor_faults = ended->min_flt;
	record.major_faults = ended->maj_flt;
	record.voluntary_switches = ended->nvcsw;
	record.involuntary_switches = ended->nivcsw;
	record.run_delay_ns = 0;
	record.read_bytes = record.written_bytes = 0;
	if (bpf_core_field_exists(ended->ioac.read_bytes)) {
		record.read_bytes = ended->ioac.read_bytes;
		record.written_bytes = ended->ioac.write_bytes;
	} else {
		record.flags |= HM_SWEEP_IO_UNKNOWN;
	}
	record.threads = ended->nr_threads;
	if (record.threads > 1) {
		walk.at = BPF_CORE_READ(ended, thread_head.next);
		walk.end = (void *)ended + bpf_core_field_offset(struct signal_struct, thread_head);
		walk.leader = task;
		if (with_loop) {
			bpf_loop(MOST_THREADS, step_of_loop, &walk, 0);
		} else {
			for (int i = 0; i < MOST_THREADS_UNROLLED && step(&walk); i++)
				;
		}
		if (walk.at != walk.end)
			record.flags |= HM_SWEEP_SUMS_PARTIAL;
	}
	record.user_ns += task->utime;
	record.system_ns += task->stime;
	record.runtime_ns += task->se.sum_exec_runtime;
	record.minor_faults += task->min_flt;
	record.major_faults += task->maj_flt;
	record.voluntary_switches += task->nvcsw;
	record.involuntary_switches += task->nivcsw;
	if (bpf_core_field_exists(task->sched_info.run_delay))
		record.run_delay_ns += task->sched_info.run_delay;
	else
		record.flags |= HM_SWEEP_DELAY_UNKNOWN;
	if (bpf_core_field_exists(task->ioac.read_bytes)) {
		record.read_bytes += task->ioac.read_bytes;
		record.written_bytes += task->ioac.write_bytes;
	}
}

static __always_inline __u32 state_bits(struct task_struct *task)
{
	struct task_struct___plain_state *old = (void *)task;
	__u32 state;

	if (bpf_core_field_exists(task->__state))
		state = task->__state;
	else
		state = BPF_CORE_READ(old, state);
	return state | task->exit_state;
}

static __always_inline bool is_blocked(__u32 state)
{
	return (state & TASK_UNINTERRUPTIBLE) && !(state & (TASK_NOLOAD | EXIT_ZOMBIE_OR_DEAD));
}

/* Since when: it left its CPU at the earliest when it last came there, at the latest when its time was last added up. */
static __always_inline __u64 blocked_for(struct task_struct *task)
{
	__u64 left;

	if (!answer.now_ns)
		return 0;
	left = task->sched_info.last_arrival;
	if (task->se.exec_start > left && task->se.exec_start <= answer.now_ns)
		left = task->se.exec_start;
	return left < answer.now_ns ? answer.now_ns - left : 0;
}

static __always_inline bool tell(struct bpf_iter__task *ctx, struct task_struct *leader, bool with_loop)
{
	record.kind = HM_SWEEP_PROCESS;
	record.pid = pid_for_us(leader);
	if (!record.pid)
		return true; /* not ours */
	record.flags = leader->flags & PF_KTHREAD ? HM_SWEEP_KERNEL : 0;
	record.parent_pid = pid_for_us(leader->real_parent->group_leader);
	record.uid = leader->cred->uid.val;
	record.state = state_bits(leader);
	record.start_ns = leader->start_boottime;
	record.rss_pages = record.swap_pages = 0;
	record.blocked_ns = is_blocked(record.state) ? blocked_for(leader) : 0;
	record.fds = open_descriptors(leader);
	record.cgroup_id = group_id(leader);
	__builtin_memcpy(record.comm, leader->comm, sizeof(record.comm));
	fill_memory(leader);
	fill_sums(leader, with_loop);
	return bpf_seq_write(ctx->meta->seq, &record, sizeof(record)) == 0;
}

static __always_inline void begin(void)
{
	struct task_struct *current = (void *)bpf_get_current_task();

	answer.begun = 1;
	if (counts_per_cpu())
		learn_cpu_offsets();
	/* The reader came to its CPU just now, so its arrival is the time. */
	if (bpf_core_field_exists(current->sched_info.last_arrival))
		answer.now_ns = BPF_CORE_READ(current, sched_info.last_arrival);
}

/*
 * last_arrival says when a task came to a CPU, so one that ran since the last sweep either came since then, or was
 * there already when the last sweep came by.
 */
static __always_inline bool ran_lately(struct task_struct *task)
{
	__u32 pid = task->pid, word = (pid >> 6) % BUSY_WORDS;
	__u64 bit = 1ull << (pid & 63), arrived;

	if (!bpf_core_field_exists(task->sched_info.last_arrival))
		return true;
	if (bpf_core_field_exists(task->on_cpu) && task->on_cpu) {
		busy[ask.number & 1][word] |= bit;
		return true;
	}
	if (busy[(ask.number & 1) ^ 1][word] & bit)
		return true;
	arrived = task->sched_info.last_arrival;
	return !arrived || arrived + CLOCK_SLACK_NS >= ask.since_ns;
}

static __always_inline void count(struct task_struct *task, bool leads)
{
	__u32 state = state_bits(task), kind;

	answer.threads++;
	if (is_blocked(state)) {
		__u64 age = blocked_for(task);

		answer.blocked++;
		if (age >= answer.blocked_ns) {
			answer.blocked_ns = age;
			answer.blocked_pid = task->tgid;
		}
	}
	if (!leads)
		return;
	if (state & EXIT_ZOMBIE_OR_DEAD)
		kind = HM_SWEEP_ZOMBIE;
	else if (is_blocked(state))
		kind = HM_SWEEP_BLOCKED;
	else if (state & TASK_UNINTERRUPTIBLE)
		kind = HM_SWEEP_IDLE;
	else if (state & TASK_STOPPED_OR_TRACED)
		kind = HM_SWEEP_STOPPED;
	else if (state & TASK_SLEEPING_OR_PARKED)
		kind = HM_SWEEP_SLEEPING;
	else
		kind = HM_SWEEP_RUNNING;
	answer.processes[kind]++;
}

/*
 * A record that does not fit into the buffer of this read comes again with the next one, for which the kernel runs the
 * program for the same task once more: so first write, then count.
 */
static __always_inline int visit(struct bpf_iter__task *ctx, bool with_loop)
{
	struct task_struct *task = ctx->task;
	__u64 *slot, mark;
	bool leads;

	if (!task)
		return 0;
	if (!answer.begun)
		begin();
	leads = task->pid == task->tgid;
	slot = &told[(__u32)task->tgid % TOLD_SLOTS];
	mark = (__u64)ask.number << 32 | (__u32)task->tgid;
	if (ask.everyone ? leads : (ran_lately(task) && *slot != mark)) {
		if (!tell(ctx, task->group_leader, with_loop))
			return 0;
		*slot = mark;
	} else if (leads && ask.alive) {
		struct hm_sweep_alive alive = {.kind = HM_SWEEP_ALIVE, .pid = pid_for_us(task)};

		if (alive.pid && bpf_seq_write(ctx->meta->seq, &alive, sizeof(alive)))
			return 0;
	}
	count(task, leads);
	return 0;
}

SEC("iter/task")
int sweep_looping(struct bpf_iter__task *ctx)
{
	return visit(ctx, true);
}

SEC("iter/task")
int sweep_unrolled(struct bpf_iter__task *ctx)
{
	return visit(ctx, false);
}
