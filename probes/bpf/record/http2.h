/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * How frames of HTTP/2 begin (RFC 9113), and what the compressed head of an answer says without the connection's table
 * (RFC 7541). Shared by the programs and the tests; pure. Include after http.h.
 */
#ifndef HM_RECORD_HTTP2_H
#define HM_RECORD_HTTP2_H

#define HM_H2_PREFACE 24 /* bytes of "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" */
#define HM_H2_HEADERS 1
#define HM_H2_END_STREAM 0x01
#define HM_H2_PADDED 0x08
#define HM_H2_PRIORITY 0x20
#define HM_H2_KNOWN_FLAGS 0x2d
#define HM_H2_MOST_LENGTH 16384

/* The nine bytes before each frame. */
struct hm_h2_frame {
	__u32 length, stream;
	__u8 type, flags;
};

enum hm_h2_answer {
	HM_H2_HIDDEN = 0, /* an answer, its status in the table of the connection, which is not followed */
	/* 1 to 5: first digit of the status */
	HM_H2_TRAILERS = 6,
	HM_H2_OTHER = 7,
};

HM_PURE __u32 hm_h2_number(const __u8 *bytes)
{
	__u32 number;

	__builtin_memcpy(&number, bytes, sizeof(number));
	return __builtin_bswap32(number);
}

HM_PURE struct hm_h2_frame hm_h2_read(const __u8 *head)
{
	struct hm_h2_frame frame;

	frame.length = hm_h2_number(head) >> 8;
	frame.type = head[3];
	frame.flags = head[4];
	frame.stream = hm_h2_number(head + 5);
	return frame;
}

/*
 * Whether this is the HEADERS frame of a request or of its answer. A packet may begin inside of a frame, and what lies
 * there may be anything: nothing is taken for a head that a sender would hardly send.
 */
HM_PURE int hm_h2_is_headers(const struct hm_h2_frame *frame)
{
	return frame->type == HM_H2_HEADERS && (frame->stream & 0x80000001) == 1 && frame->length > 0 &&
	       frame->length <= HM_H2_MOST_LENGTH && (frame->flags | HM_H2_KNOWN_FLAGS) == HM_H2_KNOWN_FLAGS;
}

/* The first digit of a status that is spelled out: its length, and a digit or the Huffman code of one. */
HM_PURE __u32 hm_h2_spelled(__u8 length, __u8 digit)
{
	if (length == 3 && digit >= '1' && digit <= '5')
		return digit - '0' + 0u;
	if (!(length & 0x80))
		return HM_H2_OTHER;
	if (digit >> 3 == 1 || digit >> 3 == 2) /* five bits for 1 and 2 */
		return digit >> 3;
	if (digit >> 2 >= 0x19 && digit >> 2 <= 0x1b) /* six for 3 to 5 */
		return (digit >> 2) - 0x16u;
	return HM_H2_OTHER;
}

/*
 * What a HEADERS frame that a server sends says. An answer begins with :status, and those of the static table (8 to 14)
 * are one byte. Others are spelled out at least once on a connection; after that most senders put them into its table.
 */
HM_PURE __u32 hm_h2_answer(const __u8 *head, const struct hm_h2_frame *frame)
{
	__u8 first = head[9];

	if (frame->flags & (HM_H2_PADDED | HM_H2_PRIORITY))
		return HM_H2_OTHER;
	switch (first) {
	case 0x88: /* 200 */
	case 0x89: /* 204 */
	case 0x8a: /* 206 */
		return 2;
	case 0x8b: /* 304 */
		return 3;
	case 0x8c: /* 400 */
	case 0x8d: /* 404 */
		return 4;
	case 0x8e: /* 500 */
		return 5;
	case 0x48: /* spelled out, to be put into the table, not to be, never to be */
	case 0x08:
	case 0x18:
		return hm_h2_spelled(head[10], head[11]);
	default:
		break;
	}
	if (frame->flags & HM_H2_END_STREAM)
		return HM_H2_TRAILERS;
	return first >= 0xbe ? HM_H2_HIDDEN : HM_H2_OTHER;
}

/*
 * The value of a grpc-status that is the first field of trailers and spelled out: 0 ok, 1 an error, 2 not visible.
 * bytes: a window that ends with the first character of the value, if the name is plain or in the Huffman code.
 */
HM_PURE __u32 hm_h2_grpc_status(const __u8 *bytes, int plain)
{
	/* Before the name: that it is a new one (0x40, or 0x00 and 0x10 where it is not for the table); its length. */
	if (plain && ((bytes[1] & 0xaf) || bytes[2] != 11 || hm_http_word(bytes + 3) != hm_http_word("grpc-sta") ||
		      bytes[11] != 't' || bytes[12] != 'u' || bytes[13] != 's'))
		return 2;
	if (!plain && ((bytes[4] & 0xaf) || bytes[5] != 0x88 ||
		       hm_http_word(bytes + 6) != hm_http_word("\x9a\xca\xc8\xb2\x12\x34\xda\x8f")))
		return 2;
	switch (bytes[14]) {
	case 1:
		return bytes[15] != '0';
	case 0x81: /* Huffman: five bits of zero, the rest of the byte ones */
		return bytes[15] != 0x07;
	case 2: /* 10 to 16 */
	case 0x82:
		return 1;
	default:
		return 2;
	}
}

#endif
