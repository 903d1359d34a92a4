/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The same for HTTP/2 in clear text, as far as it can be told without following the compression: requests, answers by
 * status, and the status of gRPC where it is spelled out, which is the first of each kind on a connection. Include
 * after http_flow.bpf.h, packet_t and read_head().
 */
#ifndef HM_HTTP2_FLOW_BPF_H
#define HM_HTTP2_FLOW_BPF_H

#define MOST_FRAMES 6 /* in one packet */
#define MOST_STREAM_STEP 4096
#define MOST_STREAM_NS 10000000000ull

/* The connection, if it began with an HTTP/2 preface. */
static __always_inline struct connection *h2_connection(struct sock___http *sk)
{
	__u64 address = (__u64)sk;
	struct connection *found = bpf_map_lookup_elem(&connections, &address);

	return found && found->h2 && found->hash == sk->__sk_common.skc_hash ? found : NULL;
}

/* Of the streams that are open at a time the latency of one is measured; of one that never ends, not for long. */
static __always_inline void take_h2_request(struct connection *connection, struct hm_http_service *service,
					    const struct hm_h2_frame *frame)
{
	__u64 now = bpf_ktime_get_ns();

	/* Streams are numbered upwards; what jumps far is no frame. */
	if (frame->stream <= connection->last_stream || frame->stream > connection->last_stream + MOST_STREAM_STEP)
		return;
	connection->last_stream = frame->stream;
	__sync_fetch_and_add(&service->requests, weight());
	if (connection->request_ns && now - connection->request_ns < MOST_STREAM_NS)
		return;
	connection->request_ns = now;
	connection->waiting_stream = frame->stream;
}

static __always_inline void take_h2_answer(struct connection *connection, struct hm_http_service *service,
					   const struct hm_h2_frame *frame, __u32 answer)
{
	if (answer > 5 || answer == 1 || frame->stream > connection->last_stream)
		return;
	__sync_fetch_and_add(&service->responses[answer & 7], weight());
	if (frame->stream == connection->waiting_stream)
		count_latency(connection, service);
}

static __always_inline void take_trailers(packet_t *packet, __u32 offset, struct hm_http_service *service)
{
	__u8 buffer[HM_HTTP_HEAD];
	const __u8 *bytes = read_head(packet, offset + 5, buffer);
	__u32 status = bytes ? hm_h2_grpc_status(bytes, 0) : 2;

	if (status > 1) {
		bytes = read_head(packet, offset + 8, buffer);
		status = bytes ? hm_h2_grpc_status(bytes, 1) : 2;
	}
	if (status <= 1)
		__sync_fetch_and_add(&service->grpc[status & 1], weight());
}

/*
 * The frames of HTTP/2 in a packet, as far as they begin in it. Missed: frames that begin beyond the last complete one
 * of earlier packets, and those after the first MOST_FRAMES.
 */
static __always_inline void walk_frames(packet_t *packet, const struct payload *payload, __u32 skip,
					struct sock___http *sk, bool sent)
{
	__u32 offset = payload->offset + skip, end = payload->offset + payload->length, seq = payload->seq + skip;
	struct connection *connection = h2_connection(sk);
	struct hm_http_service *service;
	bool any = false;

	if (!connection)
		return;
	if (sent ? is_repeat(connection->had_response, connection->response_seq, seq)
		 : is_repeat(connection->had_request, connection->request_seq, seq))
		return;
	service = service_of(&connection->key, sk);
	if (!service)
		return;
	for (int i = 0; i < MOST_FRAMES && offset + HM_HTTP_HEAD <= end; i++) {
		__u8 buffer[HM_HTTP_HEAD];
		const __u8 *head = read_head(packet, offset, buffer);
		struct hm_h2_frame frame;

		if (!head)
			break;
		frame = hm_h2_read(head);
		if (hm_h2_is_headers(&frame)) {
			any = true;
			if (sent) {
				__u32 answer = hm_h2_answer(head, &frame);

				take_h2_answer(connection, service, &frame, answer);
				if (answer == HM_H2_TRAILERS)
					take_trailers(packet, offset, service);
			} else {
				take_h2_request(connection, service, &frame);
			}
		}
		if (frame.length > HM_H2_MOST_LENGTH)
			break;
		offset += 9 + frame.length;
	}
	if (any && sent) {
		connection->had_response = 1;
		connection->response_seq = seq;
	} else if (any) {
		connection->request_seq = seq;
	}
}

/* What begins with the first bytes of a packet's data. */
static __always_inline void look(packet_t *packet, const struct payload *payload, struct sock___http *sk, __u16 port,
				 bool sent)
{
	__u8 buffer[HM_HTTP_HEAD];
	const __u8 *head = read_head(packet, payload->offset, buffer);
	enum hm_http_begin begin;
	__u32 status;

	if (!head)
		return;
	if (sent) {
		status = hm_http_status(head);
		if (status)
			take_status(sk, port, payload->seq, status);
		else if (ports[port] == HM_HTTP_PORT_H2)
			walk_frames(packet, payload, 0, sk, true);
		return;
	}
	begin = hm_http_begins(head);
	if (begin != HM_HTTP_NOTHING)
		take_incoming(sk, port, payload->seq, begin);
	if (begin != HM_HTTP_REQUEST && ports[port] == HM_HTTP_PORT_H2)
		walk_frames(packet, payload, begin == HM_HTTP_H2_PREFACE ? HM_H2_PREFACE : 0, sk, false);
}

#endif
