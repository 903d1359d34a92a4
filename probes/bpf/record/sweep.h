/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What sweep.bpf.c hands to user space: a stream of records without gaps, each with its kind first. Shared by the
 * program and its loader, always built from one tree, so there is no version in it.
 */
#ifndef HM_RECORD_SWEEP_H
#define HM_RECORD_SWEEP_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum hm_sweep_kind {
	HM_SWEEP_PROCESS = 1, /* struct hm_sweep_process */
	HM_SWEEP_ALIVE = 2,   /* struct hm_sweep_alive */
};

enum hm_sweep_flag {
	HM_SWEEP_KERNEL = 1,        /* a thread of the kernel's own */
	HM_SWEEP_RSS_UNKNOWN = 2,   /* this kernel counts pages in a way the program does not know */
	HM_SWEEP_IO_UNKNOWN = 4,    /* the kernel does not count bytes */
	HM_SWEEP_DELAY_UNKNOWN = 8, /* nor the time on the run queue */
	HM_SWEEP_SUMS_PARTIAL = 16, /* more threads than were added up */
};

/* One process. Times in ns, memory in pages. What threads count is added up over those that live and, where the kernel
 * keeps it, those that have ended. */
struct hm_sweep_process {
	__u32 kind;
	__u32 pid;        /* as the loader's pid namespace numbers it */
	__u32 parent_pid; /* the same; 0 when the parent is not in there */
	__u32 uid;
	__u32 state; /* the kernel's own bits, of the first thread */
	__u32 flags;
	__u32 threads;
	__u32 fds;         /* the first 65536 are counted */
	__u64 start_ns;    /* CLOCK_BOOTTIME */
	__u64 cgroup_id;
	__u64 user_ns, system_ns; /* as sampled by the tick: good for their ratio */
	__u64 runtime_ns;         /* exact sum of both */
	__u64 run_delay_ns;       /* of living threads only */
	__u64 minor_faults, major_faults;
	__u64 voluntary_switches, involuntary_switches;
	__u64 read_bytes, written_bytes;
	__u64 rss_pages, swap_pages;
	__u64 blocked_ns; /* how long its first thread has been in uninterruptible sleep; 0 when it is not */
	char comm[16];
};

/* A process that lives and has no record in this sweep. */
struct hm_sweep_alive {
	__u32 kind;
	__u32 pid;
};

/* The loader writes this before a sweep. */
struct hm_sweep_ask {
	__u64 since_ns; /* tell of what ran since then; scheduler's clock */
	__u32 number;   /* grows by one each sweep */
	__u8 everyone;  /* a record for each process */
	__u8 alive;     /* tell also who has no record */
};

enum hm_sweep_state {
	HM_SWEEP_RUNNING,
	HM_SWEEP_SLEEPING,
	HM_SWEEP_BLOCKED,
	HM_SWEEP_STOPPED,
	HM_SWEEP_ZOMBIE,
	HM_SWEEP_IDLE, /* a kernel thread that waits for work */
	HM_SWEEP_STATES,
};

/* The program fills this during a sweep; the loader has zeroed it. */
struct hm_sweep_answer {
	__u64 now_ns; /* scheduler's clock; 0: the kernel does not keep when a task last ran */
	__u32 processes[HM_SWEEP_STATES];
	__u32 threads;
	__u32 blocked;     /* threads in uninterruptible sleep */
	__u32 blocked_pid; /* the process whose thread has been there longest */
	__u32 begun;
	__u64 blocked_ns;
};

#endif
