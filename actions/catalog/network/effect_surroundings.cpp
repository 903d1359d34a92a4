// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/network/effect_surroundings.h"

#include <dirent.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr unsigned kEstablished = 1;
constexpr Bytes kMostTable = mib(32);  // of sockets: some 200,000

// Hexadecimal words of four bytes in the host's order, as the kernel writes addresses.
std::optional<NetAddress> address_of_words(std::string_view hex) {
  if (hex.size() != 8 && hex.size() != 32) return std::nullopt;
  NetAddress address;
  address.six = hex.size() == 32;
  for (std::size_t word = 0; word < hex.size() / 8; ++word) {
    const auto value = parse_u64(hex.substr(word * 8, 8), 16);
    if (!value) return std::nullopt;
    const auto bytes = static_cast<std::uint32_t>(*value);
    std::memcpy(address.bytes.data() + word * 4, &bytes, 4);
  }
  const auto plain = parse_net_address(to_string(address));  // mapped IPv4 becomes IPv4
  return plain ? std::optional(*plain) : std::nullopt;
}

// "0100007F:0016"
bool read_place(std::string_view text, NetAddress& address, std::uint16_t& port) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const auto found = address_of_words(text.substr(0, colon));
  const auto number = parse_u64(text.substr(colon + 1), 16);
  if (!found || !number || *number > 65535) return false;
  address = *found;
  port = static_cast<std::uint16_t>(*number);
  return true;
}

// 32 hexadecimal digits in the network's order.
std::optional<NetAddress> address_of_digits(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  NetAddress address;
  address.six = true;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto byte = parse_u64(hex.substr(2 * i, 2), 16);
    if (!byte) return std::nullopt;
    address.bytes[i] = static_cast<std::uint8_t>(*byte);
  }
  return address;
}

bool is_zero(const NetAddress& address) {
  return std::ranges::all_of(address.bytes, [](std::uint8_t byte) { return byte == 0; });
}

Result<std::set<NetAddress>> own_addresses() {
  struct ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return errno_error(errno, "own addresses");
  const std::unique_ptr<struct ifaddrs, void (*)(struct ifaddrs*)> kept(list, ::freeifaddrs);
  std::set<NetAddress> own;
  for (const struct ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    NetAddress address;
    address.six = one->ifa_addr->sa_family == AF_INET6;
    if (address.six)
      std::memcpy(address.bytes.data(), &reinterpret_cast<const struct sockaddr_in6*>(one->ifa_addr)->sin6_addr, 16);
    else if (one->ifa_addr->sa_family == AF_INET)
      std::memcpy(address.bytes.data(), &reinterpret_cast<const struct sockaddr_in*>(one->ifa_addr)->sin_addr, 4);
    else
      continue;
    own.insert(address);
  }
  return own;
}

void read_ssh_ports(const std::string& etc, std::set<std::uint16_t>& ports) {
  constexpr int kMostFiles = 64;
  std::vector<std::string> files{etc + "/ssh/sshd_config"};
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir((etc + "/ssh/sshd_config.d").c_str()), ::closedir);
  if (dir)
    for (const struct dirent* entry = ::readdir(dir.get()); entry != nullptr && files.size() < kMostFiles;
         entry = ::readdir(dir.get()))
      if (std::string_view(entry->d_name).ends_with(".conf"))
        files.push_back(etc + "/ssh/sshd_config.d/" + entry->d_name);
  ports.insert(22);
  for (const std::string& file : files)
    if (const auto text = read_file(file, kib(256)))  // there may be no sshd
      for (const std::uint16_t port : parse_ssh_ports(*text)) ports.insert(port);
}

}  // namespace

std::vector<TcpRow> parse_tcp_rows(std::string_view text) {
  std::vector<TcpRow> rows;
  TextCursor lines(text);
  (void)lines.line();  // the heading
  while (!lines.at_end()) {
    TextCursor words(lines.line());
    (void)words.word();  // "0:"
    const std::string_view local = words.word(), peer = words.word();
    const auto state = parse_u64(words.word(), 16);
    for (int skipped = 0; skipped < 3; ++skipped) (void)words.word();
    const auto uid = words.u64();
    TcpRow row;
    if (!state || !uid || !read_place(local, row.local, row.local_port) || !read_place(peer, row.peer, row.peer_port))
      continue;
    row.state = static_cast<unsigned>(*state);
    row.uid = static_cast<unsigned>(*uid);
    rows.push_back(row);
  }
  return rows;
}

