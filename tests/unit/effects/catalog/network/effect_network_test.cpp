// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include <cstring>

#include "actions/catalog/network/effect_cut.h"
#include "actions/catalog/network/effect_nft.h"
#include "actions/catalog/network/effect_sockets.h"
#include "actions/catalog/network/effect_surroundings.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

// As nft 1.0.6 printed it.
const std::string kListed =
    R"({"nftables": [{"metainfo": {"json_schema_version": 1}}, {"table": {"family": "inet", "name": "hostmedic"}},)"
    R"({"set": {"family": "inet", "name": "isolate", "table": "hostmedic", "type": "nf_proto", "flags": ["timeout"],)"
    R"("elem": [{"elem": {"val": "ipv4", "timeout": 6, "expires": 5}}, "ipv6"]}},)"
    R"({"set": {"family": "inet", "name": "blocked4", "table": "hostmedic", "elem": [{"elem": {"val": "192.0.2.1",)"
    R"("timeout": 20, "comment": "hostmedic order 00"}}, "192.0.2.2"]}},)"
    R"({"chain": {"family": "inet", "table": "hostmedic", "name": "out", "hook": "output", "prio": -5}},)"
    R"({"rule": {"chain": "out", "expr": [{"accept": null}]}},)"
    R"({"rule": {"chain": "out", "comment": "hostmedic order 11", "expr": [{"counter": {"packets": 7, "bytes": 1}},)"
    R"({"drop": null}]}}]})";

std::vector<std::byte> message(std::uint16_t type, const void* body, std::size_t size) {
  struct nlmsghdr head{};
  head.nlmsg_len = static_cast<std::uint32_t>(sizeof head + size);
  head.nlmsg_type = type;
  std::vector<std::byte> bytes(head.nlmsg_len);
  std::memcpy(bytes.data(), &head, sizeof head);
  std::memcpy(bytes.data() + sizeof head, body, size);
  return bytes;
}

}  // namespace

TEST_CASE("what nft lists is read by kind and name") {
  CHECK(nft_has(kListed, "table", "hostmedic"));
  CHECK(nft_has(kListed, "chain", "out"));
  CHECK_FALSE(nft_has(kListed, "set", "out"));
  CHECK(nft_set_size(kListed, "isolate") == 2);
  CHECK(nft_set_size(kListed, "none") == 0);
  CHECK(nft_element_label(kListed, "blocked4", "192.0.2.1") == "hostmedic order 00");
  CHECK(nft_element_label(kListed, "blocked4", "192.0.2.2") == "");
  CHECK_FALSE(nft_element_label(kListed, "blocked4", "192.0.2.3").has_value());
  CHECK(nft_chain_label(kListed, "out") == "hostmedic order 11");
  CHECK_FALSE(nft_chain_label(kListed, "in").has_value());
  const auto counts = parse_nft_counts(kListed);
  REQUIRE(counts.has_value());
  CHECK(counts->rules == 2);
  CHECK(counts->packets == 7);
  for (const char* bad : {"", "{", "[]", "{\"nftables\": 1}", "{\"nftables\": [1, {\"rule\": 2}, {\"set\": []}]"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_nft_counts(bad).has_value());
    CHECK_FALSE(nft_has(bad, "set", "x"));
  }
}

TEST_CASE("the rules of a cut let through what is allowed and end with a drop") {
  const auto allowed = parse_allowed("192.0.2.0/24,[2001:db8::1]:443");
  const Cut cut{"isolate", "hostmedic order 22", std::chrono::seconds(60), *allowed, "", ""};
  const std::string script = cut_rules(cut);
  CHECK(script.find("isolate_in ip saddr 192.0.2.0/24 accept\n") != std::string::npos);
  CHECK(script.find("isolate_out ip6 daddr 2001:db8::1 tcp dport 443 accept\n") != std::string::npos);
  CHECK(script.find("isolate_in ip6 saddr 2001:db8::1 tcp sport 443 tcp flags & (syn | ack) != syn accept\n") !=
        std::string::npos);
  CHECK(script.find("{ ipv4 timeout 60s, ipv6 timeout 60s }") != std::string::npos);
  CHECK(script.ends_with("isolate_through meta nfproto @isolate counter drop comment \"hostmedic order 22\"\n"));
  CHECK(rules_in(script) == 14);
  CHECK(timer_set("x", std::chrono::seconds(0)).find("{ ipv4, ipv6 }") != std::string::npos);
}

