/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Counting of durations, for every program. Include after vmlinux_min.h, record/latency.h and the bpf headers. */
#ifndef HM_LATENCY_BPF_H
#define HM_LATENCY_BPF_H

static __always_inline __u32 log2_of(__u64 value)
{
	__u32 bits = 0;

	if (value >> 32) {
		value >>= 32;
		bits += 32;
	}
	if (value >> 16) {
		value >>= 16;
		bits += 16;
	}
	if (value >> 8) {
		value >>= 8;
		bits += 8;
	}
	if (value >> 4) {
		value >>= 4;
		bits += 4;
	}
	if (value >> 2) {
		value >>= 2;
		bits += 2;
	}
	return bits + (value >> 1);
}

/* Rows are shared by all CPUs: one per CPU would take memory with the number of CPUs, for an addition of 20 ns. */
static __always_inline void add_latency(struct hm_latency *latency, __u64 ns)
{
	__u32 bucket = log2_of(ns / 1000);

	if (bucket >= HM_LATENCY_BUCKETS)
		bucket = HM_LATENCY_BUCKETS - 1;
	__sync_fetch_and_add(&latency->buckets[bucket], 1);
	__sync_fetch_and_add(&latency->total_ns, ns);
}

#endif
