/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* How long things took, as the programs count it. Shared by programs and loaders, always built from one tree. */
#ifndef HM_RECORD_LATENCY_H
#define HM_RECORD_LATENCY_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/*
 * Bucket i counts what took from 2^i to 2^(i+1) microseconds; the first one also what took less, the last one also
 * what took more, which is above two minutes.
 */
#define HM_LATENCY_BUCKETS 28

struct hm_latency {
	__u64 total_ns;
	__u32 buckets[HM_LATENCY_BUCKETS];
};

#endif
