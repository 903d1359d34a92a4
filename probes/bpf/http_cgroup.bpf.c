// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The same as http.bpf.c for kernels whose tracepoints cannot read packets, where the administrator has given the probe
 * CAP_NET_ADMIN: as programs of our control group root. They let every packet pass.
 */
#include "vmlinux_min.h"
#include "record/http.h"
#include "record/http2.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "task.bpf.h"
#include "http_flow.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PASS 1

/* From the kernel's stable interface, include/uapi/linux/bpf.h. */
struct __sk_buff {
	__u32 len;
	__u32 before_sk[41];
	struct bpf_sock *sk;
};
typedef struct __sk_buff packet_t;

static __always_inline const __u8 *read_head(packet_t *packet, __u32 offset, __u8 *buffer)
{
	return bpf_skb_load_bytes(packet, offset, buffer, HM_HTTP_HEAD) ? NULL : buffer;
}

#include "http2_flow.bpf.h"

/* Where the header of TCP begins, counted from that of IP; 0 if there is none or other headers lie between. */
static __always_inline __u32 tcp_offset(packet_t *packet)
{
	__u8 ip[10];

	if (packet->len < 40 + HM_HTTP_HEAD || bpf_skb_load_bytes(packet, 0, ip, sizeof(ip)))
		return 0;
	if (ip[0] >> 4 == 4)
		return ip[9] == IPPROTO_TCP ? (ip[0] & 15) << 2 : 0;
	return ip[0] >> 4 == 6 && ip[6] == IPPROTO_TCP ? 40 : 0;
}

static __always_inline int look_at(packet_t *packet, bool sent)
{
	__u32 offset = tcp_offset(packet);
	struct payload payload;
	struct sock___http *sk;
	struct tcp_head tcp;
	__u16 port;

	if (!offset || !packet->sk)
		return PASS;
	sk = (void *)bpf_skc_to_tcp_sock(packet->sk);
	if (!sk || sk->__sk_common.skc_state == TCP_LISTEN || bpf_skb_load_bytes(packet, offset, &tcp, sizeof(tcp)))
		return PASS;
	port = sk->__sk_common.skc_num;
	if (find_payload(&tcp, offset, packet->len, port, sent, &payload) && is_wanted(sk, port))
		look(packet, &payload, sk, port, sent);
	return PASS;
}

/*
 * Fires for each packet that IP hands to a socket below the group, after packets were joined (GRO), in the order of
 * arrival. Missed: data that comes with the last packet of the handshake, where only the answer is counted. Stable
 * since 4.10, attached by a link since 5.7.
 */
SEC("cgroup_skb/ingress")
int on_receive(packet_t *packet)
{
	return look_at(packet, false);
}

/*
 * Fires for each packet that a socket below the group gives to IP, before it is cut into segments (GSO), and for what
 * is sent again. Missed: an answer that TCP joined to earlier data that was still waiting.
 */
SEC("cgroup_skb/egress")
int on_send(packet_t *packet)
{
	return look_at(packet, true);
}
