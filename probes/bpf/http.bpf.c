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
#include "record/http2.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "task.bpf.h"
#include "http_flow.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct bpf_dynptr {
	__u64 opaque[2];
} __attribute__((aligned(8)));
typedef struct bpf_dynptr packet_t;

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

static __always_inline const __u8 *read_head(packet_t *packet, __u32 offset, __u8 *buffer)
{
	return bpf_dynptr_slice(packet, offset, buffer, HM_HTTP_HEAD);
}

#include "http2_flow.bpf.h"

static __always_inline void look_at(struct sk_buff___http *skb, struct sock___http *sk, bool sent)
{
	__u16 port = sk->__sk_common.skc_num;
	unsigned char *head = skb->head + skb->transport_header;
	__u32 offset = head - skb->data;
	struct payload payload;
	struct bpf_dynptr data;
	struct tcp_head tcp;

	/* Most packets end here, without a byte of theirs having been read. */
	if (skb->len < offset + TCP_HEAD_SIZE + HM_HTTP_HEAD || bpf_probe_read_kernel(&tcp, sizeof(tcp), head))
		return;
	if (!find_payload(&tcp, offset, skb->len, port, sent, &payload) || !is_wanted(sk, port))
		return;
	if (!bpf_dynptr_from_skb(skb, 0, &data))
		look(&data, &payload, sk, port, sent);
}

/*
 * tcp_probe fires once for each packet that an established connection receives, bare acknowledgements included, after
 * packets were joined (GRO) and before they are put in order.
 * Missed: data that comes with the last packet of the handshake (TCP_DEFER_ACCEPT, fast open), where only the answer
 * is counted; a head that does not begin its packet, as the second of two pipelined requests. Stable since 4.16.
 */
SEC("tp_btf/tcp_probe")
int BPF_PROG(on_receive, struct sock___http *sk, struct sk_buff___http *skb)
{
	look_at(skb, sk, false);
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
	__u8 state;

	if (!sk)
		return 0;
	/* Those are not whole sockets. */
	state = sk->__sk_common.skc_state;
	if (state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV && state != TCP_LISTEN && sk->sk_protocol == IPPROTO_TCP)
		look_at(skb, sk, true);
	return 0;
}
