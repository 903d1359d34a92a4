// SPDX-License-Identifier: Apache-2.0
// How a message begins: the same code that runs in the kernel.
#include <doctest/doctest.h>

#include <cstring>
#include <string_view>

#include "probes/bpf/record/http.h"

namespace {

struct Head {
  explicit Head(std::string_view text) { std::memcpy(bytes, text.data(), std::min(text.size(), sizeof bytes)); }
  __u8 bytes[HM_HTTP_HEAD] = {};
};
int begins(std::string_view text) { return hm_http_begins(Head(text).bytes); }
int status(std::string_view text) { return static_cast<int>(hm_http_status(Head(text).bytes)); }

}  // namespace

TEST_CASE("the methods are known by their name, a space and the target") {
  for (const char* line : {"GET / HTTP/1.1", "HEAD /x HTTP/1.0", "POST /a?b=c HTTP", "PUT /upload HTTP",
                           "DELETE /1 HTTP/1", "PATCH /1 HTTP/1.", "OPTIONS * HTTP/1", "GET http://a/ HTTP"}) {
    CAPTURE(line);
    CHECK(begins(line) == HM_HTTP_REQUEST);
  }
}

TEST_CASE("what only looks like a request is none") {
  for (const char* line : {"GET key\r\n", "GETT / HTTP/1.1", "get / HTTP/1.1", "GET  / HTTP/1.1", "PUTTING / HTTP", "",
                           " GET / HTTP/1.1", "HTTP/1.1 200 OK", "OPTIONS sip:a@b "}) {
    CAPTURE(line);
    CHECK(begins(line) == HM_HTTP_NOTHING);
  }
}

TEST_CASE("a TLS client hello and an HTTP/2 preface") {
  CHECK(begins(std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)) == HM_HTTP_TLS_HELLO);
  CHECK(begins(std::string_view("\x16\x03\x03\x00\x7a\x02\x00", 7)) == HM_HTTP_NOTHING);  // the server's
  CHECK(begins(std::string_view("\x17\x03\x03\x02\x00\x01", 6)) == HM_HTTP_NOTHING);      // data
  CHECK(begins("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == HM_HTTP_H2_PREFACE);
}

TEST_CASE("a status line has a version, a space and three digits") {
  CHECK(status("HTTP/1.1 200 OK\r\n") == 200);
  CHECK(status("HTTP/1.0 599 \r\n") == 599);
  CHECK(status("HTTP/1.1 404\r\n\r\n") == 404);
  CHECK(status("HTTP/1.1 100 Continue") == 100);
  for (const char* line :
       {"HTTP/1.1 600 No", "HTTP/1.1 099 No", "HTTP/1.1 2000 OK", "HTTP/1.1 2x0 OK", "HTTP/2.0 200 OK",
        "HTTP/1.1  200 OK", "http/1.1 200 OK", "HTTP/1.1", "", "GET / HTTP/1.1"}) {
    CAPTURE(line);
    CHECK(status(line) == 0);
  }
}

TEST_CASE("buckets grow, have no gap, and end") {
  CHECK(hm_http_bucket(0) == 0);
  CHECK(hm_http_bucket(1023) == 0);
  CHECK(hm_http_bucket(3 * 1024) == 3);
  CHECK(hm_http_bucket(4 * 1024) == 4);
  CHECK(hm_http_bucket(7 * 1024) == 7);
  CHECK(hm_http_bucket(8 * 1024) == 8);
  CHECK(hm_http_bucket(9 * 1024) == 8);
  CHECK(hm_http_bucket(10 * 1024) == 9);
  CHECK(hm_http_bucket(UINT64_MAX) == HM_HTTP_BUCKETS - 1);
  __u64 last = 0;
  for (__u64 ns = 1; ns < 1'000'000'000'000; ns += 1 + ns / 64) {
    const __u64 bucket = hm_http_bucket(ns);
    CHECK(bucket >= last);
    CHECK(bucket <= last + 1);
    last = bucket;
  }
}
