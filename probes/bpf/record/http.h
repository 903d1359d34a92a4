/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the HTTP programs hand to user space, and how a message begins. Shared by the programs, their loader and the
 * tests, always built from one tree, so there is no version in it. Everything here is pure.
 */
#ifndef HM_RECORD_HTTP_H
#define HM_RECORD_HTTP_H

#ifndef __bpf__
#include <linux/types.h>
#include <string.h>
#endif

#define HM_PURE static inline __attribute__((always_inline))

#define HM_HTTP_HEAD 16		/* bytes of a packet's payload that are looked at; no message is shorter */
#define HM_HTTP_BUCKETS 128	/* a power of two: four for each, from 1 us to an hour */
#define HM_HTTP_SERVICES 256	/* pairs of control group and port within one reading */
#define HM_HTTP_UNIT 128

/* What is known of a local port. */
enum hm_http_port {
	HM_HTTP_PORT_OPEN = 0,		/* looked at */
	HM_HTTP_PORT_ENCRYPTED = 1,	/* left alone; set and cleared by user space */
	HM_HTTP_PORT_H2 = 2,		/* has had an HTTP/2 preface */
};

enum hm_http_state {
	HM_HTTP_UNNAMED = 0,	/* just begun */
	HM_HTTP_OURS = 1,
	HM_HTTP_FOREIGN = 2,	/* does not live below our control group root; nothing is counted */
};

/* Padding is zero: the whole is the key of a map. */
struct hm_http_key {
	__u64 cgroup_id; /* of the socket; 0 where the kernel does not say */
	__u32 port;
	__u32 unused;
};

/* One interval of one service; user space takes it away when it reads it. Everything counts 1 / sampling ratio. */
struct hm_http_service {
	__u64 requests;		/* request heads */
	__u64 responses[8];	/* final status lines by first digit; 0: not visible; 8 for the verifier's sake */
	__u64 hellos;		/* TLS handshakes begun */
	__u64 h2_connections;
	__u64 grpc[2];		/* grpc-status seen in trailers: 0 ok, 1 an error */
	__u32 latency[HM_HTTP_BUCKETS];
	char unit[HM_HTTP_UNIT]; /* name of the outermost control group that is not a slice; empty when unknown */
	__u32 state;		/* enum hm_http_state */
	__u32 unused;
};

/* One value per CPU. */
struct hm_http_counts {
	__u64 looked;	/* packets with data whose first bytes were read */
	__u64 no_room;	/* heads that found no room among the services */
};

/* The first bytes of a payload, and what they begin. */
enum hm_http_begin {
	HM_HTTP_NOTHING = 0,
	HM_HTTP_REQUEST,
	HM_HTTP_TLS_HELLO,
	HM_HTTP_H2_PREFACE,
};

HM_PURE __u64 hm_http_word(const void *bytes)
{
	__u64 word;

	__builtin_memcpy(&word, bytes, sizeof(word));
	return word;
}

#define HM_HTTP_TOKEN(head, token) \
	(((hm_http_word(head) ^ hm_http_word(token "\0\0\0\0\0\0\0")) << (64 - 8 * (sizeof(token) - 1))) == 0)
/* The target of a request begins with one of three characters; "GET key" of another protocol does not. */
#define HM_HTTP_METHOD(head, token) \
	(HM_HTTP_TOKEN(head, token) && ((head)[sizeof(token) - 1] == '/' || (head)[sizeof(token) - 1] == '*' || \
					(head)[sizeof(token) - 1] == 'h'))

/* What a packet that comes in begins with. Little endian, as every host that we build for. */
HM_PURE enum hm_http_begin hm_http_begins(const __u8 *head)
{
	if (head[0] == 0x16 && head[1] == 3 && head[5] == 1)
		return HM_HTTP_TLS_HELLO;
	if (HM_HTTP_METHOD(head, "GET ") || HM_HTTP_METHOD(head, "POST ") || HM_HTTP_METHOD(head, "HEAD ") ||
	    HM_HTTP_METHOD(head, "PUT ") || HM_HTTP_METHOD(head, "DELETE ") || HM_HTTP_METHOD(head, "PATCH ") ||
	    HM_HTTP_METHOD(head, "OPTIONS "))
		return HM_HTTP_REQUEST;
	return HM_HTTP_TOKEN(head, "PRI * HT") ? HM_HTTP_H2_PREFACE : HM_HTTP_NOTHING;
}

/* The status of a status line, 0 if it is none. */
HM_PURE __u32 hm_http_status(const __u8 *head)
{
	__u32 hundreds = head[9] - '0', tens = head[10] - '0', ones = head[11] - '0';

	if (!HM_HTTP_TOKEN(head, "HTTP/1.1") && !HM_HTTP_TOKEN(head, "HTTP/1.0"))
		return 0;
	if (head[8] != ' ' || hundreds < 1 || hundreds > 5 || tens > 9 || ones > 9)
		return 0;
	return head[12] == ' ' || head[12] == '\r' ? 100 * hundreds + 10 * tens + ones : 0;
}

/* Four buckets for each power of two of units of 1,024 ns. */
HM_PURE __u64 hm_http_bucket(__u64 ns)
{
	__u64 units = ns >> 10, rest = units, power = 0, bucket;

	if (units < 4)
		return units;
	for (__u64 step = 32; step; step /= 2) {
		if (rest >> step) {
			rest >>= step;
			power += step;
		}
	}
	bucket = 4 * (power - 1) + ((units >> (power - 2)) & 3);
	return bucket < HM_HTTP_BUCKETS ? bucket : HM_HTTP_BUCKETS - 1;
}

#endif
