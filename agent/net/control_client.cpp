// SPDX-License-Identifier: Apache-2.0
#include "agent/net/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr Bytes kReplyLimit = mib(16);

Status wait_for(int fd, short events, MonoTime until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - mono_now()).count();
    if (left <= 0) return make_error(ErrorCode::timeout, "no answer in time");
    pollfd item{fd, events, 0};
    const int ready = ::poll(&item, 1, static_cast<int>(std::min<long long>(left, 3'600'000)));
    if (ready > 0) return ok();
    if (ready < 0 && errno != EINTR) return errno_error(errno, "poll");
  }
}

}  // namespace

Result<ControlClient> ControlClient::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return make_error(ErrorCode::malformed, "not a usable socket path: '" + printable(path, 200) + "'");
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno_error(errno, "socket");
  const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (::connect(socket.get(), generic, sizeof address) == 0) return ControlClient(std::move(socket));
  Error error = errno_error(errno, "connect to " + path);
  if (error.sys_errno == ECONNREFUSED) error.code = ErrorCode::not_found;  // a file that nobody listens on
  return error;
}

Result<std::string> ControlClient::ask(std::string_view line, Duration timeout) {
  if (line.find('\n') != std::string_view::npos) return make_error(ErrorCode::malformed, "a request is one line");
  const MonoTime until = mono_now() + timeout;
  std::string request(line);
  request += '\n';
  for (std::string_view rest = request; !rest.empty();) {
    const ssize_t n = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (auto ready = wait_for(socket_.get(), POLLOUT, until); !ready) return std::move(ready).error();
    } else if (errno != EINTR) {
      return errno_error(errno, "send");
    }
  }
  std::string reply;
  std::array<char, 16384> chunk;
  for (;;) {
    const ssize_t n = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
    if (n > 0) {
      reply.append(chunk.data(), static_cast<std::size_t>(n));
      if (reply.back() == '\n') break;
      if (reply.size() > kReplyLimit.count) return make_error(ErrorCode::limit, "the reply is too large");
    } else if (n == 0) {
      return make_error(ErrorCode::io, "the server closed the connection");
    } else if (errno == EAGAIN) {
      if (auto ready = wait_for(socket_.get(), POLLIN, until); !ready) return std::move(ready).error();
    } else if (errno != EINTR) {
      return errno_error(errno, "receive");
    }
  }
  reply.pop_back();
  return reply;
}

}  // namespace hostmedic
