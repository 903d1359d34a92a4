// SPDX-License-Identifier: Apache-2.0
#include "agent/base/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "agent/base/fd.h"
#include "agent/base/parse.h"

namespace hostmedic {

Status notify_manager(std::string_view state) {
  const char* path = ::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return ok();
  const std::size_t length = std::strlen(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (length < 2 || length >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
    return make_error(ErrorCode::malformed, "NOTIFY_SOCKET names no socket");
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';  // a name without a file
  // Kept open, so that a process without a free descriptor still feeds its watchdog.
  static const Fd kept(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Fd fd = kept ? Fd() : Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!kept && !fd) return errno_error(errno, "notify: socket");
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  const ssize_t sent = ::sendto(kept ? kept.get() : fd.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                reinterpret_cast<const sockaddr*>(&address), size);
  if (sent < 0) return errno_error(errno, "notify: send");
  return ok();
}

bool service_manager() { return ::getenv("NOTIFY_SOCKET") != nullptr; }

void pause_before_restart() {
  constexpr unsigned kPause = 10;                // seconds
  if (service_manager()) (void)::sleep(kPause);  // a signal ends it sooner
}

std::optional<Duration> watchdog_period() {
  const char* period = ::getenv("WATCHDOG_USEC");
  if (period == nullptr) return std::nullopt;
  const char* pid = ::getenv("WATCHDOG_PID");
  if (pid != nullptr) {
    const auto number = parse_u64(pid);
    if (!number || *number != static_cast<std::uint64_t>(::getpid())) return std::nullopt;
  }
  const auto microseconds = parse_u64(period);
  constexpr std::uint64_t kMost = 86400ULL * 1'000'000;
  if (!microseconds || *microseconds == 0 || *microseconds > kMost) return std::nullopt;
  return std::chrono::microseconds(*microseconds);
}

}  // namespace hostmedic
