// SPDX-License-Identifier: Apache-2.0
#include "probes/settings/target.h"

#include <doctest/doctest.h>

using namespace hostmedic;
using Scheme = Target::Scheme;

namespace {

struct Case {
  const char* url;
  Scheme scheme;
  const char* host;
  unsigned port;
  const char* rest;
};

}  // namespace

TEST_CASE("addresses of checks are taken apart") {
  for (const Case& c : {Case{"http://shop.example", Scheme::http, "shop.example", 80, "/"},
                        Case{"https://shop.example/a?b=c", Scheme::https, "shop.example", 443, "/a?b=c"},
                        Case{"https://[2001:db8::1]:8443/", Scheme::https, "2001:db8::1", 8443, "/"},
                        Case{"tcp://db-1:5432", Scheme::tcp, "db-1", 5432, ""},
                        Case{"tls://192.0.2.7:636", Scheme::tls, "192.0.2.7", 636, ""},
                        Case{"dns://192.0.2.53/www.example", Scheme::dns, "192.0.2.53", 53, "www.example"},
                        Case{"dns:///www.example", Scheme::dns, "", 53, "www.example"},
                        Case{"exec:raid_1.sh", Scheme::exec, "", 0, "raid_1.sh"}}) {
    CAPTURE(c.url);
    const auto target = parse_target(c.url);
    REQUIRE(target);
    CHECK(target->scheme == c.scheme);
    CHECK(target->host == c.host);
    CHECK(target->port == c.port);
    CHECK(target->rest == c.rest);
  }
}

TEST_CASE("what is no address of a check is refused with what is expected") {
  for (const char* url : {"",
                          "shop.example",
                          "ftp://x/",
                          "http://",
                          "http:///x",
                          "http://x:0",
                          "http://x:65536",
                          "http://x:8o",
                          "http://user@host/",
                          "http://a b/",
                          "tcp://db",
                          "tcp://db:1/x",
                          "tls://:443",
                          "dns://192.0.2.53",
                          "dns://192.0.2.53/",
                          "dns:///-x",
                          "exec:",
                          "exec:../x",
                          "exec:a/b",
                          "exec:.hidden",
                          "https://[::1",
                          "https://[]/",
                          "https://[zz]/",
                          "http://h\x01st/"}) {
    CAPTURE(url);
    const auto target = parse_target(url);
    REQUIRE(!target);
    CHECK(target.error().message().find("expected ") != std::string::npos);
  }
  CHECK(!parse_target("http://h/" + std::string(2000, 'x')));
  CHECK(!parse_target("exec:" + std::string(65, 'x')));
}
