// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * TCP as the services of this host have it: connections made, accepted and refused, how long they took to come about,
 * round trips, retransmits and resets, by unit and port and by remote. Counted here. What crosses to user space by
 * itself is rare: a listening socket that comes or goes, and the first connection of an executable to a network.
 *
 * Whose a socket is: the control group that made it, which the socket keeps; an accepted one has that of its listener.
 * So it is known in interrupt context too, where the current task means nothing.
 */
#include "vmlinux_min.h"
#include "record/tcp.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "latency.bpf.h"
#include "task.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12
#define FIRST_EPHEMERAL 32768 /* of Linux by default */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, struct hm_tcp_service_key);
	__type(value, struct hm_tcp_service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, struct hm_tcp_remote_key);
	__type(value, struct hm_tcp_remote);
} remotes SEC(".maps");

/* When the first SYN of a connection went out, by the address of its socket. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} begun SEC(".maps");

struct destination {
	char executable[32];
	__u8 network[16]; /* the first 24 bits of an IPv4 address, 48 of IPv6 */
	__u64 port; /* 0 for all that may be ephemeral */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct destination);
	__type(value, __u8);
} destinations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hm_tcp_totals);
} totals SEC(".maps");

static const struct hm_tcp_service no_service;
static const struct hm_tcp_remote no_remote;

static __always_inline struct hm_tcp_totals *my_totals(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&totals, &zero);
}

static __always_inline struct kernfs_node *group_of(const struct sock *sk)
{
	return bpf_core_field_exists(sk->sk_cgrp_data.cgroup) ? BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn) : NULL;
}

static __always_inline __u32 local_port(const struct sock *sk)
{
	const struct inet_sock *inet = (void *)sk;

	return bpf_ntohs(BPF_CORE_READ(inet, inet_sport));
}

static __always_inline void map_ipv4(__u8 *address, __be32 ipv4)
{
	address[10] = address[11] = 0xff;
	__builtin_memcpy(address + 12, &ipv4, sizeof(ipv4));
}

/* address: 16 zeros. */
static __always_inline void remote_address(const struct sock *sk, __u8 *address)
{
	if (sk->__sk_common.skc_family == AF_INET6)
		BPF_CORE_READ_INTO((struct in6_addr *)address, sk, __sk_common.skc_v6_daddr);
	else
		map_ipv4(address, sk->__sk_common.skc_daddr);
}

static __always_inline void local_address(const struct sock *sk, __u8 *address)
{
	if (sk->__sk_common.skc_family == AF_INET6)
		BPF_CORE_READ_INTO((struct in6_addr *)address, sk, __sk_common.skc_v6_rcv_saddr);
	else if (sk->__sk_common.skc_rcv_saddr)
		map_ipv4(address, sk->__sk_common.skc_rcv_saddr);
}

static __always_inline struct hm_tcp_service *make_service(struct hm_tcp_service_key *key, struct kernfs_node *group)
{
	struct hm_tcp_service *row = bpf_map_lookup_elem(&services, key);

	if (row)
		return row;
	bpf_map_update_elem(&services, key, &no_service, BPF_NOEXIST);
	row = bpf_map_lookup_elem(&services, key);
	if (row) {
		row->made_ns = bpf_ktime_get_ns();
		row->inside = !group || read_group_unit(group, row->unit, sizeof(row->unit));
	}
	return row;
}

/*
 * The row of a port that is served if there is one, else the row of what the group connects to: an ephemeral port is
 * not one that the same group listens on.
 */
static __always_inline struct hm_tcp_service *service_of(const struct sock *sk)
{
	struct kernfs_node *group = group_of(sk);
	struct hm_tcp_service_key key = { .port = local_port(sk) };
	struct hm_tcp_service *row;

	if (group)
		key.group = BPF_CORE_READ(group, id);
	row = bpf_map_lookup_elem(&services, &key);
	if (row)
		return row;
	key.port = 0;
	return make_service(&key, group);
}

static __always_inline struct hm_tcp_service *server_of(const struct sock *sk)
{
	struct kernfs_node *group = group_of(sk);
	struct hm_tcp_service_key key = { .port = local_port(sk) };

	if (group)
		key.group = BPF_CORE_READ(group, id);
	return make_service(&key, group);
}

static __always_inline bool is_own_address(const struct sock *sk)
{
	__u64 local[2] = {}, remote[2] = {};

	local_address(sk, (__u8 *)local);
	remote_address(sk, (__u8 *)remote);
	return local[0] == remote[0] && local[1] == remote[1];
}

/* make: for a connection of ours. Of accepted ones the remotes are not kept. */
static __always_inline struct hm_tcp_remote *remote_of(const struct sock *sk, bool make)
{
	struct kernfs_node *group = group_of(sk);
	struct hm_tcp_remote_key key = { .port = bpf_ntohs(sk->__sk_common.skc_dport) };
	struct hm_tcp_remote *row;

	if (group)
		key.group = BPF_CORE_READ(group, id);
	remote_address(sk, key.address);
	row = bpf_map_lookup_elem(&remotes, &key);
	if (row || !make)
		return row;
	bpf_map_update_elem(&remotes, &key, &no_remote, BPF_NOEXIST);
	row = bpf_map_lookup_elem(&remotes, &key);
	if (row) {
		row->made_ns = bpf_ktime_get_ns();
		row->own = is_own_address(sk);
	}
	return row;
}

