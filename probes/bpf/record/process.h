/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What process.bpf.c hands to user space. Shared by the program and its loader, always built from one tree, so there
 * is no version in it. The program writes every byte, padding and the rest of the texts included.
 */
#ifndef HM_RECORD_PROCESS_H
#define HM_RECORD_PROCESS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum hm_process_kind {
	HM_PROCESS_EXIT = 1,
	HM_PROCESS_OOM = 2,
};

struct hm_process_record {
	__u64 at_ns;    /* CLOCK_BOOTTIME */
	__u64 start_ns; /* when the process started, same clock; tells apart two users of one pid */
	__u32 kind;
	__u32 pid;        /* as the loader's pid namespace numbers it; 0 when it is not in there */
	__u32 parent_pid; /* the same */
	__u32 status;     /* as wait(2) gives it; 0 for an OOM kill */
	char comm[16];
	char unit[128]; /* name of the outermost control group that is not a slice; empty when unknown */
};

/* One value per CPU. */
struct hm_process_counts {
	__u64 exec_seen, exit_seen, oom_seen;
	__u64 exit_dropped, oom_dropped; /* no room in the ring buffer */
};

#endif
