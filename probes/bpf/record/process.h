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

#define HM_TEXT 128 /* room for a text, with its final zero */
#define HM_PATH 96

enum hm_process_kind {
	HM_PROCESS_EXIT = 1,
	HM_PROCESS_OOM = 2,
	HM_PROCESS_SIGNAL = 3,
	HM_PROCESS_EXEC = 4,
};

/* Who sent a fatal signal. */
enum hm_signal_cause {
	HM_CAUSE_PROCESS = 1, /* another process */
	HM_CAUSE_SELF = 2,    /* the process itself, as abort(3) does */
	HM_CAUSE_KERNEL = 3,  /* a fault, or a limit that was hit */
};

struct hm_process_record {
	__u64 at_ns;    /* CLOCK_BOOTTIME */
	__u64 start_ns; /* when the process started, same clock; tells apart two users of one pid */
	__u32 kind;
	__u32 pid;        /* as the loader's pid namespace numbers it; 0 when it is not in there */
	__u32 parent_pid; /* the same */
	__u32 status;     /* as wait(2) gives it; of a fatal signal its number; 0 for an OOM kill */
	char comm[16];
	char unit[HM_TEXT]; /* name of the outermost control group that is not a slice; empty when unknown */
};

/* An OOM kill or a fatal signal, and who brought it about. */
struct hm_caused_record {
	struct hm_process_record process;
	/* The sender of the signal, or the task whose request for memory could not be met; 0 and empty when it is not ours. */
	__u32 by_pid;
	__u32 cause; /* of a signal: enum hm_signal_cause; else 0 */
	char by_comm[16];
	char by_unit[HM_TEXT];
	/* Of an OOM kill: the control group that is at its limit; empty and 0 when none is, so the whole host was short. */
	__u64 limit_bytes;
	char limited[HM_TEXT];
};

/* A program that was started, with what tells it apart. */
struct hm_exec_record {
	struct hm_process_record process;
	__u32 uid; /* real user id */
	__u32 unused;
	char parent_comm[16];
	char path[HM_PATH]; /* as it was called: of a script its own; cut if it is longer */
};

/* One value per CPU. */
struct hm_process_counts {
	__u64 exec_seen, exit_seen, oom_seen, signal_seen;
	__u64 exec_dropped, exit_dropped, oom_dropped, signal_dropped; /* no room in the ring buffer */
	__u64 exec_held_back; /* more starts in a second than are passed on */
};

#endif
