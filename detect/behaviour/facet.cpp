// SPDX-License-Identifier: Apache-2.0
#include "detect/behaviour/facet.h"

#include <algorithm>
#include <optional>

#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

constexpr std::uint64_t kFirstEphemeralPort = 32768;  // of Linux by default; given out by the minute
constexpr std::size_t kLeastHex = 8;                  // a shorter run of hexadecimal digits may be a word
constexpr std::uint32_t kMostLevels = 24;

// Where anybody may put a file. Names in there are made up.
constexpr std::array<std::string_view, 5> kTemporary{"/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/", "/run/shm/"};
// They install programs, so new ones may follow.
constexpr std::array<std::string_view, 14> kPackageTools{"dpkg", "apt-get",    "apt",    "rpm",   "dnf",
                                                         "yum",  "zypper",     "pacman", "apk",   "snapd",
                                                         "snap", "rpm-ostree", "nix",    "emerge"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

// FNV-1a over the text with each run of digits, and each longer run of hexadecimal digits, as one '#'.
std::uint64_t masked_hash(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = seed;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t hex = at;
    while (hex < text.size() && is_hex(text[hex])) ++hex;
    std::size_t digits = at;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    const std::size_t next = hex - at >= kLeastHex ? hex : digits;
    hash = fnv1a(next > at ? std::string_view("#") : text.substr(at, 1), hash);
    at = std::max(next, at + 1);
  }
  return hash;
}

std::uint32_t fold(std::uint64_t hash) {
  const auto folded = static_cast<std::uint32_t>(hash ^ (hash >> 32U));
  return folded == 0 ? 1 : folded;
}

std::string_view leaf_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view temporary_place(std::string_view path) {
  for (const std::string_view place : kTemporary)
    if (path.starts_with(place)) return place;
  return {};
}

std::string_view program_of(const Event& event) {
  const std::string_view path = event.get(attr::kProcessPath);
  return path.empty() ? event.get(attr::kProcessName) : path;
}

std::uint64_t program_hash(const Event& event, std::uint64_t seed) {
  const std::string_view program = program_of(event), place = temporary_place(program);
  return place.empty() ? masked_hash(program, seed) : fnv1a(place, seed);
}

enum class AddressClass : char {
  any = 'a',
  loopback = 'l',
  private_ = 'p',
  link = 'k',
  multicast = 'm',
  public_ = 'w'
};
struct Address {
  AddressClass kind = AddressClass::any;
  std::uint64_t network = 0;
};

std::optional<Address> read_ipv4(std::string_view text) {
  std::array<std::uint64_t, 4> part{};
  for (std::size_t i = 0; i < part.size(); ++i) {
    const std::size_t dot = i + 1 < part.size() ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const auto number = parse_u64(text.substr(0, dot));
    if (!number || *number > 255) return std::nullopt;
    part[i] = *number;
    text.remove_prefix(std::min(text.size(), dot + 1));
  }
  const auto [a, b, c, d] = part;
  Address address{AddressClass::public_, a << 8U | b};  // of the world its /16: a service in it has many /24
  if (a == 127) address.kind = AddressClass::loopback;
  if (a == 0) address.kind = AddressClass::any;
  if (a == 169 && b == 254) address.kind = AddressClass::link;
  if (a >= 224) address.kind = AddressClass::multicast;
  const bool own =
      a == 10 || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) || (a == 100 && b >= 64 && b < 128);
  if (own) address = {AddressClass::private_, a << 16U | b << 8U | c};
  return address;
}

