/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What is made of the heads of messages, wherever the programs get them from: one small record per connection that
 * ties a status line to its request, and counts per service and port. Only the counts cross to user space.
 */
#ifndef HM_HTTP_FLOW_BPF_H
#define HM_HTTP_FLOW_BPF_H

#define IPPROTO_TCP 6
#define TCP_TIME_WAIT 6
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12
#define TCP_HEAD_SIZE 20 /* without options */

#define MOST_CONNECTIONS 8192
#define REPEAT_WINDOW (64u << 20) /* bytes; no window of TCP that is in use comes near */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sock_cgroup_data___http {
	struct cgroup *cgroup;
};

/* Before the change "bpf, cgroups: Fix cgroup v2 fallback on v1/v2 mixed mode": a pointer, or none if a low bit is set. */
struct sock_cgroup_data___word {
	__u64 val;
};

struct sock_common___http {
	volatile unsigned char skc_state;
	__u16 skc_num;
	unsigned int skc_hash;
};

struct sock___http {
	struct sock_common___http __sk_common;
	__u16 sk_protocol;
	struct sock_cgroup_data___http sk_cgrp_data;
};

#pragma clang attribute pop

/* Of 1 << sample_shift connections one is looked at; user space sets it by the load. */
__u32 sample_shift;
__u8 ports[65536]; /* enum hm_http_port */

struct connection {
	__u64 request_ns; /* 0: no request waits for its answer */
	__u32 request_seq, response_seq;
	__u32 hash; /* of its addresses and ports */
	__u8 had_request, had_response, h2, unused;
	__u32 last_stream, waiting_stream; /* HTTP/2: the newest; the one whose latency is measured */
	struct hm_http_key key;
};

/*
 * By the address of the socket, which sooner or later is another connection's: the hash tells. (A socket's cookie would
 * do without, but the kernel gives none to a program that is handed a packet only.) The least recently used gives way.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MOST_CONNECTIONS);
	__type(key, __u64);
	__type(value, struct connection);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HM_HTTP_SERVICES);
	__type(key, struct hm_http_key);
	__type(value, struct hm_http_service);
} services SEC(".maps");

/* What a service begins as; too large for the stack. */
static const volatile struct hm_http_service nothing = {};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hm_http_counts);
} counts SEC(".maps");

/* The head of TCP as it is on the wire. */
struct tcp_head {
	__be16 source, dest;
	__be32 seq, ack;
	__u8 offset, flags;
	__u16 window;
};

struct payload {
	__u32 seq, offset, length; /* offset: from where the packet's data is counted */
};

/* False for packets without enough data to begin a message. tcp: at which offset of how many bytes it was found. */
static __always_inline bool find_payload(const struct tcp_head *tcp, __u32 offset, __u32 size, __u16 port, bool sent,
					 struct payload *payload)
{
	/* Below a tunnel the header is another one than TCP's. */
	if ((sent ? tcp->source : tcp->dest) != __builtin_bswap16(port))
		return false;
	payload->seq = __builtin_bswap32(tcp->seq);
	payload->offset = offset + (tcp->offset >> 4 << 2);
	if (payload->offset > size)
		return false;
	payload->length = size - payload->offset;
	return payload->length >= HM_HTTP_HEAD;
}

static __always_inline struct hm_http_counts *my_counts(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counts, &zero);
}

/* Whether this packet of the connection is to be looked at; counts it if so. */
static __always_inline bool is_wanted(struct sock___http *sk, __u16 port)
{
	struct hm_http_counts *count;

	if (ports[port] == HM_HTTP_PORT_ENCRYPTED || (sk->__sk_common.skc_hash & ((1u << (sample_shift & 31)) - 1)))
		return false;
	count = my_counts();
	if (count)
		count->looked++;
	return true;
}

static __always_inline __u64 weight(void)
{
	return 1ull << (sample_shift & 31);
}

static __always_inline struct kernfs_node *group_of(struct sock___http *sk)
{
	struct sock_cgroup_data___word *old = (void *)&sk->sk_cgrp_data;
	struct cgroup *group;
	__u64 word;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
		group = BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	} else {
		word = BPF_CORE_READ(old, val);
		group = word & 3 ? NULL : (struct cgroup *)word;
	}
	return BPF_CORE_READ(group, kn);
}