static __always_inline void add(__u32 *count, __u32 n)
{
	__sync_fetch_and_add(count, n);
}

static __always_inline bool is_loopback(const __u8 *address)
{
	static const __u8 mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127 };
	static const __u8 loopback[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	bool first = true, second = true;

	for (int i = 0; i < (int)sizeof(mapped); i++)
		first = first && address[i] == mapped[i];
	for (int i = 0; i < (int)sizeof(loopback); i++)
		second = second && address[i] == loopback[i];
	return first || second;
}

static __always_inline void read_executable(struct task_struct *task, char *name, __u32 size)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);

	if (!file || bpf_probe_read_kernel_str(name, size, BPF_CORE_READ(file, f_path.dentry, d_name.name)) <= 0)
		bpf_probe_read_kernel_str(name, sizeof(task->comm), task->comm);
}

/* Only in the context of the task that does it. */
static __always_inline void tell(__u32 kind, const struct sock *sk, struct hm_tcp_totals *total)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct kernfs_node *group = group_of(sk);
	struct hm_tcp_record *record;

	total->events_seen++;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		total->events_dropped++;
		return;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->at_ns = bpf_ktime_get_boot_ns();
	record->group = group ? BPF_CORE_READ(group, id) : 0;
	record->kind = kind;
	record->pid = pid_for_us(BPF_CORE_READ(task, group_leader));
	if (kind == HM_TCP_DESTINATION) {
		record->port = bpf_ntohs(sk->__sk_common.skc_dport);
		remote_address(sk, record->address);
	} else {
		record->port = local_port(sk);
		local_address(sk, record->address);
	}
	read_executable(task, record->executable, sizeof(record->executable));
	if (!group || read_group_unit(group, record->unit, sizeof(record->unit)))
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
}

static __always_inline void look_at_destination(const struct sock *sk, struct hm_tcp_totals *total)
{
	struct destination key = {};
	__u16 port = bpf_ntohs(sk->__sk_common.skc_dport);
	__u8 here = 1;

	remote_address(sk, key.network);
	if (is_loopback(key.network))
		return;
	if (sk->__sk_common.skc_family == AF_INET)
		key.network[15] = 0;
	else
		__builtin_memset(key.network + 6, 0, sizeof(key.network) - 6);
	key.port = port < FIRST_EPHEMERAL ? port : 0;
	read_executable((void *)bpf_get_current_task(), key.executable, sizeof(key.executable));
	if (bpf_map_lookup_elem(&destinations, &key))
		return;
	bpf_map_update_elem(&destinations, &key, &here, BPF_ANY);
	tell(HM_TCP_DESTINATION, sk, total);
}

static __always_inline int failure_of(const struct sock *sk)
{
	switch (BPF_CORE_READ(sk, sk_err)) {
	case 0:
		return local_port(sk) ? HM_TCP_ABANDONED : HM_TCP_NO_LOCAL_PORT;
	case 111: /* ECONNREFUSED */
		return HM_TCP_REFUSED;
	case 110: /* ETIMEDOUT */
		return HM_TCP_TIMEOUT;
	case 101: /* ENETUNREACH */
	case 113: /* EHOSTUNREACH */
		return HM_TCP_UNREACHABLE;
	}
	return HM_TCP_OTHER;
}

static __always_inline void connect_ended(const struct sock *sk, int newstate, struct hm_tcp_totals *total)
{
	__u64 id = (__u64)(unsigned long)sk, took = 0, *when = bpf_map_lookup_elem(&begun, &id);
	struct hm_tcp_service *service = service_of(sk);
	struct hm_tcp_remote *remote;
	int failure;

	if (when) {
		took = bpf_ktime_get_ns() - *when;
		bpf_map_delete_elem(&begun, &id);
	}
	if (!service) {
		total->no_room++;
		return;
	}
	if (!service->inside)
		return;
	remote = remote_of(sk, true);
	if (newstate == TCP_ESTABLISHED) {
		total->client_opened++;
		add(&service->counts.opened, 1);
		if (took)
			add_latency(&service->counts.connect, took);
		if (remote) {
			add(&remote->counts.opened, 1);
			if (took)
				add_latency(&remote->counts.connect, took);
		}
	} else {
		failure = failure_of(sk);
		if (failure < 0 || failure >= HM_TCP_FAILURES)
			return;
		total->failed[failure]++;
		add(&service->counts.failed[failure], 1);
		if (remote)
			add(&remote->counts.failed[failure], 1);
	}
	add(&service->counts.activity, 1);
	if (remote)
		add(&remote->counts.activity, 1);
}

static __always_inline void accepted(const struct sock *sk, struct hm_tcp_totals *total)
{
	struct hm_tcp_service *service = server_of(sk);

	if (!service) {
		total->no_room++;
		return;
	}
	if (!service->inside)
		return;
	total->server_opened++;
	add(&service->counts.opened, 1);
	add(&service->counts.activity, 1);
}

