/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What block.bpf.c counts for user space. Shared by the program and its loader, always built from one tree. */
#ifndef HM_RECORD_BLOCK_H
#define HM_RECORD_BLOCK_H

#include "latency.h"

enum hm_block_operation {
	HM_BLOCK_READ,
	HM_BLOCK_WRITE,
	HM_BLOCK_FLUSH,
	HM_BLOCK_OPERATIONS,
};

enum hm_block_error {
	HM_BLOCK_IO,
	HM_BLOCK_TIMEOUT,
	HM_BLOCK_MEDIUM,
	HM_BLOCK_NO_SPACE,
	HM_BLOCK_TRANSPORT,
	HM_BLOCK_OTHER,
	HM_BLOCK_ERRORS,
};

/* A whole disk. */
struct hm_block_disk {
	struct hm_latency latency[HM_BLOCK_OPERATIONS];
	__u32 errors[HM_BLOCK_ERRORS];
	char name[32]; /* empty while the row is being made */
};

/* A control group that did I/O. */
struct hm_block_group {
	struct hm_latency latency;
	__u64 made_ns;
	char unit[128]; /* empty when it belongs to none, and while the row is being made */
};

/* One value per CPU. */
struct hm_block_counts {
	__u64 seen;
	__u64 no_room; /* more disks than rows */
	__u64 untimed; /* the kernel was told not to time the disk's requests (queue/iostats) */
};

#endif
