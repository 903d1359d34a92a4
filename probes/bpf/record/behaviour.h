/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What behaviour.bpf.c hands to user space. Shared by the program and its loader, always built from one tree, so there
 * is no version in it. The program writes every byte, padding and the rest of the texts included.
 */
#ifndef HM_RECORD_BEHAVIOUR_H
#define HM_RECORD_BEHAVIOUR_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum hm_behaviour_kind {
	HM_SETUID_EXEC = 0,
	HM_MEMFD_EXEC = 1,
	HM_TRACED_EXEC = 2,
	HM_TRACE_ATTACH = 3,
	HM_MODULE_LOAD = 4,
	HM_MODULE_UNLOAD = 5,
	HM_FS_DAMAGE = 6,    /* the filesystem found itself inconsistent */
	HM_FS_SHUTDOWN = 7,  /* it stopped itself to prevent worse */
	HM_FS_WRITEBACK = 8, /* written data did not reach the device */
	HM_BEHAVIOUR_KINDS = 9,
};

struct hm_behaviour_record {
	__u64 at_ns; /* CLOCK_BOOTTIME */
	__u32 kind;
	/* Who does it; zero and empty for filesystem errors, which happen to whoever comes along. */
	__u32 pid; /* as the loader's pid namespace numbers it; 0 when it is not in there */
	__u32 parent_pid;
	__u32 uid; /* real user id */
	char comm[16];
	char unit[128]; /* name of the outermost control group that is not a slice; empty when unknown */
	/*
	 * setuid_exec: the program as it was called. memfd_exec: the name of the memory file. traced_exec: the tracer's
	 * name. trace_attach: the traced process's. module: its name. Filesystem errors: the kernel's function, or empty.
	 */
	char text[64];
	__u32 other_pid; /* traced_exec: of the tracer. trace_attach: of the traced process. */
	/* Filesystem errors. */
	__u32 device; /* major << 20 | minor; 0 when unknown */
	__u32 line;   /* of the kernel's source, with text; 0 when unknown */
	__u32 error;  /* errno; 0 when unknown */
	char fs_type[16];
	char fs_device[32]; /* as the kernel's log calls it, "sda1" */
};

/* One value per CPU. */
struct hm_behaviour_counts {
	__u64 seen[HM_BEHAVIOUR_KINDS];
	__u64 ring_dropped; /* no room in the ring buffer */
	__u64 rate_dropped; /* more of a kind in one second than are passed on */
};

#endif
