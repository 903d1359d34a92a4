// SPDX-License-Identifier: Apache-2.0
#include "agent/base/notify.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "agent/base/fd.h"

using namespace hostmedic;

namespace {
struct Environment {
  ~Environment() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) (void)::unsetenv(name);
  }
  void set(const char* name, const std::string& value) const { REQUIRE(::setenv(name, value.c_str(), 1) == 0); }
};
}  // namespace

TEST_CASE("notify: nothing to do without a service manager") {
  Environment environment;
  CHECK(notify_manager("READY=1"));
  CHECK(!watchdog_period());
}

TEST_CASE("notify: reaches a socket without a file") {
  Environment environment;
  const std::string name = "@hostmedic-notify-" + std::to_string(::getpid());
  const Fd receiver(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  REQUIRE(::bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  environment.set("NOTIFY_SOCKET", name);
  REQUIRE(notify_manager("READY=1\nSTATUS=fine"));
  char text[64];
  const ssize_t n = ::recv(receiver.get(), text, sizeof text, MSG_DONTWAIT);
  REQUIRE(n > 0);
  CHECK(std::string(text, static_cast<std::size_t>(n)) == "READY=1\nSTATUS=fine");

  // A process that has used up its descriptors is not dead.
  struct rlimit whole{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &whole) == 0);
  const struct rlimit none{0, whole.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const Status fed = notify_manager("WATCHDOG=1");
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &whole) == 0);
  CHECK(fed);
}

TEST_CASE("notify: a bad address is an error, not a crash") {
  Environment environment;
  environment.set("NOTIFY_SOCKET", "relative");
  CHECK(notify_manager("READY=1").error().code == ErrorCode::malformed);
  environment.set("NOTIFY_SOCKET", "/" + std::string(200, 'x'));
  CHECK(!notify_manager("READY=1"));
  environment.set("NOTIFY_SOCKET", "/nonexistent/hostmedic");
  CHECK(notify_manager("READY=1").error().code == ErrorCode::not_found);
}

TEST_CASE("notify: the watchdog is for this process only") {
  Environment environment;
  environment.set("WATCHDOG_USEC", "30000000");
  CHECK(watchdog_period() == std::chrono::seconds(30));
  environment.set("WATCHDOG_PID", std::to_string(::getpid()));
  CHECK(watchdog_period());
  environment.set("WATCHDOG_PID", std::to_string(::getpid() + 1));
  CHECK(!watchdog_period());
  (void)::unsetenv("WATCHDOG_PID");
  for (const char* bad : {"0", "-1", "x", "99999999999999999999"}) {
    environment.set("WATCHDOG_USEC", bad);
    CHECK(!watchdog_period());
  }
}
