// SPDX-License-Identifier: Apache-2.0
// host.segment: the host talks to its aggregator, its name servers, over ssh, for its address, and to nobody else. The
// kernel's own clock ends it, whatever became of us.
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/network/effect_cut.h"
#include "actions/catalog/network/effect_nft.h"
#include "actions/catalog/network/effect_surroundings.h"
#include "actions/catalog/network/lasts.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

const std::string kName = "segment";

Openings openings() { return {.capabilities = {"CAP_NET_ADMIN"}, .network = true}; }

TargetState inspect(const Plan&, const EffectContext&, std::string& ret_text) {
  if (const Status there = nft_is_there(); !there) {
    ret_text = there.error().message();
    return TargetState::unknown;
  }
  ret_text = "the host has its network; whether it still is a danger is not seen here";
  return TargetState::faulty;
}

Outcome execute(const Order& order, const EffectContext& context) {
  // So wide a cut is never made by a program alone, whatever the tier.
  if (order.approved_by.empty()) {
    Outcome outcome;
    outcome.result = OutcomeResult::refused;
    outcome.text = "a host is cut off only when a human approved it";
    return outcome;
  }
  // Whom the policy never blocks stays within reach.
  Order wider = order;
  std::string* allow = nullptr;
  for (Attribute& parameter : wider.plan.parameters)
    if (parameter.key == "allow") allow = &parameter.value;
  for (const std::string& one : context.policy.never_block) {
    if (allow == nullptr || !parse_net_address(one)) continue;
    const std::string longer = *allow == "none" ? one : *allow + "," + one;
    if (parse_allowed(longer)) *allow = longer;
  }
  return run_in_unit(wider, context, openings());
}
Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  return undo_in_unit(order, first, context, openings());
}

std::string rule(const char* chain, const std::string& text) {
  return "add rule inet hostmedic " + kName + "_" + chain + " " + text + "\n";
}

std::string ssh_rules(const Surroundings& around, const char* chain, const char* side) {
  std::string rules;
  for (const std::uint16_t port : around.ssh_ports)
    rules += rule(chain, std::string("tcp ") + side + " " + std::to_string(port) + " accept");
  return rules;
}

std::string script_of(const Surroundings& around, std::vector<NetPlace> allowed, std::chrono::seconds lasts,
                      const std::string& label) {
  for (const NetAddress& server : around.name_servers)
    if (!is_loopback(server)) allowed.push_back({server, server.six ? 128 : 32, 53});
  allowed.insert(allowed.end(), around.agent_peers.begin(), around.agent_peers.end());
  const std::string neighbours =
      "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept";
  Cut cut{kName, label, lasts, allowed, ssh_rules(around, "in", "dport"), ssh_rules(around, "out", "sport")};
  cut.more_in += rule("in", "udp sport 67 udp dport 68 accept") + rule("in", "udp sport 547 udp dport 546 accept") +
                 rule("in", neighbours);
  cut.more_out += rule("out", "udp sport 68 udp dport 67 accept") + rule("out", "udp sport 546 udp dport 547 accept") +
                  rule("out", neighbours);
  return cut_rules(cut);
}

int inside(const Plan& plan, const InsideContext&) {
  const auto around = surroundings_of_host();
  const auto allowed = parse_allowed(plan.get("allow"));
  if (!around || !allowed) return ended(kEffectFailed, (around ? allowed.error() : around.error()).message());
  const auto before = list_nft();
  if (!before && before.error().code != ErrorCode::not_found) return ended(kEffectFailed, before.error().message());
  if (before && nft_set_size(*before, kName) > 0) return ended(kEffectUnnecessary, "the host is segmented already");
  const std::string label = nft_label();
  const bool old = before && nft_has(*before, "set", kName);
  const Status applied = run_nft((old ? cut_removal(kName) : "") + script_of(*around, *allowed, lasts_of(plan), label));
  if (!applied) return ended(kEffectFailed, applied.error().message());
  const auto after = list_nft();
  if (!after || nft_set_size(*after, kName) == 0) return ended(kEffectFailed, "the kernel does not hold the rules");
  print_detail("label", label);
  print_detail("ssh_peers", strf("%zu", around->ssh_peers.size()));
  print_detail("name_servers", strf("%zu", around->name_servers.size()));
  print_detail("aggregator",
               around->agent_peers.empty() ? "not connected to one now" : to_string(*around->agent_peers.begin()));
  print_detail("allowed", allowed->empty() ? "nothing more" : plan.get("allow"));
  return ended(kEffectDone, "the host is cut off but for ssh, its name servers and its aggregator, for " +
                                format_duration(lasts_of(plan)));
}

int undo_inside(const Plan&, std::span<const Attribute> was, const InsideContext&) {
  const auto before = list_nft();
  if (!before && before.error().code != ErrorCode::not_found) return ended(kEffectFailed, before.error().message());
  if (!before || !nft_has(*before, "set", kName))
    return ended(kEffectUnnecessary, "the host is not segmented any more");
  const auto label = nft_chain_label(*before, kName + "_out");
  if (label && *label != detail_of(was, "label"))
    return ended(kEffectUnnecessary, "the host is segmented by another order, " + *label);
  if (const Status removed = run_nft(cut_removal(kName)); !removed)
    return ended(kEffectFailed, removed.error().message());
  return ended(kEffectDone, "the host has its network again");
}

}  // namespace

const EffectInfo kHostSegmentEffect{.action = "host.segment",
                                    .inspect = inspect,
                                    .execute = execute,
                                    .inside = inside,
                                    .undo = undo,
                                    .undo_inside = undo_inside};

}  // namespace hostmedic