static __always_inline void closed(const struct sock *sk)
{
	const struct tcp_sock *tcp = (void *)sk;
	struct hm_tcp_service *service = service_of(sk);
	struct hm_tcp_remote *remote = remote_of(sk, false);
	__u32 rtt_us = BPF_CORE_READ(tcp, srtt_us) >> 3;

	if (!service || !service->inside || !rtt_us)
		return;
	__sync_fetch_and_add(&service->counts.rtt_us, rtt_us);
	add(&service->counts.rtt_count, 1);
	add(&service->counts.activity, 1);
	if (remote) {
		__sync_fetch_and_add(&remote->counts.rtt_us, rtt_us);
		add(&remote->counts.rtt_count, 1);
		add(&remote->counts.activity, 1);
	}
}

/*
 * inet_sock_set_state fires at every change of state of a TCP socket, of DCCP and SCTP too: four to seven times per
 * connection. To SYN_SENT and to LISTEN it runs in the task that calls connect() or listen(); from SYN_SENT on mostly
 * in interrupt context. When a connection failed the socket has its error by then. Not seen: a connect() that fails
 * before a SYN (no route, denied), connections that a listener drops before they are complete, and the state TIME_WAIT,
 * whose sockets have been closed for this hook before. Stable since 4.16.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sk, int oldstate, int newstate)
{
	struct hm_tcp_totals *total = my_totals();
	__u64 id = (__u64)(unsigned long)sk, now;

	if (!total || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	total->seen++;
	if (newstate == TCP_SYN_SENT) {
		now = bpf_ktime_get_ns();
		bpf_map_update_elem(&begun, &id, &now, BPF_ANY);
		look_at_destination(sk, total);
	} else if (oldstate == TCP_SYN_SENT && (newstate == TCP_ESTABLISHED || newstate == TCP_CLOSE)) {
		connect_ended(sk, newstate, total);
	} else if (oldstate == TCP_SYN_RECV && newstate == TCP_ESTABLISHED) {
		accepted(sk, total);
	} else if (newstate == TCP_LISTEN) {
		tell(HM_TCP_LISTENING, sk, total);
	} else if (oldstate == TCP_LISTEN && newstate == TCP_CLOSE) {
		tell(HM_TCP_CLOSED, sk, total);
	} else if (newstate == TCP_CLOSE && oldstate != TCP_CLOSE && oldstate != TCP_SYN_RECV) {
		closed(sk);
	}
	return 0;
}

/*
 * tcp_retransmit_skb fires once per buffer that is sent again, which may be several segments, as /proc/net/snmp counts
 * them. Not seen: SYN-ACKs sent again, which belong to no socket yet. The arguments grew at the end; the first two are
 * stable since 4.16.
 */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(on_retransmit, const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcp_skb_cb *control = (void *)skb + bpf_core_field_offset(skb->cb);
	struct hm_tcp_totals *total = my_totals();
	struct hm_tcp_service *service;
	struct hm_tcp_remote *remote;
	__u32 segments;

	if (!total || !sk)
		return 0;
	total->seen++;
	service = service_of(sk);
	if (!service || !service->inside)
		return 0;
	segments = BPF_CORE_READ(control, tcp_gso_segs);
	if (!segments)
		segments = 1;
	total->retransmits += segments;
	add(&service->counts.retransmits, segments);
	add(&service->counts.activity, 1);
	remote = remote_of(sk, false);
	if (remote) {
		add(&remote->counts.retransmits, segments);
		add(&remote->counts.activity, 1);
	}
	return 0;
}

/* A socket in these states is a smaller thing that has no owner. */
static __always_inline bool is_full(const struct sock *sk)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

/*
 * tcp_send_reset fires for each reset sent, with the socket it is about or none: for a port that nobody serves.
 * tcp_receive_reset fires for each reset that reached a socket, the answer to a refused connect() included.
 */
static __always_inline void count_reset(const struct sock *sk, bool sent, struct hm_tcp_totals *total)
{
	struct hm_tcp_service *service = service_of(sk);
	struct hm_tcp_remote *remote;

	if (!service || !service->inside)
		return;
	if (sent)
		total->resets_sent++;
	else
		total->resets_received++;
	add(sent ? &service->counts.resets_sent : &service->counts.resets_received, 1);
	add(&service->counts.activity, 1);
	remote = remote_of(sk, BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_SYN_SENT);
	if (remote) {
		add(sent ? &remote->counts.resets_sent : &remote->counts.resets_received, 1);
		add(&remote->counts.activity, 1);
	}
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(on_send_reset, const struct sock *sk)
{
	struct hm_tcp_totals *total = my_totals();

	if (!total)
		return 0;
	total->seen++;
	if (!sk || !is_full(sk))
		total->resets_sent++;
	else
		count_reset(sk, true, total);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(on_receive_reset, const struct sock *sk)
{
	struct hm_tcp_totals *total = my_totals();

	if (!total || !sk || !is_full(sk))
		return 0;
	total->seen++;
	count_reset(sk, false, total);
	return 0;
}
