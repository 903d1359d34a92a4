/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What unix_sockets.bpf.c hands to user space: a stream of records without gaps. Shared by the program and its loader,
 * always built from one tree.
 */
#ifndef HM_RECORD_UNIX_SOCKETS_H
#define HM_RECORD_UNIX_SOCKETS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* A socket that others connect to, or one that is connected to such a one. */
struct hm_unix_socket {
	__u64 place; /* the same for a listener and all that are connected to it, otherwise without meaning */
	__u32 serves;
	__u32 pad;
	char unit[128]; /* of the control group that made it; empty when it belongs to none */
};

#endif
