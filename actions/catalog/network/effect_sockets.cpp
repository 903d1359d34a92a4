// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/network/effect_sockets.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace hostmedic {
namespace {

struct Request {
  struct nlmsghdr header{};
  struct inet_diag_req_v2 body{};
};

Status send(const Fd& diag, const Request& request) {
  if (::send(diag.get(), &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request)) return ok();
  return errno_error(errno, "sock_diag");  // uncovered: a request that is whole fails for want of memory only
}

Result<std::span<const std::byte>> receive(const Fd& diag, std::span<std::byte> buffer) {
  for (;;) {
    const ssize_t n = ::recv(diag.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "sock_diag");
    return std::span<const std::byte>(buffer.first(static_cast<std::size_t>(n)));
  }
}

template <class T>
T at(std::span<const std::byte> bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

constexpr std::size_t aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

void read_attributes(std::span<const std::byte> rest, TcpSocket& socket) {
  while (rest.size() >= sizeof(struct rtattr)) {
    const auto head = at<struct rtattr>(rest);
    if (head.rta_len < sizeof head || head.rta_len > rest.size()) return;
    const auto body = rest.subspan(sizeof head, head.rta_len - sizeof head);
    if (head.rta_type == INET_DIAG_INFO) {
      const auto info = at<struct tcp_info>(body);
      socket.idle = std::chrono::milliseconds(std::min(info.tcpi_last_data_sent, info.tcpi_last_data_recv));
    }
    if (head.rta_type == INET_DIAG_CGROUP_ID) socket.group = at<std::uint64_t>(body);
    rest = rest.subspan(std::min(rest.size(), aligned(head.rta_len)));
  }
}

Error error_of(std::span<const std::byte> body) {
  const int code = -at<struct nlmsgerr>(body).error;
  if (code == ENOENT) return make_error(ErrorCode::not_found, "it ended by itself");
  if (code == EOPNOTSUPP)
    return make_error(ErrorCode::unsupported, "not here, because the kernel was built without INET_DIAG_DESTROY");
  return errno_error(code, "sock_diag");
}

}  // namespace

std::uint16_t TcpSocket::local_port() const { return ntohs(id.idiag_sport); }
std::uint16_t TcpSocket::peer_port() const { return ntohs(id.idiag_dport); }

Result<Fd> open_sock_diag() {
  Fd diag(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!diag) return errno_error(errno, "sock_diag");
  const struct timeval patience{5, 0};
  if (::setsockopt(diag.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
    return errno_error(errno, "sock_diag");  // uncovered: every socket has that option
  return diag;
}

Result<bool> parse_sockets(std::span<const std::byte> datagram, std::vector<TcpSocket>& sockets) {
  while (datagram.size() >= sizeof(struct nlmsghdr)) {
    const auto head = at<struct nlmsghdr>(datagram);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > datagram.size()) break;
    const auto body = datagram.subspan(sizeof head, head.nlmsg_len - sizeof head);
    if (head.nlmsg_type == NLMSG_DONE) return true;
    if (head.nlmsg_type == NLMSG_ERROR) return error_of(body);
    if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY && body.size() >= sizeof(struct inet_diag_msg)) {
      if (sockets.size() >= kMostSockets) return make_error(ErrorCode::limit, "there are too many sockets");
      const auto message = at<struct inet_diag_msg>(body);
      TcpSocket socket;
      socket.family = message.idiag_family;
      socket.id = message.id;
      socket.uid = message.idiag_uid;
      read_attributes(body.subspan(sizeof message), socket);
      sockets.push_back(socket);
    }
    datagram = datagram.subspan(std::min(datagram.size(), aligned(head.nlmsg_len)));
  }
  return false;
}

Result<std::vector<TcpSocket>> list_sockets(const Fd& diag, unsigned state) {
  std::vector<TcpSocket> sockets;
  std::vector<std::byte> buffer(64 << 10);
  for (const int family : {AF_INET, AF_INET6}) {
    Request request;
    request.header = {sizeof request, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0};
    request.body.sdiag_family = static_cast<std::uint8_t>(family);
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_ext = 1 << (INET_DIAG_INFO - 1);
    request.body.idiag_states = 1U << state;
    if (Status sent = send(diag, request); !sent) return std::move(sent).error();
    for (bool last = false; !last;) {
      const auto datagram = receive(diag, buffer);
      if (!datagram) return datagram.error();
      const auto parsed = parse_sockets(*datagram, sockets);
      if (!parsed && parsed.error().code == ErrorCode::not_found) break;  // no such family here
      if (!parsed) return parsed.error();
      last = *parsed;
    }
  }
  return sockets;
}

Status destroy_socket(const Fd& diag, const TcpSocket& socket) {
  Request request;
  request.header = {sizeof request, SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, 0, 0};
  request.body.sdiag_family = socket.family;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = ~0U;
  request.body.id = socket.id;
  if (Status sent = send(diag, request); !sent) return sent;
  std::array<std::byte, 4096> buffer;
  const auto answer = receive(diag, buffer);
  if (!answer) return answer.error();
  if (answer->size() < sizeof(struct nlmsghdr) + sizeof(struct nlmsgerr))
    return make_error(ErrorCode::malformed, "sock_diag answered too little");  // uncovered: the kernel does not
  const auto body = answer->subspan(sizeof(struct nlmsghdr));
  return at<struct nlmsgerr>(body).error == 0 ? ok() : Status(error_of(body));
}

}  // namespace hostmedic
