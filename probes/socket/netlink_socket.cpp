// SPDX-License-Identifier: Apache-2.0
#include "probes/socket/netlink_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <vector>

#include "agent/base/fd.h"
#include "probes/parse/netlink.h"

namespace hostmedic {
namespace {

constexpr std::size_t kDatagram = 32 << 10;  // as much as the kernel gives at once

}  // namespace

Status netlink_dump(int protocol, std::string_view request, unsigned wanted,
                    const std::function<void(std::string_view payload)>& each) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket) return errno_error(errno, "netlink");
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
    return errno_error(errno, "netlink");
  if (::send(socket.get(), request.data(), request.size(), 0) < 0) return errno_error(errno, "netlink");
  std::vector<char> buffer(kDatagram);
  for (;;) {
    const ssize_t size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return make_error(ErrorCode::timeout, "netlink: no answer");
    if (size < 0) return errno_error(errno, "netlink");
    NetlinkMessages messages(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
    while (const auto message = messages.next()) {
      if (message->type == NLMSG_ERROR || message->type == NLMSG_DONE) {
        const int error = netlink_errno(message->payload);
        return error == 0 ? ok() : Status(errno_error(error, "netlink"));
      }
      if (message->type == wanted) each(message->payload);
    }
  }
}

}  // namespace hostmedic
