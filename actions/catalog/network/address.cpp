// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/network/address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostAddressText = 64;

Error malformed(std::string_view text, const char* why) {
  return make_error(ErrorCode::malformed, "'" + printable(text, 80) + "' " + why);
}

Result<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_u64(text);
  if (!port || *port == 0 || *port > 65535) return malformed(text, "is not a port");
  return static_cast<std::uint16_t>(*port);
}

NetPlace whole(const NetAddress& address) { return {address, address.six ? 128 : 32, 0}; }

// "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT".
Result<NetPlace> parse_address_port(std::string_view text) {
  std::string_view address = text, port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return malformed(text, "has no ]");
    address = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (address.find(':') == std::string_view::npos || (!port.empty() && port.front() != ':'))
      return malformed(text, "is not an address");
  } else if (std::ranges::count(text, ':') == 1) {
    address = text.substr(0, text.find(':'));
    port = text.substr(text.find(':'));
  }
  const auto parsed = parse_net_address(address);
  if (!parsed) return parsed.error();
  NetPlace place = whole(*parsed);
  if (port.empty()) return place;
  const auto number = parse_port(port.substr(1));
  if (!number) return number.error();
  place.port = *number;
  return place;
}

Result<NetPlace> parse_place(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return parse_address_port(text);
  const auto address = parse_net_address(text.substr(0, slash));
  if (!address) return address.error();
  NetPlace place = whole(*address);
  const auto bits = parse_u64(text.substr(slash + 1));
  if (!bits || *bits == 0 || *bits > static_cast<std::uint64_t>(place.prefix))
    return malformed(text, "has no prefix length within its address; all of the network is none");
  place.prefix = static_cast<int>(*bits);
  for (int bit = place.prefix; bit < (address->six ? 128 : 32); ++bit)
    place.address.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80 >> (bit % 8)));
  return place;
}

}  // namespace

Result<NetAddress> parse_net_address(std::string_view text) {
  if (text.empty() || text.size() > kMostAddressText) return malformed(text, "is not an address");
  const std::string copy(text);
  NetAddress address;
  if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) return address;
  address.six = true;
  if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) != 1)
    return malformed(text, "is not an address; names are not looked up");
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) return address;
  NetAddress four;
  std::copy_n(address.bytes.begin() + 12, 4, four.bytes.begin());
  return four;
}

std::string to_string(const NetAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  (void)::inet_ntop(address.six ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);  // it fits
  return text;
}

bool is_loopback(const NetAddress& address) {
  if (!address.six) return address.bytes[0] == 127;
  NetAddress one;
  one.six = true;
  one.bytes[15] = 1;
  return address == one;
}

bool is_one_peer(const NetAddress& address) {
  const auto& bytes = address.bytes;
  if (is_loopback(address)) return false;
  if (!address.six) return bytes[0] != 0 && bytes[0] < 224 && !(bytes[0] == 169 && bytes[1] == 254);
  if (std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; })) return false;
  return bytes[0] != 0xff && !(bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

bool contains(const NetPlace& place, const NetAddress& address) {
  if (place.address.six != address.six) return false;
  for (int bit = 0; bit < place.prefix; ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    if (((place.address.bytes[byte] ^ address.bytes[byte]) & (0x80 >> (bit % 8))) != 0) return false;
  }
  return true;
}

Result<NetPlace> parse_peer(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme != std::string_view::npos) {
    text.remove_prefix(scheme + 3);
    text = text.substr(0, text.find('/'));
  }
  return parse_address_port(text);
}

Result<std::vector<NetPlace>> parse_allowed(std::string_view text) {
  std::vector<NetPlace> places;
  if (text.empty() || text == "none") return places;
  for (const std::string_view part : split(text, ',')) {
    const auto place = parse_place(trim(part));
    if (!place) return place.error();
    if (places.size() == kMostAllowed) return make_error(ErrorCode::limit, "more than 32 places are allowed");
    places.push_back(*place);
  }
  return places;
}

std::string to_string(const NetPlace& place) {
  const std::string address = to_string(place.address);
  return place.prefix == (place.address.six ? 128 : 32) ? address : address + "/" + std::to_string(place.prefix);
}

Result<Entity> endpoint_of(const Incident& incident) {
  if (incident.root.kind == EntityKind::endpoint) {
    const auto place = parse_peer(incident.root.name);
    if (!place) return place.error();
    return incident.root;
  }
  for (const Entity& cause : incident.causes)
    if (cause.kind == EntityKind::endpoint && parse_peer(cause.name)) return cause;
  return make_error(ErrorCode::unsupported, to_string(incident.root) + " is no endpoint, and none is its cause");
}

}  // namespace hostmedic
