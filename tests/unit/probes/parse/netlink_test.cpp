// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/netlink.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <string>

using namespace hostmedic;

namespace {

template <class Record>
std::string bytes(const Record& record) {
  return {reinterpret_cast<const char*>(&record), sizeof record};
}
std::string padded(std::string text) {
  text.resize((text.size() + 3) & ~std::size_t{3}, '\0');
  return text;
}
std::string message(std::uint16_t type, const std::string& payload) {
  nlmsghdr head{};
  head.nlmsg_len = static_cast<std::uint32_t>(sizeof head + payload.size());
  head.nlmsg_type = type;
  return padded(bytes(head) + payload);
}
std::string attribute(std::uint16_t type, const std::string& value) {
  return padded(bytes(nlattr{static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), type}) + value);
}

std::string socket_payload() {
  inet_diag_msg record{};
  record.idiag_state = 10;
  record.id.idiag_sport = htons(8080);
  record.idiag_family = AF_INET;
  record.id.idiag_dport = htons(40000);
  record.id.idiag_src[0] = htonl(0x7f000001);
  record.id.idiag_dst[0] = htonl(0xc0000201);
  record.idiag_rqueue = 3;
  record.idiag_wqueue = 128;
  record.idiag_uid = 33;
  record.idiag_inode = 4711;
  return bytes(record) + attribute(INET_DIAG_SHUTDOWN, "x") +
         attribute(INET_DIAG_CGROUP_ID, bytes(std::uint64_t{1} << 40));
}

}  // namespace

TEST_CASE("netlink: the messages of a datagram") {
  const std::string datagram = message(20, "abcde") + message(3, std::string(4, '\0')) + "cut";
  NetlinkMessages messages(datagram);
  auto one = messages.next();
  REQUIRE(one);
  CHECK(one->type == 20);
  CHECK(one->payload == "abcde");
  one = messages.next();
  REQUIRE(one);
  CHECK(one->type == 3);
  CHECK(!messages.next());
  CHECK(!messages.next());
}

TEST_CASE("netlink: lengths that lie end the walk") {
  std::string datagram = message(20, "abcd");
  for (const std::uint32_t length : {0U, 15U, 21U, 0xffffffffU}) {
    std::memcpy(datagram.data(), &length, sizeof length);
    CHECK(!NetlinkMessages(datagram).next());
  }
  CHECK(!NetlinkMessages("").next());
  CHECK(!NetlinkMessages("short").next());
}

TEST_CASE("netlink: errors") {
  CHECK(netlink_errno(bytes(-2)) == 2);
  CHECK(netlink_errno(bytes(0)) == 0);
  CHECK(netlink_errno(bytes(7)) == 0);
  CHECK(netlink_errno("ab") == 0);
}

TEST_CASE("netlink: a socket") {
  const std::string payload = socket_payload();
  const auto socket = parse_inet_socket(payload);
  REQUIRE(socket);
  CHECK(socket->state == 10);
  CHECK(socket->local_port == 8080);
  CHECK(socket->peer_port == 40000);
  CHECK(format_address(socket->local_address) == "127.0.0.1");
  CHECK(format_address(socket->peer_address) == "192.0.2.1");
  CHECK(is_loopback(socket->local_address));
  CHECK(!is_loopback(socket->peer_address));
  CHECK(socket->receive_queue == 3);
  CHECK(socket->send_queue == 128);
  CHECK(socket->uid == 33);
  CHECK(!socket->orphan);
  CHECK(socket->cgroup_id == std::uint64_t{1} << 40);
  for (std::size_t size = 0; size < payload.size(); ++size) {
    const auto cut = parse_inet_socket(std::string_view(payload).substr(0, size));
    CHECK(cut.has_value() == (size >= sizeof(inet_diag_msg)));
    if (cut) {
      CHECK(!cut->cgroup_id);
    }
  }
}

TEST_CASE("netlink: a neighbour") {
  ndmsg record{};
  record.ndm_ifindex = 2;
  record.ndm_state = NUD_FAILED;
  const std::string address("\x0a\x00\x00\x01", 4);
  const std::string payload = bytes(record) + attribute(NDA_CACHEINFO, "12345678") + attribute(NDA_DST, address);
  const auto neighbour = parse_neighbour(payload);
  REQUIRE(neighbour);
  CHECK(neighbour->interface == 2);
  CHECK(neighbour->state == NUD_FAILED);
  CHECK(neighbour->address == address);
  CHECK(!parse_neighbour(bytes(record)));
  CHECK(!parse_neighbour(bytes(record) + attribute(NDA_DST, "12345")));
  CHECK(!parse_neighbour("x"));
}
