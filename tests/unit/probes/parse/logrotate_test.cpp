// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/logrotate.h"

#include <doctest/doctest.h>

using namespace hostmedic;

TEST_CASE("names before a block, in all the ways they can be written") {
  const auto config = parse_logrotate(
      "# /not/this { }\n"
      "weekly\n"
      "include /etc/logrotate.d\n"
      "\n"
      "/var/log/nginx/*.log {\n"
      "\tdaily\n"
      "\tpostrotate\n"
      "\t\tif [ -f /run/x.pid ]; then\n"
      "\t}\n"
      "\t\t/inside/script {\n"
      "\tendscript\n"
      "}\n"
      "/var/log/a.log \"/var/log/with space.log\" '/var/log/b*.log'\n"
      "/var/log/c\\ d.log\n"
      "{\n"
      "  rotate 4 # }\n"
      "}\n"
      "/var/log/e.log { rotate 3\n"
      "}\n"
      "~/x.log{\n"
      "}\n");
  REQUIRE(config);
  CHECK(config->patterns == std::vector<std::string>{"/var/log/nginx/*.log", "/var/log/a.log",
                                                     "/var/log/with space.log", "/var/log/b*.log", "/var/log/c d.log",
                                                     "/var/log/e.log"});
  CHECK(config->includes == std::vector<std::string>{"/etc/logrotate.d"});
}

TEST_CASE("an empty configuration covers nothing") {
  for (const char* text : {"", "\n", "# nothing\n", "weekly\nrotate 4"}) {
    CAPTURE(text);
    const auto config = parse_logrotate(text);
    REQUIRE(config);
    CHECK(config->patterns.empty());
  }
}

TEST_CASE("what logrotate would not use is refused, with its line") {
  struct Row {
    const char *text, *error;
  };
  const Row rows[] = {{"/var/log/a {\n daily\n", "line 1: block without an end"},
                      {"\n/var/log/a {\npostrotate\n}\n", "line 2: script without endscript"},
                      {"/var/log/a\n", "line 1: names without a block"},
                      {"/var/log/a\nweekly\n", "line 2: names without a block"},
                      {"}\n", "line 1: end without a block"},
                      {"\"/var/log/a {\n}\n", "line 1: quote without an end"}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto config = parse_logrotate(row.text);
    REQUIRE_FALSE(config);
    CHECK(config.error().message() == row.error);
    CHECK(config.error().code == ErrorCode::malformed);
  }
}

TEST_CASE("patterns and includes have bounds") {
  std::string names, includes;
  for (std::size_t i = 0; i <= kMostLogrotatePatterns; ++i) names += "/a ";
  for (std::size_t i = 0; i <= kMostLogrotateIncludes; ++i) includes += "include /a\n";
  REQUIRE_FALSE(parse_logrotate(names + "{\n}\n"));
  CHECK(parse_logrotate(names + "{\n}\n").error().code == ErrorCode::limit);
  CHECK(parse_logrotate(includes).error().code == ErrorCode::limit);
}

TEST_CASE("files that packages and editors leave behind are not read") {
  for (const char* name : {"nginx", "my.conf", "a-b_c"}) CHECK(logrotate_reads(name));
  for (const char* name : {"", ".hidden", "nginx.dpkg-old", "nginx~", "nginx.rpmsave", "x.swp", "x,v"}) {
    CAPTURE(name);
    CHECK_FALSE(logrotate_reads(name));
  }
}

TEST_CASE("patterns match as a shell would") {
  CHECK(logrotate_covers("/var/log/*.log", "/var/log/app.log"));
  CHECK(logrotate_covers("/var/log/*/*.log", "/var/log/app/a.log"));
  CHECK(logrotate_covers("/var/log/app-[0-9].log", "/var/log/app-3.log"));
  CHECK_FALSE(logrotate_covers("/var/log/*.log", "/var/log/app/a.log"));
  CHECK_FALSE(logrotate_covers("/var/log/*", "/var/log/.hidden"));
  CHECK_FALSE(logrotate_covers("/var/log/app.log", "/var/log/app.log.1"));
  CHECK_FALSE(logrotate_covers("/*a*a*a*a*a*a*a*a*a*a*a", "/" + std::string(200, 'a') + "b"));
}
