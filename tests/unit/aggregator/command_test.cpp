// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/command.h"

#include <doctest/doctest.h>

#include "agent/aggregator/hosts.h"
#include "agent/aggregator/query.h"

using namespace hostmedic;

namespace {
Result<AggregatorCommand> parse(std::vector<std::string> words) { return parse_command(words); }
}  // namespace

TEST_CASE("verbs, options in both forms, repeated ones") {
  CHECK(parse({})->verb == "run");
  CHECK(parse({"--config", "x.toml"})->value("config", "") == "x.toml");
  const auto init = parse({"init", "--san=a", "--san", "b", "--name", "n"});
  REQUIRE(init);
  CHECK(init->options.at("san") == std::vector<std::string>{"a", "b"});
  CHECK(init->value("name", "") == "n");
  CHECK(init->value("dir", "fallback") == "fallback");
  const auto enroll = parse({"enroll", "web1", "--out", "f"});
  REQUIRE(enroll);
  CHECK(enroll->arguments == std::vector<std::string>{"web1"});
  CHECK(parse({"hosts", "--json"})->has("json"));
  CHECK(parse({"--help"})->verb == "help");
  CHECK(parse({"--version"})->verb == "version");
}

TEST_CASE("mistakes are named, with the nearest known word") {
  CHECK(parse({"enrol", "web1"}).error().message() == "unknown command 'enrol'; did you mean 'enroll'?");
  CHECK(parse({"init", "--nmae", "x"}).error().message().find("'name'") != std::string::npos);
  CHECK(parse({"enroll"}).error().message().find("wants 1") != std::string::npos);
  CHECK_FALSE(parse({"enroll", "a", "b"}));
  CHECK_FALSE(parse({"run", "--config"}));
  CHECK_FALSE(parse({"hosts", "--json=1"}));
}

TEST_CASE("targets are taken apart and bounded") {
  const auto target = parse_target("/a%20b?x=1&y=%2Fz&x=2&flag");
  REQUIRE(target);
  CHECK(target->path == "/a b");
  CHECK(target->query.at("x") == "2");
  CHECK(target->query.at("y") == "/z");
  CHECK(target->query.at("flag").empty());
  for (const char* bad : {"/%", "/%1", "/%zz", "/x?a=%g1"}) CHECK_FALSE(parse_target(bad));
  CHECK_FALSE(parse_target("/" + std::string(3000, 'a')));
  std::string many = "/?";
  for (int i = 0; i < 20; ++i) many += "p" + std::to_string(i) + "=1&";
  CHECK_FALSE(parse_target(many));
}

TEST_CASE("the table of hosts is safe for a terminal") {
  const auto table = hosts_table(
      R"({"now_unix_nano":60000000000,"hosts":[{"name":"web\u001b[31m","state":"up","last_seen_unix_nano":0,"open_incidents":2,"version":"0.1"}]})");
  REQUIRE(table);
  CHECK(table->find("web?[31m") != std::string::npos);
  CHECK(table->find("1m") != std::string::npos);
  CHECK_FALSE(hosts_table("[]"));
  CHECK_FALSE(hosts_table("x"));
}
