// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Requests, answers and their latency of the HTTP servers on this host, from the first bytes of TCP packets.
 *
 * These are tracepoints and not programs of a control group, because attaching those takes CAP_NET_ADMIN, which would
 * let the probe change what the host sends. The kernel must let a tracepoint read a packet's data wherever it lies
 * (bpf_dynptr_from_skb for tp_btf, since "bpf: Allow bpf_dynptr_from_skb() for tp_btf"), because nothing of what TCP
 * sends lies in the linear part.
 */
#include "vmlinux_min.h"
#include "record/http.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "task.bpf.h"
#include "http_flow.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define IPPROTO_TCP 6
#define TCP_TIME_WAIT 6
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12

struct bpf_dynptr {
	__u64 opaque[2];
} __attribute__((aligned(8)));

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sk_buff___http {
	struct sock___http *sk;
	unsigned int len;
	unsigned char *head, *data;
	__u16 transport_header;
};

#pragma clang attribute pop

extern int bpf_dynptr_from_skb(struct sk_buff___http *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset, void *buffer, __u32 size) __ksym;

/* The head of TCP as it is on the wire. */
struct tcp_head {
	__be16 source, dest;
	__be32 seq, ack;
	__u8 offset, flags;
	__u16 window;
};

struct payload {
	__u32 seq, offset, length; /* offset: from skb->data */
};

/* False for packets without enough data to begin a message; most packets are those. */
static __always_inline bool find_payload(struct sk_buff___http *skb, struct payload *payload, __u16 port, bool sent)
{
	unsigned char *head = skb->head + skb->transport_header;
	struct tcp_head tcp;
	__u32 size;

	if (bpf_probe_read_kernel(&tcp, sizeof(tcp), head))
		return false;
	/* Below a tunnel the header is another one than TCP's. */
	if ((sent ? tcp.source : tcp.dest) != __builtin_bswap16(port))
		return false;
	size = tcp.offset >> 4 << 2;
	payload->seq = __builtin_bswap32(tcp.seq);
	payload->offset = head - skb->data + size;
	if (payload->offset > skb->len)
		return false;
	payload->length = skb->len - payload->offset;
	return payload->length >= HM_HTTP_HEAD;
}

static __always_inline const __u8 *read_head(struct sk_buff___http *skb, __u32 offset, __u8 *buffer)
{
	struct bpf_dynptr data;

	if (bpf_dynptr_from_skb(skb, 0, &data))
		return NULL;
	return bpf_dynptr_slice(&data, offset, buffer, HM_HTTP_HEAD);
}

/*
 * tcp_probe fires once for each packet that an established connection receives, bare acknowledgements included, after
 * the checksum was verified and packets were joined (GRO), before it is queued; skb->data is at the TCP header.
 * Missed: data that comes with the last packet of the handshake (TCP_DEFER_ACCEPT, fast open), where only the answer
 * is counted; a head that does not begin its packet, as the second of two pipelined requests. Stable since 4.16.
 */
SEC("tp_btf/tcp_probe")
int BPF_PROG(on_receive, struct sock___http *sk, struct sk_buff___http *skb)
{
	__u16 port = sk->__sk_common.skc_num;
	__u8 buffer[HM_HTTP_HEAD];
	struct payload payload;
	enum hm_http_begin begin;
	const __u8 *head;

	if (!find_payload(skb, &payload, port, false) || !is_wanted(sk, port))
		return 0;
	head = read_head(skb, payload.offset, buffer);
	if (!head)
		return 0;
	begin = hm_http_begins(head);
	if (begin != HM_HTTP_NOTHING)
		take_incoming(sk, port, payload.seq, begin);
	return 0;
}

/*
 * net_dev_queue fires once for each packet handed to a network device, loopback included, before it is cut into
 * segments (GSO), for every protocol; skb->sk is the sender's socket while the packet has not left its network
 * namespace. It fires again for a device below (bridge, VLAN, bond) and for what is sent again; is_repeat() tells.
 * Missed: an answer that TCP joined to earlier data that was still waiting, what IPsec has encrypted, and a connection
 * whose packets never pass a device (redirected between sockets). Stable since 2.6.37.
 */
SEC("tp_btf/net_dev_queue")
int BPF_PROG(on_send, struct sk_buff___http *skb)
{
	struct sock___http *sk = skb->sk;
	__u8 buffer[HM_HTTP_HEAD];
	struct payload payload;
	const __u8 *head;
	__u8 state;
	__u16 port;
	__u32 status;

	if (!sk)
		return 0;
	/* Those are not whole sockets. */
	state = sk->__sk_common.skc_state;
	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV || state == TCP_LISTEN)
		return 0;
	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	port = sk->__sk_common.skc_num;
	if (!find_payload(skb, &payload, port, true) || !is_wanted(sk, port))
		return 0;
	head = read_head(skb, payload.offset, buffer);
	if (!head)
		return 0;
	status = hm_http_status(head);
	if (status)
		take_status(sk, port, payload.seq, status);
	return 0;
}