static __always_inline struct hm_http_service *begin_service(struct hm_http_key *key, struct sock___http *sk)
{
	struct kernfs_node *group = group_of(sk);
	struct hm_http_service *service;
	struct hm_http_counts *count;

	bpf_map_update_elem(&services, key, (const void *)&nothing, BPF_NOEXIST);
	service = bpf_map_lookup_elem(&services, key);
	if (!service) {
		count = my_counts();
		if (count)
			count->no_room++;
		return NULL;
	}
	/* Two that come at once write the same. */
	service->state = HM_HTTP_OURS;
	if (group && !read_group_unit(group, service->unit, sizeof(service->unit)))
		service->state = HM_HTTP_FOREIGN;
	return service;
}

static __always_inline struct hm_http_service *service_of(struct hm_http_key *key, struct sock___http *sk)
{
	struct hm_http_service *service = bpf_map_lookup_elem(&services, key);

	if (!service)
		service = begin_service(key, sk);
	return service && service->state != HM_HTTP_FOREIGN ? service : NULL;
}

static __always_inline struct connection *connection_of(struct sock___http *sk, __u16 port)
{
	__u64 address = (__u64)sk;
	struct connection *found = bpf_map_lookup_elem(&connections, &address);
	struct connection fresh = {};

	fresh.hash = sk->__sk_common.skc_hash;
	if (found && found->hash == fresh.hash)
		return found;
	fresh.key.cgroup_id = BPF_CORE_READ(group_of(sk), id);
	fresh.key.port = port;
	bpf_map_update_elem(&connections, &address, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&connections, &address);
}

/* A head that was seen before: sent again, or met on a second device below the first. */
static __always_inline bool is_repeat(bool had, __u32 last, __u32 seq)
{
	return had && last - seq < REPEAT_WINDOW;
}

static __always_inline void take_incoming(struct sock___http *sk, __u16 port, __u32 seq, enum hm_http_begin begin)
{
	struct connection *connection = connection_of(sk, port);
	struct hm_http_service *service;

	if (!connection || is_repeat(connection->had_request, connection->request_seq, seq))
		return;
	connection->had_request = 1;
	connection->request_seq = seq;
	service = service_of(&connection->key, sk);
	if (!service)
		return;
	if (begin == HM_HTTP_TLS_HELLO) {
		__sync_fetch_and_add(&service->hellos, weight());
	} else if (begin == HM_HTTP_H2_PREFACE) {
		connection->h2 = 1;
		connection->last_stream = 0;
		ports[port] = HM_HTTP_PORT_H2;
		__sync_fetch_and_add(&service->h2_connections, weight());
	} else {
		connection->request_ns = bpf_ktime_get_ns();
		__sync_fetch_and_add(&service->requests, weight());
	}
}

static __always_inline void count_latency(struct connection *connection, struct hm_http_service *service)
{
	__u64 begun = connection->request_ns, now = bpf_ktime_get_ns();
	__u32 bucket;

	if (!begun)
		return;
	connection->request_ns = 0;
	bucket = hm_http_bucket(now - begun) & (HM_HTTP_BUCKETS - 1); /* for the verifier */
	__sync_fetch_and_add(&service->latency[bucket], (__u32)weight());
}

static __always_inline void take_status(struct sock___http *sk, __u16 port, __u32 seq, __u32 status)
{
	struct connection *connection;
	struct hm_http_service *service;
	__u32 class = status / 100;

	/* Only 101 of the informational ones ends a request. */
	if ((class == 1 && status != 101) || class > 5)
		return;
	connection = connection_of(sk, port);
	if (!connection || is_repeat(connection->had_response, connection->response_seq, seq))
		return;
	connection->had_response = 1;
	connection->response_seq = seq;
	service = service_of(&connection->key, sk);
	if (!service)
		return;
	__sync_fetch_and_add(&service->responses[class & 7], weight());
	count_latency(connection, service);
}

#endif
