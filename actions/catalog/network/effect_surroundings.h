// SPDX-License-Identifier: Apache-2.0
// Whom this host must keep talking to: itself, its gateways and name servers, who is logged in over ssh, and the
// aggregator. Read from /proc and /etc at the moment of acting. Any thread.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actions/catalog/network/address.h"

namespace hostmedic {

struct Surroundings {
  std::set<NetAddress> own, gateways, name_servers;
  std::set<std::uint16_t> ssh_ports;  // where sshd listens, as its configuration says; 22 always
  std::set<NetAddress> ssh_peers;     // of established sessions
  std::set<NetPlace> agent_peers;     // the aggregator: whom the agent's user is connected to
};

// root: "/" on a real host. agent_uid: of the user "hostmedic". What cannot be read is an error: whom to spare is not
// guessed.
Result<Surroundings> read_surroundings(const std::string& root, std::optional<unsigned> agent_uid);
Result<Surroundings> surroundings_of_host();

// Why this address must not be cut off; nullopt: nothing forbids it.
std::optional<std::string> why_spare(const Surroundings& around, const NetAddress& address);

// Pure parsers of what the kernel and its users write; lines that do not fit are left out.
struct TcpRow {
  NetAddress local, peer;
  std::uint16_t local_port = 0, peer_port = 0;
  unsigned state = 0, uid = 0;
};
std::vector<TcpRow> parse_tcp_rows(std::string_view text);
std::vector<NetAddress> parse_gateways(std::string_view route, std::string_view ipv6_route);
std::vector<NetAddress> parse_name_servers(std::string_view resolv_conf);
std::vector<std::uint16_t> parse_ssh_ports(std::string_view sshd_config);

}  // namespace hostmedic