std::vector<NetAddress> parse_gateways(std::string_view route, std::string_view ipv6_route) {
  std::vector<NetAddress> gateways;
  const auto add = [&](const std::optional<NetAddress>& address) {
    if (address && !is_zero(*address)) gateways.push_back(*address);
  };
  TextCursor lines(route);
  (void)lines.line();  // the heading
  while (!lines.at_end()) {
    TextCursor words(lines.line());
    (void)words.word();  // interface
    (void)words.word();  // destination
    add(address_of_words(words.word()));
  }
  TextCursor lines6(ipv6_route);
  while (!lines6.at_end()) {
    TextCursor words(lines6.line());
    for (int skipped = 0; skipped < 4; ++skipped) (void)words.word();
    add(address_of_digits(words.word()));
  }
  return gateways;
}

std::vector<NetAddress> parse_name_servers(std::string_view text) {
  std::vector<NetAddress> servers;
  TextCursor lines(text);
  while (!lines.at_end()) {
    TextCursor words(lines.line());
    if (words.word() != "nameserver") continue;
    std::string_view server = words.word();
    server = server.substr(0, server.find('%'));
    if (const auto address = parse_net_address(server)) servers.push_back(*address);
  }
  return servers;
}

std::vector<std::uint16_t> parse_ssh_ports(std::string_view text) {
  std::vector<std::uint16_t> ports;
  TextCursor lines(text);
  while (!lines.at_end()) {
    TextCursor words(lines.line());
    const std::string_view key = words.word();
    if (key != "Port" && key != "port" && key != "ListenAddress") continue;
    std::string_view value = words.word();
    if (key == "ListenAddress") {
      const auto place = parse_peer(value);
      if (place && place->port != 0) ports.push_back(place->port);
      continue;
    }
    const auto port = parse_u64(value);
    if (port && *port > 0 && *port <= 65535) ports.push_back(static_cast<std::uint16_t>(*port));
  }
  return ports;
}

Result<Surroundings> read_surroundings(const std::string& root, std::optional<unsigned> agent_uid) {
  Surroundings around;
  auto own = own_addresses();
  if (!own) return own.error();
  around.own = std::move(*own);
  const std::string net = root + "/proc/net/";
  const auto route = read_file(net + "route", mib(4));
  if (!route) return route.error();
  const auto route6 = read_file(net + "ipv6_route", mib(4));  // none without IPv6
  for (const NetAddress& one : parse_gateways(*route, route6 ? *route6 : "")) around.gateways.insert(one);
  // The second: whom systemd-resolved asks. There may be neither.
  for (const char* file : {"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"})
    if (const auto resolv = read_file(root + file, kib(64)))
      for (const NetAddress& one : parse_name_servers(*resolv)) around.name_servers.insert(one);
  read_ssh_ports(root + "/etc", around.ssh_ports);
  for (const char* table : {"tcp", "tcp6"}) {
    const auto text = read_file(net + table, kMostTable);
    if (!text && text.error().code == ErrorCode::not_found) continue;
    if (!text) return text.error();
    for (const TcpRow& row : parse_tcp_rows(*text)) {
      if (row.state != kEstablished || is_loopback(row.peer)) continue;
      if (around.ssh_ports.contains(row.local_port)) around.ssh_peers.insert(row.peer);
      if (agent_uid && row.uid == *agent_uid)
        around.agent_peers.insert({row.peer, row.peer.six ? 128 : 32, row.peer_port});
    }
  }
  return around;
}

Result<Surroundings> surroundings_of_host() {
  const struct passwd* agent = ::getpwnam("hostmedic");
  return read_surroundings("", agent != nullptr ? std::optional<unsigned>(agent->pw_uid) : std::nullopt);
}

std::optional<std::string> why_spare(const Surroundings& around, const NetAddress& address) {
  const std::string text = to_string(address);
  if (is_loopback(address)) return text + " is the loopback";
  if (around.own.contains(address)) return text + " is an address of this host";
  if (around.gateways.contains(address)) return text + " is a gateway";
  if (around.name_servers.contains(address)) return text + " is a name server";
  if (around.ssh_peers.contains(address)) return text + " has a session over ssh";
  for (const NetPlace& place : around.agent_peers)
    if (contains(place, address)) return text + " is whom the agent reports to";
  return std::nullopt;
}

}  // namespace hostmedic
