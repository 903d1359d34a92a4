// SPDX-License-Identifier: Apache-2.0
#include "probes/log/template_miner.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "agent/base/text.h"
#include "probes/log/mask.h"

using namespace hostmedic;
using log::MaskedToken;
using log::TemplateMiner;

TEST_CASE("what varies within a token is masked, what names something stays") {
  const auto masked = [](std::string_view token) { return std::string(MaskedToken(token).text()); };
  CHECK(masked("sshd[1234]:") == "sshd[<num>]:");
  CHECK(masked("user=42") == "user=<num>");
  CHECK(masked("eth0") == "eth<num>");
  CHECK(masked("x86_64") == "x<num>_<num>");
  CHECK(masked("12.5ms") == "<num>ms");
  CHECK(masked("1,024") == "<num>");
  CHECK(masked("10.0.0.1:8080") == "<ip>:<num>");
  CHECK(masked("(192.168.1.20)") == "(<ip>)");
  CHECK(masked("fe80::1") == "<ip>");
  CHECK(masked("2001:db8:0:1:1:1:1:1,") == "<ip>,");
  CHECK(masked("::1") == "<ip>");
  CHECK(masked("12:34:56") == "<time>");
  CHECK(masked("2026-11-21T10:00:00.123Z") == "<time>");
  CHECK(masked("2026-11-21,") == "<time>,");
  CHECK(masked("123e4567-e89b-12d3-a456-426614174000") == "<uuid>");
  CHECK(masked("deadbeef01") == "<hex>");
  CHECK(masked("0x7ffe") == "<hex>");
  CHECK(masked("k3j9x2m4") == "<id>");
  CHECK(masked("/var/log/x.log:") == "<path>:");
  CHECK(masked("file=/etc/passwd") == "file=<path>");
  CHECK(masked("and/or") == "and/or");
  CHECK(masked("http://example.org/a") == "http://example.org<path>");
  CHECK(masked("decade") == "decade");
  CHECK(masked("/") == "/");
  CHECK(masked(std::string(500, 'x')).size() == log::kLongestToken);
}

TEST_CASE("lines that differ only in what varies have one template") {
  TemplateMiner miner;
  const auto first = miner.take("Accepted publickey for alice from 10.0.0.1 port 50122 ssh2");
  CHECK(first.is_new);
  CHECK(miner.text(first.index) == "Accepted publickey for alice from <ip> port <num> ssh<num>");
  const auto second = miner.take("Accepted publickey for bob from 192.168.7.7 port 1 ssh2");
  CHECK_FALSE(second.is_new);
  CHECK(second.index == first.index);
  CHECK(miner.text(first.index) == "Accepted publickey for <*> from <ip> port <num> ssh<num>");
  CHECK(miner.take("Accepted publickey for carol from ::1 port 1 ssh2").index == first.index);
  CHECK(miner.lines(first.index) == 3);
  CHECK(miner.take("Failed password for carol from ::1 port 1 ssh2").is_new);
  CHECK(miner.size() == 2);
}

TEST_CASE("lines of another length or another beginning are other templates") {
  TemplateMiner miner;
  CHECK(miner.take("connection lost to the peer").is_new);
  CHECK(miner.take("connection lost to the peer again").is_new);
  CHECK(miner.take("session lost to the peer").is_new);
  CHECK(miner.take("").is_new);
  CHECK_FALSE(miner.take("  \t ").is_new);
  CHECK(miner.size() == 4);
}

TEST_CASE("a long line is known by its first tokens") {
  TemplateMiner miner;
  std::string line = "begin";
  for (int i = 0; i < 40; ++i) line += " word";
  const auto first = miner.take(line + " x");
  CHECK(miner.take(line + " y z").index == first.index);
  CHECK(miner.text(first.index).ends_with(" ..."));
  miner.take("begin word" + line.substr(10, 5 * 15) + " other other other other other other other");
  CHECK(miner.text(first.index).ends_with("..."));
}

TEST_CASE("the same lines in the same order give the same templates") {
  TemplateMiner a, b;
  std::uint64_t state = 7;
  for (int i = 0; i < 5000; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const std::string line =
        strf("task %c%c did step %d of job w%d with %s", static_cast<char>('a' + (state >> 33) % 26),
             static_cast<char>('a' + (state >> 40) % 26), static_cast<int>(state >> 50), i % 7,
             i % 3 ? "success" : "failure");
    const auto one = a.take(line), other = b.take(line);
    REQUIRE(one.index == other.index);
    REQUIRE(a.text(one.index) == b.text(other.index));
  }
  CHECK(a.evicted() == b.evicted());
}

TEST_CASE("names in the first words end in one branch instead of one each") {
  TemplateMiner miner;
  for (int i = 0; i < 2000; ++i) {
    std::string name;
    for (int n = i, k = 0; k < 4; ++k, n /= 26) name += static_cast<char>('a' + n % 26);
    miner.take(name + " logged in from the console of the building");
  }
  CHECK(miner.size() < 64);
  CHECK(miner.evicted() == 0);
}

TEST_CASE("the number of templates is bounded: the one unused longest goes, never a pinned one") {
  TemplateMiner miner;
  const auto word = [](int n) {
    std::string text;
    for (int k = 0; k < 5; ++k, n /= 26) text += static_cast<char>('a' + n % 26);
    return text;
  };
  // Each line has nothing in common with the others but its length.
  const auto line = [&](int n) { return word(n * 7 + 1) + " " + word(n * 11 + 3) + " " + word(n * 13 + 5); };
  const auto first = miner.take(line(0));
  miner.pin(first.index);
  for (int i = 1; i < 2000; ++i) miner.take(line(i));
  CHECK(miner.size() == log::kMostTemplates);
  CHECK(miner.evicted() > 1000);
  CHECK_FALSE(miner.take(line(0)).is_new);
  CHECK(miner.take(line(1)).is_new);
  CHECK_FALSE(miner.take(line(1999)).is_new);

  for (std::size_t i = 0; i < miner.size(); ++i) miner.pin(static_cast<TemplateMiner::Index>(i));
  const auto none = miner.take("something quite different");
  CHECK(none.index == TemplateMiner::kNone);
  CHECK_FALSE(none.is_new);
}

TEST_CASE("secrets are not repeated") {
  struct Case {
    const char *line, *shown;
  };
  for (const Case& one : {
           Case{"login password=hunter2 ok", "login password=<redacted> ok"},
           Case{"DB_PASSWORD: hunter2", "DB_PASSWORD: <redacted>"},
           Case{"Authorization: Bearer abc.def", "Authorization: <redacted> <redacted>"},
           Case{"got token=\"abc def\"", "got token=<redacted> def\""},
           Case{"connect postgres://app:pw@db/x now", "connect postgres://<redacted>@db/x now"},
           Case{"key AKxxJ3kd82jf93kd93kf93kd02kd93 used", "key <redacted> used"},
           Case{"Cookie: sid=1", "Cookie: <redacted>"},
           Case{"the token expired", "the token expired"},
           Case{"GET /a/b?x=y", "GET /a/b?x=y"},
           Case{"  two  blanks ", "  two  blanks "},
       }) {
    CHECK(log::redacted(one.line) == one.shown);
  }
}
