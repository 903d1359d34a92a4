// SPDX-License-Identifier: Apache-2.0
#include "probes/container/engine_http.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "probes/container/engine_json.h"

namespace hostmedic::container {
namespace {

Error too_late() { return make_error(ErrorCode::timeout, "does not answer in time"); }

// Waits until the socket is ready; false: the deadline has passed.
bool wait_for(int fd, short events, MonoTime deadline) {
  for (;;) {
    const Duration left = deadline - mono_now();
    if (left <= Duration(0)) return false;
    pollfd polled{fd, events, 0};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    const int ready = ::poll(&polled, 1, static_cast<int>(std::min<std::int64_t>(ms, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

Result<Fd> connect_to(const std::string& path, MonoTime deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return make_error(ErrorCode::limit, "the socket's path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error(errno, "socket");
  // EAGAIN: the queue of those who wait is full; there is nothing to poll for.
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return errno_error(errno, "connect");
    if (mono_now() >= deadline) return too_late();
    (void)::poll(nullptr, 0, 20);  // a pause
  }
  return fd;
}

Status send_all(int fd, std::string_view text, MonoTime deadline) {
  while (!text.empty()) {
    if (!wait_for(fd, POLLOUT, deadline)) return too_late();
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return errno_error(errno, "send");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return ok();
}

// Appends what is there; 0: the end.
Result<std::size_t> receive_some(int fd, std::string& text, MonoTime deadline) {
  char buffer[16 << 10];
  for (;;) {
    if (!wait_for(fd, POLLIN, deadline)) return too_late();
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return errno_error(errno, "receive");
    text.append(buffer, static_cast<std::size_t>(n));
    return static_cast<std::size_t>(n);
  }
}

struct Begun {
  Fd fd;
  std::string body;
};
Result<Begun> ask(const std::string& socket, const std::string& target, MonoTime deadline) {
  auto fd = connect_to(socket, deadline);
  if (!fd) return std::move(fd).error();
  const std::string request = "GET " + target + " HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";
  if (auto sent = send_all(fd->get(), request, deadline); !sent) return std::move(sent).error();
  std::string text;
  for (;;) {
    auto got = receive_some(fd->get(), text, deadline);
    if (!got) return std::move(got).error();
    auto head = parse_http_head(text);
    if (!head) return std::move(head).error();
    if (!*head && *got == 0) return make_error(ErrorCode::malformed, "the answer was cut off");
    if (!*head) continue;
    const int status = (*head)->status;
    if (status == 404) return make_error(ErrorCode::not_found, "no such thing");
    if (status != 200) return make_error(ErrorCode::io, strf("answered with status %d", status));
    text.erase(0, (*head)->size);
    return Begun{std::move(*fd), std::move(text)};
  }
}

}  // namespace

Result<std::optional<HttpHead>> parse_http_head(std::string_view text) {
  constexpr std::string_view kVersion = "HTTP/1.", kEnd = "\r\n\r\n";
  if (!std::string_view(kVersion).starts_with(text.substr(0, kVersion.size())))
    return make_error(ErrorCode::malformed, "the answer is not HTTP");
  const std::size_t end = text.substr(0, kMostHead).find(kEnd);
  if (end == std::string_view::npos) {
    if (text.size() >= kMostHead) return make_error(ErrorCode::malformed, "the head of the answer is too long");
    return std::optional<HttpHead>();
  }
  TextCursor cursor(text.substr(0, text.find('\r')));
  (void)cursor.word();
  const auto status = cursor.u64();
  if (!status || *status < 100 || *status > 599) return make_error(ErrorCode::malformed, "the answer has no status");
  std::string head(text.substr(0, end));
  std::ranges::transform(head, head.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (head.find("\r\ntransfer-encoding:") != std::string::npos)
    return make_error(ErrorCode::malformed, "the answer is in pieces, which was not asked for");
  return std::optional(HttpHead{static_cast<int>(*status), end + kEnd.size()});
}

Result<std::string> http_get(const std::string& socket, const std::string& target, MonoTime deadline) {
  auto begun = ask(socket, target, deadline);
  if (!begun) return std::move(begun).error();
  for (;;) {
    if (begun->body.size() > kMostJson) return make_error(ErrorCode::limit, "the answer is too long");
    auto got = receive_some(begun->fd.get(), begun->body, deadline);
    if (!got) return std::move(got).error();
    if (*got == 0) return std::move(begun->body);
  }
}

Result<HttpStream> http_stream(const std::string& socket, const std::string& target, MonoTime deadline) {
  auto begun = ask(socket, target, deadline);
  if (!begun) return std::move(begun).error();
  return HttpStream{std::move(begun->fd), std::move(begun->body)};
}

}  // namespace hostmedic::container