// Only the first 48 bits count.
std::optional<Address> read_ipv6(std::string_view text) {
  if (text == "::") return Address{AddressClass::any, 0};
  if (text == "::1") return Address{AddressClass::loopback, 0};
  std::array<std::uint64_t, 3> group{};
  for (std::size_t i = 0; i < group.size() && !text.empty() && text.front() != ':'; ++i) {
    std::size_t size = 0;
    for (; size < text.size() && text[size] != ':'; ++size) {
      const char c = text[size];
      if (!is_hex(c) || size == 4) return std::nullopt;
      group[i] = group[i] << 4U | static_cast<std::uint64_t>(is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    if (size == text.size()) return std::nullopt;
    text.remove_prefix(size + 1);
  }
  Address address{AddressClass::public_, std::uint64_t{6} << 48U | group[0] << 32U | group[1] << 16U | group[2]};
  if ((group[0] & 0xfe00U) == 0xfc00U) address.kind = AddressClass::private_;
  if ((group[0] & 0xffc0U) == 0xfe80U) address.kind = AddressClass::link;
  if ((group[0] & 0xff00U) == 0xff00U) address.kind = AddressClass::multicast;
  return address;
}

std::optional<Address> read_address(std::string_view text) {
  return text.find(':') == std::string_view::npos ? read_ipv4(text) : read_ipv6(text);
}

// "class:port" as one number; ports that are given out are one.
std::optional<std::uint64_t> place_hash(std::string_view address, std::string_view port) {
  const auto where = read_address(address);
  const auto number = parse_u64(port);
  if (!where || !number) return std::nullopt;
  const std::uint64_t shown = *number >= kFirstEphemeralPort ? 0 : *number;
  return static_cast<std::uint64_t>(where->kind) << 32U | (shown + 1);
}

void add(Observations& ret_found, Facet facet, std::uint64_t hash) {
  if (ret_found.count == Observations::kMost) return;
  ret_found.items[ret_found.count++] = {facet, fold(hash * 0x9e3779b97f4a7c15ULL)};
}

void observe_start(const Event& event, Observations& ret_found) {
  const std::string_view program = program_of(event), parent = event.get(attr::kProcessParentName);
  const std::string_view user = event.get(attr::kProcessUser);
  if (program.empty()) return;
  add(ret_found, Facet::executable, program_hash(event, fnv1a("executable")));
  if (!parent.empty()) add(ret_found, Facet::lineage, program_hash(event, masked_hash(parent, fnv1a("lineage"))));
  if (!user.empty()) add(ret_found, Facet::user, fnv1a(user));
  const std::string_view place = temporary_place(program);
  if (!place.empty()) add(ret_found, Facet::deed, fnv1a(place, fnv1a("temporary")));
}

void observe_deed(const Event& event, Observations& ret_found) {
  const std::string_view kind = event.get(attr::kBehaviourKind), user = event.get(attr::kProcessUser);
  if (kind.empty()) return;
  // What a memory file or a traced process is called is made up; a module and a program with other rights are not.
  std::string_view more = event.get(attr::kBehaviourObject);
  if (kind == "memfd_exec") more = {};
  if (kind == "ptrace_attach" || kind == "traced_exec") more = event.get(attr::kProcessName);
  add(ret_found, Facet::deed, masked_hash(more, fnv1a(kind)));
  if (!user.empty()) add(ret_found, Facet::user, fnv1a(user));
}

void observe_network(const Event& event, Observations& ret_found) {
  if (event.kind == EventKind::listener) {
    if (event.get(attr::kListenerState) != "listening") return;
    const auto place = place_hash(event.get(attr::kNetworkLocalAddress), event.get(attr::kNetworkLocalPort));
    if (place) add(ret_found, Facet::listener, *place);
    return;
  }
  const std::string_view address = event.get(attr::kNetworkPeerAddress);
  const auto place = place_hash(address, event.get(attr::kNetworkPeerPort));
  if (!place) return;
  add(ret_found, Facet::destination, *place);
  add(ret_found, Facet::network, read_address(address)->network + 1);
}

std::string words_of_deed(const Event& event) {
  const std::string_view kind = event.get(attr::kBehaviourKind);
  const std::string object(event.get(attr::kBehaviourObject)), name(event.get(attr::kProcessName));
  if (kind == "setuid_exec") return "started " + object + ", which has other rights than its caller";
  if (kind == "memfd_exec") return "ran a program that is only in memory (" + object + ")";
  if (kind == "traced_exec") return "started " + name + " to be traced by " + object;
  if (kind == "ptrace_attach") return "traced " + object + " (" + name + ")";
  if (kind == "module_load") return "loaded the kernel module " + object;
  if (kind == "module_unload") return "removed the kernel module " + object;
  if (event.kind == EventKind::process_exec)
    return "ran a program from " + std::string(temporary_place(program_of(event)));
  return "did " + std::string(kind);
}

std::string with_program(std::string text, const Event& event) {
  const std::string_view name = event.get(attr::kProcessName);
  return name.empty() ? text : std::move(text) + " (" + std::string(name) + ")";
}

}  // namespace

Observations observe(const Event& event) {
  Observations found;
  if (event.kind == EventKind::process_exec) observe_start(event, found);
  if (event.kind == EventKind::behaviour) observe_deed(event, found);
  if (event.kind == EventKind::listener || event.kind == EventKind::destination) observe_network(event, found);
  if (event.kind == EventKind::log_template && !event.get(attr::kLogTemplateId).empty())
    add(found, Facet::log_template, fnv1a(event.get(attr::kLogTemplateId)));
  return found;
}

std::string describe(const Event& event, Facet facet) {
  const std::string program(program_of(event));
  switch (facet) {
    case Facet::executable: return "started " + program;
    case Facet::lineage: return "started " + program + " from " + std::string(event.get(attr::kProcessParentName));
    case Facet::user: return "ran " + program + " as user " + std::string(event.get(attr::kProcessUser));
    case Facet::deed: return words_of_deed(event);
    case Facet::destination:
    case Facet::network:
      return with_program("connected to " + std::string(event.get(attr::kNetworkPeerAddress)) + " port " +
                              std::string(event.get(attr::kNetworkPeerPort)),
                          event);
    case Facet::listener:
      return with_program("listened on " + std::string(event.get(attr::kNetworkLocalAddress)) + " port " +
                              std::string(event.get(attr::kNetworkLocalPort)),
                          event);
    case Facet::log_template: return "logged \"" + printable(event.get(attr::kLogSample), 100) + "\"";
    case Facet::load:
    case Facet::program_kinds:
    case Facet::network_kinds: break;
  }
  return std::string(info_of(facet).name);
}

std::uint64_t unit_print(std::string_view unit) { return masked_hash(unit, fnv1a("unit")); }

bool is_personal(std::string_view unit) {
  // Without systemd nothing tells a session from a service.
  return unit.empty() || unit.starts_with("session-") || unit.starts_with("user@");
}

bool is_package_change(const Event& event) {
  return event.kind == EventKind::process_exec && event.get(attr::kProcessUser) == "0" &&
         std::ranges::find(kPackageTools, leaf_of(program_of(event))) != kPackageTools.end();
}

std::uint32_t level_of(double amount, double smallest) {
  std::uint32_t level = 0;
  for (double step = smallest; amount >= step && level < kMostLevels; step *= 2) ++level;
  return level;
}

}  // namespace hostmedic::detect
