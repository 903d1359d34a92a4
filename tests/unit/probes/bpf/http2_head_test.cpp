// SPDX-License-Identifier: Apache-2.0
// What the frames of HTTP/2 say without the table of their connection: the same code that runs in the kernel.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>

#include "probes/bpf/record/http.h"
#include "probes/bpf/record/http2.h"

using namespace std::literals;

namespace {

struct Window {
  explicit Window(std::string_view text) { std::memcpy(bytes, text.data(), std::min(text.size(), sizeof bytes)); }
  __u8 bytes[HM_HTTP_HEAD] = {};
};
hm_h2_frame frame_of(std::string_view text) { return hm_h2_read(Window(text).bytes); }
bool is_headers(std::string_view text) {
  const hm_h2_frame frame = frame_of(text);
  return hm_h2_is_headers(&frame) != 0;
}
// A HEADERS frame of stream 1 with these flags whose block begins so.
__u32 answer(std::string_view block, char flags = 0x04) {
  const std::string text = "\0\0\x20\x01"s + flags + "\0\0\0\x01"s + std::string(block);
  const hm_h2_frame frame = frame_of(text);
  return hm_h2_answer(Window(text).bytes, &frame);
}

}  // namespace

TEST_CASE("nine bytes are length, type, flags and stream") {
  const hm_h2_frame frame = frame_of("\x01\x02\x03\x01\x25\x00\x00\x01\x07"sv);
  CHECK(frame.length == 0x010203);
  CHECK(frame.type == HM_H2_HEADERS);
  CHECK(frame.flags == 0x25);
  CHECK(frame.stream == 0x107);
}

TEST_CASE("only what a sender would send is taken for the head of a stream") {
  CHECK(is_headers("\0\0\x20\x01\x05\0\0\0\x01"sv));
  CHECK(is_headers("\0\0\x20\x01\x2c\0\0\x0f\xff"sv));
  CHECK_FALSE(is_headers("\0\0\x20\x00\x05\0\0\0\x01"sv));    // data
  CHECK_FALSE(is_headers("\0\0\x20\x01\x05\0\0\0\x02"sv));    // a stream of the server
  CHECK_FALSE(is_headers("\0\0\x20\x01\x05\0\0\0\x00"sv));    // no stream
  CHECK_FALSE(is_headers("\0\0\x20\x01\x05\x80\0\0\x01"sv));  // the reserved bit
  CHECK_FALSE(is_headers("\0\0\x20\x01\x10\0\0\0\x01"sv));    // a flag that is none
  CHECK_FALSE(is_headers("\0\0\x00\x01\x05\0\0\0\x01"sv));    // empty
  CHECK_FALSE(is_headers("\0\x40\x01\x01\x05\0\0\0\x01"sv));  // longer than anyone allows unasked
  CHECK_FALSE(is_headers("some text as of a body"sv));
}

TEST_CASE("a status of the static table is one byte") {
  CHECK(answer("\x88") == 2);
  CHECK(answer("\x89") == 2);
  CHECK(answer("\x8a") == 2);
  CHECK(answer("\x8b") == 3);
  CHECK(answer("\x8c") == 4);
  CHECK(answer("\x8d") == 4);
  CHECK(answer("\x8e") == 5);
  CHECK(answer("\x88", 0x0c) == HM_H2_OTHER);  // padding comes first
}

TEST_CASE("another status is spelled out, plain or in the Huffman code") {
  CHECK(answer("\x48\x03"
               "403") == 4);
  CHECK(answer("\x08\x03"
               "502") == 5);
  CHECK(answer("\x18\x03"
               "103") == 1);
  CHECK(answer("\x48\x82\x10\x03"sv) == 2);  // 201: 00010 00000 00001
  CHECK(answer("\x48\x82\x64\x02"sv) == 3);  // 302: 011001 00000 00010
  CHECK(answer("\x48\x82\x68\x01"sv) == 4);  // 401: 011010 00000 00001
  CHECK(answer("\x48\x82\x6c\x0c"sv) == 5);  // 503: 011011 00000 011001
  CHECK(answer("\x48\x82\xff\xff"sv) == HM_H2_OTHER);
  CHECK(answer("\x48\x03"
               "999") == HM_H2_OTHER);
  CHECK(answer("\x48\x04"
               "2000") == HM_H2_OTHER);
}

TEST_CASE("what is in the table of the connection is hidden, or trailers if the stream ends") {
  CHECK(answer("\xbe") == HM_H2_HIDDEN);
  CHECK(answer("\xbe", 0x05) == HM_H2_TRAILERS);
  CHECK(answer("\x40\x88\x9a", 0x05) == HM_H2_TRAILERS);
  CHECK(answer("\x40\x88\x9a") == HM_H2_OTHER);
}

TEST_CASE("a grpc-status that is spelled out first in the trailers") {
  const auto huffman = [](std::string_view value) {
    const std::string text = "\x05\0\0\0\x40\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f"s + std::string(value);
    return hm_h2_grpc_status(Window(text).bytes, 0);
  };
  CHECK(huffman("\x01"
                "0") == 0);
  CHECK(huffman("\x01"
                "5") == 1);
  CHECK(huffman("\x02"
                "1") == 1);
  CHECK(huffman("\x81\x07") == 0);
  CHECK(huffman("\x81\x67") == 1);
  CHECK(huffman("\x07"
                "0") == 2);
  const auto plain = [](std::string_view name, std::string_view value) {
    const std::string text = "\0\x40\x0b"s + std::string(name) + std::string(value);
    return hm_h2_grpc_status(Window(text).bytes, 1);
  };
  CHECK(plain("grpc-status",
              "\x01"
              "0") == 0);
  CHECK(plain("grpc-status",
              "\x02"
              "1") == 1);
  CHECK(plain("grpc-statuz",
              "\x01"
              "0") == 2);
}
