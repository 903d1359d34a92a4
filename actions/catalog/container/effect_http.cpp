// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/container/effect_http.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

Error too_late() { return make_error(ErrorCode::timeout, "does not answer in time"); }

bool ready(int fd, short events, MonoTime deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - mono_now()).count();
    if (left <= 0) return false;
    struct pollfd wait{fd, events, 0};
    const int n = ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
  }
}

Result<Fd> connect_to(const std::string& path) {
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return make_error(ErrorCode::limit, "the socket's path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error(errno, "socket");
  if (::connect(fd.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) == 0) return fd;
  if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
    return make_error(ErrorCode::unsupported, "nobody listens on " + path);
  return errno_error(errno, path);
}

Status send_all(int fd, std::string_view text, MonoTime deadline) {
  while (!text.empty()) {
    if (!ready(fd, POLLOUT, deadline)) return too_late();
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return errno_error(errno, "send");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return ok();
}

Result<std::string> receive_all(int fd, MonoTime deadline) {
  std::string text;
  char buffer[16 << 10];
  for (;;) {
    if (!ready(fd, POLLIN, deadline)) return too_late();
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return errno_error(errno, "receive");
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > kMostEngineAnswer) return make_error(ErrorCode::limit, "the answer is too long");
  }
}

std::string lower(std::string_view text) {
  std::string made(text);
  std::ranges::transform(made, made.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return made;
}

}  // namespace

Result<EngineAnswer> parse_engine_answer(std::string_view text) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const auto malformed = [](const char* what) { return make_error(ErrorCode::malformed, what); };
  if (!text.starts_with("HTTP/1.")) return malformed("the answer is not HTTP");
  const std::size_t end = text.find(kEnd);
  if (end == std::string_view::npos) return malformed("the answer was cut off");
  const std::vector<std::string_view> lines = split(text.substr(0, end), '\n');
  TextCursor first(lines.front());
  (void)first.word();
  const auto status = first.u64();
  if (!status || *status < 100 || *status > 599) return malformed("the answer has no status");
  EngineAnswer answer{static_cast<int>(*status), std::string(text.substr(end + kEnd.size()))};
  for (const std::string_view line : lines) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string name = lower(trim(line.substr(0, colon)));
    if (name == "transfer-encoding") return malformed("the answer is in pieces, which was not asked for");
    if (name != "content-length") continue;
    const auto size = parse_u64(trim(line.substr(colon + 1)));
    if (!size || *size != answer.body.size()) return malformed("the answer was cut off");
  }
  return answer;
}

Result<EngineAnswer> ask_engine(const std::string& socket, std::string_view method, const std::string& target,
                                MonoTime deadline) {
  const auto fd = connect_to(socket);
  if (!fd) return fd.error();
  const std::string request =
      std::string(method) + " " + target + " HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
  if (Status sent = send_all(fd->get(), request, deadline); !sent) return std::move(sent).error();
  const auto text = receive_all(fd->get(), deadline);
  if (!text) return text.error();
  return parse_engine_answer(*text);
}

}  // namespace hostmedic
