/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What tcp.bpf.c counts and hands to user space. Shared by the program and its loader, always built from one tree. The
 * program writes every byte of a record. Addresses are those of IPv6; IPv4 is mapped into it (::ffff:192.0.2.1).
 */
#ifndef HM_RECORD_TCP_H
#define HM_RECORD_TCP_H

#include "latency.h"

enum hm_tcp_failure {
	HM_TCP_REFUSED,
	HM_TCP_TIMEOUT,
	HM_TCP_UNREACHABLE,
	HM_TCP_NO_LOCAL_PORT,
	HM_TCP_ABANDONED, /* the program closed it before there was an answer: mostly a deadline of its own */
	HM_TCP_OTHER,
	HM_TCP_FAILURES,
};

struct hm_tcp_counts {
	struct hm_latency connect; /* of connections of ours that came about: from SYN to ESTABLISHED */
	__u64 rtt_us;		   /* smoothed round trip of connections that closed, summed */
	__u32 rtt_count;
	__u32 opened;
	__u32 failed[HM_TCP_FAILURES];
	__u32 retransmits; /* segments */
	__u32 resets_sent;
	__u32 resets_received;
	__u32 activity; /* grows with anything above */
};

/* Control group that made the socket, and the port that it serves; 0 for what it connects to. */
struct hm_tcp_service_key {
	__u64 group;
	__u64 port;
};
struct hm_tcp_service {
	struct hm_tcp_counts counts;
	__u64 made_ns;
	__u32 inside;	/* below our root */
	char unit[128]; /* empty when it belongs to none */
};

struct hm_tcp_remote_key {
	__u64 group;
	__u8 address[16];
	__u64 port;
};
struct hm_tcp_remote {
	struct hm_tcp_counts counts;
	__u64 made_ns;
	__u64 own; /* our end has the same address: it is on this host */
};

/* One value per CPU. */
struct hm_tcp_totals {
	__u64 seen; /* changes of state, retransmits and resets */
	__u64 events_seen, events_dropped; /* records below; no room in the ring buffer */
	__u64 no_room; /* a row could not be made */
	__u64 client_opened, server_opened;
	__u64 failed[HM_TCP_FAILURES];
	__u64 retransmits, resets_sent, resets_received;
};

enum hm_tcp_event {
	HM_TCP_LISTENING = 1,
	HM_TCP_CLOSED,
	HM_TCP_DESTINATION,
};

struct hm_tcp_record {
	__u64 at_ns; /* CLOCK_BOOTTIME */
	__u64 group;
	__u32 kind;
	__u32 pid; /* as the loader's pid namespace numbers it; 0 when it is not in there */
	__u32 port;
	__u8 address[16]; /* that is listened on, or connected to */
	char executable[32];
	char unit[128];
	__u32 pad;
};

#endif