TEST_CASE("sockets, routes and name servers as the kernel and resolv.conf write them") {
  const auto rows = parse_tcp_rows(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:0016 0200000A:D431 01 00000000:00000000 00:00000000 00000000   107        0 1 1 0\n"
      "   1: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000001000000:0050 0A 0:0 0:0 0 5 0 1\n"
      "garbage\n   2: 0100007F 0:0 01\n");
  REQUIRE(rows.size() == 2);
  CHECK(to_string(rows[0].peer) == "10.0.0.2");
  CHECK(rows[0].local_port == 22);
  CHECK(rows[0].uid == 107);
  CHECK(to_string(rows[1].local) == "127.0.0.1");
  CHECK(to_string(rows[1].peer) == "::1");
  const auto gateways = parse_gateways(
      "Iface\tDestination\tGateway\tFlags\neth0\t00000000\t0100000A\t0003\neth0\t0000000A\t00000000\t0001\nx\n",
      "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 0 0\n");
  REQUIRE(gateways.size() == 2);
  CHECK(to_string(gateways[0]) == "10.0.0.1");
  CHECK(to_string(gateways[1]) == "fe80::1");
  CHECK(parse_name_servers("# x\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver x\nsearch a\n").size() ==
        2);
  CHECK(parse_ssh_ports("Port 2222\n#Port 1\nListenAddress 0.0.0.0:2200\nPort x\nPort 0\n") ==
        std::vector<std::uint16_t>{2222, 2200});
}

TEST_CASE("whom a host must not cut off is told with the reason") {
  Surroundings around;
  around.own = {*parse_net_address("192.0.2.1")};
  around.agent_peers = {{*parse_net_address("192.0.2.9"), 32, 4318}};
  CHECK(why_spare(around, *parse_net_address("127.0.0.1")) == "127.0.0.1 is the loopback");
  CHECK(why_spare(around, *parse_net_address("192.0.2.1")) == "192.0.2.1 is an address of this host");
  CHECK(why_spare(around, *parse_net_address("192.0.2.9")) == "192.0.2.9 is whom the agent reports to");
  CHECK_FALSE(why_spare(around, *parse_net_address("192.0.2.2")).has_value());
}

TEST_CASE("an answer of sock_diag is taken as far as it is whole") {
  struct inet_diag_msg body{};
  body.idiag_family = AF_INET;
  body.id.idiag_sport = htons(80);
  std::vector<std::byte> bytes = message(SOCK_DIAG_BY_FAMILY, &body, sizeof body);
  std::vector<TcpSocket> sockets;
  CHECK(parse_sockets(bytes, sockets).value_or(true) == false);
  REQUIRE(sockets.size() == 1);
  CHECK(sockets[0].local_port() == 80);
  bytes.resize(bytes.size() - 1);
  CHECK(parse_sockets(bytes, sockets).has_value());
  CHECK(sockets.size() == 1);
  const int done = 0;
  CHECK(parse_sockets(message(NLMSG_DONE, &done, sizeof done), sockets).value_or(false));
  struct nlmsgerr error{};
  error.error = -EOPNOTSUPP;
  CHECK(parse_sockets(message(NLMSG_ERROR, &error, sizeof error), sockets).error().code == ErrorCode::unsupported);
}

TEST_CASE("whom the host needs is read from its own files, and all whom the agent reports to") {
  TempDir root;
  for (const char* each : {"proc/net", "etc/ssh/sshd_config.d"}) std::filesystem::create_directories(root / each);
  CHECK_FALSE(read_surroundings(root.path, 990).has_value());  // who is the gateway cannot be known
  write(root / "proc/net/route", "Iface\tDestination\tGateway\tFlags\neth0\t00000000\t0100000A\t0003\n");
  write(root / "etc/ssh/sshd_config.d/site.conf", "Port 2200\n");
  write(root / "etc/ssh/sshd_config.d/site.conf.old", "Port 2201\n");
  write(root / "proc/net/tcp",
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0200000A:0898 0300000A:D431 01 0:0 0:0 0 0 0 1\n"    // to port 2200, from 10.0.0.3
        "   1: 0200000A:0899 0400000A:D431 01 0:0 0:0 0 0 0 1\n"    // to port 2201
        "   2: 0200000A:D000 0900000A:10DE 01 0:0 0:0 0 990 0 1\n"  // the agent's, to port 4318
        "   3: 0200000A:D001 0800000A:10DE 01 0:0 0:0 0 990 0 1\n"
        "   4: 0100007F:D002 0100007F:10DE 01 0:0 0:0 0 990 0 1\n");
  const auto around = read_surroundings(root.path, 990);
  REQUIRE(around);
  CHECK(around->ssh_ports == std::set<std::uint16_t>{22, 2200});
  REQUIRE(around->ssh_peers.size() == 1);
  CHECK(to_string(*around->ssh_peers.begin()) == "10.0.0.3");
  REQUIRE(around->agent_peers.size() == 2);
  CHECK(to_string(around->agent_peers.begin()->address) == "10.0.0.8");
  CHECK(around->agent_peers.rbegin()->port == 4318);
}
