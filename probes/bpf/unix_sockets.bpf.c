// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Who is connected to whom over Unix sockets, read like a file: the kernel walks the sockets of the reader's network
 * namespace and runs the program for each; nothing is hooked. The walk over Unix sockets is stable since 5.15.
 *
 * A socket belongs to the control group that made it. The server's end of a connection is made by the client's
 * connect(), so it does not say whose the server is; but it carries the address of the socket that listens, the very
 * same object, and that one was made by the server. Not seen: connections that do not last until the next walk, and
 * servers whose socket systemd made for them.
 */
#include "vmlinux_min.h"
#include "record/unix_sockets.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "task.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define TCP_LISTEN 10
#define SOCK_DGRAM 2

static __always_inline bool serves(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN || BPF_CORE_READ(sk, sk_type) == SOCK_DGRAM;
}

SEC("iter/unix")
int walk(struct bpf_iter__unix *ctx)
{
	struct unix_sock *socket = ctx->unix_sk, *peer;
	struct hm_unix_socket record = {};
	struct unix_address *own;
	struct kernfs_node *group;

	if (!socket)
		return 0;
	own = BPF_CORE_READ(socket, addr);
	if (own && serves((struct sock *)socket)) {
		record.place = (__u64)(unsigned long)own;
		record.serves = 1;
	} else {
		peer = (struct unix_sock *)BPF_CORE_READ(socket, peer);
		record.place = peer ? (__u64)(unsigned long)BPF_CORE_READ(peer, addr) : 0;
		if (!record.place || record.place == (__u64)(unsigned long)own)
			return 0;
	}
	if (!bpf_core_field_exists(((struct sock *)socket)->sk_cgrp_data.cgroup))
		return 0;
	group = BPF_CORE_READ((struct sock *)socket, sk_cgrp_data.cgroup, kn);
	if (group && read_group_unit(group, record.unit, sizeof(record.unit)) && record.unit[0])
		bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}
