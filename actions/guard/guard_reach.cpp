// SPDX-License-Identifier: Apache-2.0
// The rules about where nothing may be done: outside the log roots, and what keeps the host reachable and the agent
// alive.
#include <arpa/inet.h>

#include "actions/guard/question.h"
#include "agent/base/text.h"

namespace hostmedic::guard {
namespace {

constexpr std::string_view kNeverTouch[] = {
    "service:systemd-*",
    "service:init.scope",
    "service:*.slice",
    "service:*.target",
    "service:user@*",
    "service:dbus*",
    "service:polkit*",
    "service:ssh.*",
    "service:ssh@*",
    "service:sshd.*",
    "service:sshd@*",
    "service:sshd-session*",
    "service:hostmedic*",
    "agent:*",
    "service:NetworkManager*",
    "service:networking.service",
    "service:network.service",
    "service:wpa_supplicant*",
    "service:-.mount",
    "process:systemd*",
    "process:init",
    "process:(sd-pam)",
    "process:dbus-*",
    "process:polkitd",
    "process:sshd*",
    "process:hostmedic*",
};

// The address as the kernel prints it, or the host's name in small letters.
std::string canonical(std::string_view peer) {
  if (const auto scheme = peer.find("://"); scheme != std::string_view::npos) peer.remove_prefix(scheme + 3);
  peer = peer.substr(0, peer.find('/'));
  if (const auto at = peer.rfind('@'); at != std::string_view::npos) peer.remove_prefix(at + 1);
  if (peer.starts_with('[')) {
    peer = peer.substr(1, peer.find(']') - 1);
  } else if (std::ranges::count(peer, ':') == 1) {
    peer = peer.substr(0, peer.find(':'));
  }
  std::string text(peer.substr(0, peer.find('%')));
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  in6_addr six{};
  char printed[INET6_ADDRSTRLEN] = {};
  if (::inet_pton(AF_INET6, text.c_str(), &six) != 1) return text;
  if (IN6_IS_ADDR_V4MAPPED(&six)) return ::inet_ntop(AF_INET, six.s6_addr + 12, printed, sizeof printed);
  return ::inet_ntop(AF_INET6, &six, printed, sizeof printed);
}

}  // namespace

std::span<const std::string_view> never_touch() { return kNeverTouch; }

std::optional<std::string> why_never_block(const Policy& policy, std::string_view peer) {
  constexpr std::string_view kOwn[] = {"127.*", "::1", "0.*", "::", "localhost", "localhost.*", "*.localhost", ""};
  const std::string address = canonical(peer);
  for (const std::string_view glob : kOwn)
    if (glob_match(glob, address)) return "'" + address + "' is this host itself";
  for (const std::string& glob : policy.never_block)
    if (glob_match(glob, address)) return address + " is never blocked ('" + glob + "' of the policy)";
  return std::nullopt;
}

// A plan that treats a file names the directory that permits it.
Answer ask_log_root(const Question& q) {
  const std::string_view root = q.order.plan.get("root");
  if (root.empty()) return allow("treats no file");
  for (const std::string& allowed : q.policy.log_roots)
    if (!allowed.empty() && (root == allowed || (root.starts_with(allowed) && root[allowed.size()] == '/')))
      return allow("below " + allowed);
  return deny(std::string(root) + " is not among the log roots");
}

// Exactly one of the directories: what lies below one may be a link by now, or somebody's own.
Answer ask_clean_root(const Question& q) {
  const std::string_view root = q.order.plan.get("clean_root");
  if (root.empty()) return allow("removes no file by age");
  for (const std::string& allowed : q.policy.clean_roots)
    if (root == allowed) return allow("removes below " + allowed);
  return deny(std::string(root) + " is not one of the clean roots of the policy");
}

Answer ask_never_touch(const Question& q) {
  const std::string target = to_string(q.order.plan.target);
  for (const std::string_view glob : kNeverTouch)
    if (glob_match(glob, target)) return deny(target + " is never touched ('" + std::string(glob) + "')");
  if (q.order.plan.target.kind == EntityKind::endpoint)
    if (const auto why = why_never_block(q.policy, q.order.plan.target.name)) return deny(*why);
  return allow("not on the built-in list");
}

}  // namespace hostmedic::guard
