/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The map that syscall_errors.bpf.c fills and its loader empties. Shared by both, always built from one tree, so there
 * is no version in it.
 */
#ifndef HM_RECORD_SYSCALL_ERRORS_H
#define HM_RECORD_SYSCALL_ERRORS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define HM_SYSCALLS 512    /* numbers below this are told apart */
#define HM_ERRORS 134      /* errno of a system call is below this; what is above stays inside the kernel */
#define HM_FAILURE_ROWS 512

/* What kind of call it was. IGNORED: failing is how it answers. */
enum hm_call {
	HM_CALL_OTHER = 0,
	HM_CALL_IGNORED = 1,
	HM_CALL_OPEN = 2,
	HM_CALL_READ = 3,
	HM_CALL_WRITE = 4,
	HM_CALL_FILE = 5,
	HM_CALL_CONNECT = 6,
	HM_CALL_ACCEPT = 7,
	HM_CALL_NETWORK = 8,
	HM_CALL_MEMORY = 9,
	HM_CALL_PROCESS = 10,
	HM_CALLS = 11,
};

struct hm_failure_key {
	__u64 cgroup_id;
	__u32 call;
	__u32 error; /* what the loader put into error_kind[errno] */
};

struct hm_failure {
	__u64 count;
	__u32 ours; /* 0: lives outside of our control group root, not ours to tell of */
	__u32 unused;
	char unit[128];
};

#endif
