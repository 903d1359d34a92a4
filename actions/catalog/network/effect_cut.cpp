// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/network/effect_cut.h"

#include "actions/catalog/network/effect_nft.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

std::string rule(const std::string& chain, const std::string& text) {
  return "add rule inet hostmedic " + chain + " " + text + "\n";
}

std::string chain(const std::string& name, std::string_view hook) {
  return "add chain inet hostmedic " + name + " { type filter hook " + std::string(hook) +
         " priority -5; policy accept; }\n";
}

std::string allow(const NetPlace& place, const std::string& in, const std::string& out) {
  const std::string family = place.address.six ? "ip6" : "ip";
  const std::string from = family + " saddr " + to_string(place), to = family + " daddr " + to_string(place);
  if (place.port == 0) return rule(in, from + " accept") + rule(out, to + " accept");
  const std::string port = std::to_string(place.port);
  return rule(out, to + " tcp dport " + port + " accept") + rule(out, to + " udp dport " + port + " accept") +
         // Nobody opens a connection to here from that port.
         rule(in, from + " tcp sport " + port + " tcp flags & (syn | ack) != syn accept") +
         rule(in, from + " udp sport " + port + " accept");
}

}  // namespace

std::string cut_rules(const Cut& cut) {
  const std::string in = cut.name + "_in", out = cut.name + "_out", through = cut.name + "_through";
  std::string script = "add table inet hostmedic\n" + timer_set(cut.name, cut.lasts) + chain(in, "input") +
                       chain(out, "output") + chain(through, "forward");
  script += rule(in, "iifname \"lo\" accept");
  // An engine's resolver answers there, and asks the world outside for the container.
  script += rule(out, "meta nfproto @" + cut.name + " ip daddr 127.0.0.11 counter drop comment \"" + cut.label + "\"");
  script += rule(out, "oifname \"lo\" accept");
  bool six = false;
  for (const NetPlace& place : cut.allowed) {
    script += allow(place, in, out);
    six = six || place.address.six;
  }
  if (six)  // without neighbours there is no IPv6 at all
    for (const std::string& each : {in, out})
      script += rule(
          each, "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept");
  script += cut.more_in + cut.more_out;
  for (const std::string& each : {in, out, through})
    script += rule(each, "meta nfproto @" + cut.name + " counter drop comment \"" + cut.label + "\"");
  return script;
}

std::string cut_removal(const std::string& name) {
  std::string script;
  for (const char* part : {"_in", "_out", "_through"})
    for (const char* verb : {"flush", "delete"})
      script += std::string(verb) + " chain inet hostmedic " + name + part + "\n";
  return script + "delete set inet hostmedic " + name + "\n";
}

int rules_in(std::string_view script) {
  int rules = 0;
  for (const std::string_view line : split(script, '\n'))
    if (line.starts_with("add rule ")) ++rules;
  return rules;
}

}  // namespace hostmedic
