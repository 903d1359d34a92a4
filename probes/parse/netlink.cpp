// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/netlink.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>

namespace hostmedic {
namespace {

constexpr std::size_t aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

// The kernel's records need not lie aligned in our buffer.
template <class Record>
Record copy(std::string_view bytes) {
  Record record{};
  std::memcpy(&record, bytes.data(), sizeof record);
  return record;
}

// The attribute of that type among those that follow the record; empty if there is none.
std::string_view find_attribute(std::string_view rest, std::uint16_t wanted) {
  while (rest.size() >= sizeof(nlattr)) {
    const auto head = copy<nlattr>(rest);
    if (head.nla_len < sizeof(nlattr) || head.nla_len > rest.size()) return {};
    if ((head.nla_type & NLA_TYPE_MASK) == wanted) return rest.substr(sizeof(nlattr), head.nla_len - sizeof(nlattr));
    rest.remove_prefix(std::min(aligned(head.nla_len), rest.size()));
  }
  return {};
}

// Of a socket: four words of 32 bits, of which an IPv4 address has the first.
IpAddress address_of(std::uint8_t family, const std::uint32_t (&words)[4]) {
  IpAddress address{};
  if (family == AF_INET6) {
    std::memcpy(address.data(), words, sizeof words);
  } else if (words[0] != 0) {
    address[10] = address[11] = 0xff;
    std::memcpy(address.data() + 12, words, sizeof words[0]);
  }
  return address;
}

}  // namespace

std::optional<NetlinkMessages::Message> NetlinkMessages::next() {
  if (rest_.size() < sizeof(nlmsghdr)) return std::nullopt;
  const auto head = copy<nlmsghdr>(rest_);
  if (head.nlmsg_len < sizeof(nlmsghdr) || head.nlmsg_len > rest_.size()) {
    rest_ = {};
    return std::nullopt;
  }
  const Message message{head.nlmsg_type, rest_.substr(sizeof(nlmsghdr), head.nlmsg_len - sizeof(nlmsghdr))};
  rest_.remove_prefix(std::min(aligned(head.nlmsg_len), rest_.size()));
  return message;
}

int netlink_errno(std::string_view payload) {
  if (payload.size() < sizeof(int)) return 0;
  const int error = copy<int>(payload);
  return error < 0 && error > -4096 ? -error : 0;
}

Result<InetSocket> parse_inet_socket(std::string_view payload) {
  if (payload.size() < sizeof(inet_diag_msg)) return make_error(ErrorCode::malformed, "short socket record");
  const auto record = copy<inet_diag_msg>(payload);
  InetSocket socket;
  socket.state = record.idiag_state;
  socket.local_port = ntohs(record.id.idiag_sport);
  socket.peer_port = ntohs(record.id.idiag_dport);
  socket.local_address = address_of(record.idiag_family, record.id.idiag_src);
  socket.peer_address = address_of(record.idiag_family, record.id.idiag_dst);
  socket.receive_queue = record.idiag_rqueue;
  socket.send_queue = record.idiag_wqueue;
  socket.uid = record.idiag_uid;
  socket.orphan = record.idiag_inode == 0;
  const std::string_view group = find_attribute(payload.substr(sizeof record), INET_DIAG_CGROUP_ID);
  if (group.size() == sizeof(std::uint64_t)) socket.cgroup_id = copy<std::uint64_t>(group);
  return socket;
}

Result<Neighbour> parse_neighbour(std::string_view payload) {
  if (payload.size() < sizeof(ndmsg)) return make_error(ErrorCode::malformed, "short neighbour record");
  const auto record = copy<ndmsg>(payload);
  const std::string_view address = find_attribute(payload.substr(sizeof record), NDA_DST);
  if (address.size() != 4 && address.size() != 16) return make_error(ErrorCode::malformed, "no address");
  return Neighbour{record.ndm_ifindex, record.ndm_state, address};
}

}  // namespace hostmedic
