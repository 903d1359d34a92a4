// SPDX-License-Identifier: Apache-2.0
// For the tests of agent/net: a private authority in a temporary directory and an event loop with a deadline.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <filesystem>
#include <string>

#include "agent/base/clock.h"
#include "agent/net/authority.h"
#include "agent/net/tls.h"

namespace hostmedic::test {

class TempDir {
 public:
  TempDir() {
    char pattern[] = "/tmp/hostmedic-net-XXXXXX";
    path_ = ::mkdtemp(pattern);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Certificates of one authority, and of a stranger's. Made once per program: keys cost time.
class Pki {
 public:
  static const Pki& get() {
    static const Pki pki;
    return pki;
  }
  const TempDir& dir() const { return dir_; }
  TlsFiles files(const std::string& name, const std::string& authority = "ca") const {
    if (name.empty()) return {dir_ / (authority + ".pem"), "", ""};
    return {dir_ / (authority + ".pem"), dir_ / (name + ".pem"), dir_ / (name + ".key")};
  }

 private:
  Pki() {
    const WallTime now = wall_now();
    const KeyPair ca = save(make_authority("Test authority", valid_days(now, kAuthorityDays)), "ca");
    const KeyPair stranger = save(make_authority("Stranger", valid_days(now, kAuthorityDays)), "stranger");
    const ServerRequest local{"aggregator", {"localhost", "hm.example"}, {"127.0.0.1", "::1"}};
    save(issue_server(ca, local, valid_days(now, 10)), "server");
    save(issue_server(stranger, local, valid_days(now, 10)), "stranger-server");
    save(issue_server(ca, local, valid_days(now, -1)), "expired-server");
    save(issue_server(ca, {"other", {"other.example"}, {"192.0.2.1"}}, valid_days(now, 10)), "other-server");
    save(issue_client(ca, "web-1", valid_days(now, 10)), "client");
    save(issue_client(stranger, "web-1", valid_days(now, 10)), "stranger-client");
    save(issue_client(ca, "web-1", valid_days(now, -3)), "expired-client");
    save(issue_client(ca, "web-1", {now + std::chrono::hours(48), now + std::chrono::hours(72)}), "future-client");
  }
  KeyPair save(Result<KeyPair> pair, const std::string& name) {
    REQUIRE(pair);
    REQUIRE(write_key_pair(*pair, dir_ / (name + ".pem"), dir_ / (name + ".key")));
    return *pair;
  }
  TempDir dir_;
};

// Runs the coroutine to its end; fails the test when that takes more than 20 s.
inline void run(boost::asio::io_context& io, boost::asio::awaitable<void> work) {
  bool done = false;
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error) {
    thrown = error;
    done = true;
  });
  const MonoTime end = mono_now() + std::chrono::seconds(20);
  io.restart();
  while (!done && mono_now() < end) io.run_one_for(std::chrono::milliseconds(100));
  if (thrown) std::rethrow_exception(thrown);
  REQUIRE(done);
}

}  // namespace hostmedic::test
