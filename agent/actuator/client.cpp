// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/base/clock.h"
#include "agent/base/fd.h"

namespace hostmedic {

namespace {

constexpr Duration kGrace = std::chrono::seconds(30);      // beyond an order's own time limit
constexpr Duration kQueryTime = std::chrono::minutes(20);  // beyond the longest time limit of an order

Result<Fd> connect_to(const std::string& path) {
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return make_error(ErrorCode::limit, path + " is too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error(errno, "socket");
  if (::connect(fd.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (error == ECONNREFUSED) return make_error(ErrorCode::not_found, path + ": nobody listens");
    return errno_error(error, path);
  }
  return fd;
}

Result<std::string> receive(int fd, MonoTime end) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - mono_now()).count();
    if (left <= 0) return make_error(ErrorCode::timeout, "the actuator does not answer");
    struct pollfd wait{fd, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready < 0 && errno != EINTR) return errno_error(errno, "poll");
    if (ready <= 0) continue;
    std::string text(kMostMessage, '\0');
    const ssize_t got = ::recv(fd, text.data(), text.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return errno_error(errno, "actuator");
    if (got == 0) return errno_error(ECONNRESET, "the actuator closed the connection");
    text.resize(static_cast<std::size_t>(got));
    return text;
  }
}

}  // namespace

Result<ActuatorAnswer> ask_actuator(const std::string& socket_path, const ActuatorRequest& request, Duration deadline) {
  const MonoTime end = mono_now() + deadline;
  const std::string text = encode(request);
  if (text.size() > kMostMessage) return make_error(ErrorCode::limit, "the request is too long");
  const auto fd = connect_to(socket_path);
  if (!fd) return fd.error();
  if (::send(fd->get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return errno_error(errno, "actuator");
  const auto reply = receive(fd->get(), end);
  if (!reply) return reply.error();
  auto answer = decode_answer(*reply);
  if (!answer) return std::move(answer.error()).in("the actuator's answer");
  if (!answer->ok) return make_error(answer->code, answer->error);
  return answer;
}

Result<Outcome> execute_order(const std::string& socket_path, const Order& order) {
  ActuatorRequest request;
  request.kind = RequestKind::execute;
  request.order = order;
  auto answer = ask_actuator(socket_path, request, order.plan.timeout + kGrace);
  if (!answer && answer.error().sys_errno != 0) {
    // It may have begun. Who listens now, a new life of it, finds out.
    auto known = query_outcome(socket_path, order.key);
    if (known && *known) return std::move(**known);
  }
  if (!answer) return answer.error();
  if (!answer->outcome) return make_error(ErrorCode::malformed, "the actuator's answer has no outcome");
  return std::move(*answer->outcome);
}

Result<std::optional<Outcome>> query_outcome(const std::string& socket_path, const std::string& key) {
  ActuatorRequest request;
  request.kind = RequestKind::query;
  request.key = key;
  auto answer = ask_actuator(socket_path, request, kQueryTime);
  if (!answer) return answer.error();
  return std::move(answer->outcome);
}

}  // namespace hostmedic
