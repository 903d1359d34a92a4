// SPDX-License-Identifier: Apache-2.0
#include "probes/endpoint/dns_message.h"

#include <doctest/doctest.h>

using namespace hostmedic;
using namespace std::string_literals;

TEST_CASE("dns: a question as RFC 1035 writes it") {
  const auto query = encode_dns_query(0x1234, "www.example");
  REQUIRE(query);
  CHECK(*query == "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07"s + "example\x00\x00\x01\x00\x01"s);
  CHECK(*encode_dns_query(1, "www.example.") == *encode_dns_query(1, "www.example"));
  CHECK(!encode_dns_query(1, "a..b"));
  CHECK(!encode_dns_query(1, ""));
  CHECK(!encode_dns_query(1, std::string(64, 'a') + ".example"));
}

TEST_CASE("dns: the header of a reply") {
  const std::string good = "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00"s;
  const auto reply = decode_dns_reply(good, 0x1234);
  REQUIRE(reply);
  CHECK(reply->code == 0);
  CHECK(reply->answers == 2);
  CHECK(!reply->truncated);
  CHECK(!decode_dns_reply(good, 0x1235));                                  // to another question
  CHECK(!decode_dns_reply(good.substr(0, 11), 0x1234));                    // too short
  CHECK(!decode_dns_reply("\x12\x34\x01\x00"s + good.substr(4), 0x1234));  // a question
  const auto none = decode_dns_reply("\x12\x34\x83\x83"s + good.substr(4), 0x1234);
  REQUIRE(none);
  CHECK(none->code == 3);
  CHECK(none->truncated);
  CHECK(dns_code_text(3) == "no such name");
  CHECK(dns_code_text(15) == "an unknown error");
}
