// SPDX-License-Identifier: Apache-2.0
// circuit.open: whoever connects to a failing upstream is told at once that it is not there. Now and then one
// connection is let through; when the upstream answers it, the kernel itself closes the circuit for as long as answers
// come.
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/network/effect_nft.h"
#include "actions/catalog/network/effect_surroundings.h"
#include "actions/catalog/network/lasts.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

Openings openings() { return {.capabilities = {"CAP_NET_ADMIN"}, .network = true}; }

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  const Status there = nft_is_there();
  const auto upstream = parse_peer(plan.target.name);
  if (!there || !upstream) {
    ret_text = (there ? upstream.error() : there.error()).message();
    return TargetState::unknown;
  }
  // Services of this host may well be cut off from each other; the rest of the policy's list holds.
  if (!is_loopback(upstream->address))
    if (const auto why = guard::why_never_block(context.policy, to_string(upstream->address))) {
      ret_text = *why;
      return TargetState::unknown;
    }
  ret_text = "the circuit to " + plan.target.name + " is to be opened; whether it still fails is not seen here";
  return TargetState::faulty;
}

Outcome execute(const Order& order, const EffectContext& context) { return run_in_unit(order, context, openings()); }
Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  return undo_in_unit(order, first, context, openings());
}

// Of the target alone, so that a second order for it finds the first: "circuit_c0000201_5432".
std::string name_of(const NetPlace& upstream) {
  std::string name = "circuit_";
  for (std::size_t i = 0; i < (upstream.address.six ? 16U : 4U); ++i) name += strf("%02x", upstream.address.bytes[i]);
  return name + "_" + std::to_string(upstream.port);
}

std::string circuit_rules(const NetPlace& upstream, std::chrono::seconds lasts, std::uint64_t half_open,
                          const std::string& label) {
  const std::string name = name_of(upstream), port = std::to_string(upstream.port);
  const std::string family = upstream.address.six ? "ip6" : "ip", address = to_string(upstream.address);
  std::string script = "add table inet hostmedic\n" + timer_set(name, lasts) + "add set inet hostmedic " + name +
                       "_well { type ipv" + (upstream.address.six ? "6" : "4") +
                       "_addr; flags dynamic,timeout; timeout 30s; size 4; }\n";
  const std::string comment = " comment \"" + label + "\"\n";
  for (const char* hook : {"input", "output", "forward"})
    script += "add chain inet hostmedic " + name + "_" + hook + " { type filter hook " + hook +
              " priority -5; policy accept; }\n";
  const std::string begins =
      " " + family + " daddr " + address + " tcp dport " + port + " tcp flags & (syn | ack) == syn ";
  const std::string answers =
      " " + family + " saddr " + address + " tcp sport " + port + " tcp flags & (syn | ack | rst) == syn | ack ";
  for (const char* hook : {"input", "forward"})
    script += "add rule inet hostmedic " + name + "_" + hook + answers + "update @" + name + "_well { " + family +
              " saddr }" + comment;
  for (const char* hook : {"output", "forward"}) {
    const std::string begin = "add rule inet hostmedic " + name + "_" + hook + begins;
    script += begin + family + " daddr @" + name + "_well accept" + comment;
    if (half_open > 0)
      script += begin +
                strf("limit rate %llu/minute burst 1 packets accept", static_cast<unsigned long long>(half_open)) +
                comment;
    script += begin + "meta nfproto @" + name + " counter reject with tcp reset" + comment;
  }
  return script;
}

std::string circuit_removal(const std::string& name) {
  std::string script;
  for (const char* hook : {"input", "output", "forward"})
    for (const char* verb : {"flush", "delete"})
      script += std::string(verb) + " chain inet hostmedic " + name + "_" + hook + "\n";
  return script + "delete set inet hostmedic " + name + "\ndelete set inet hostmedic " + name + "_well\n";
}

int inside(const Plan& plan, const InsideContext&) {
  const auto upstream = parse_peer(plan.target.name);
  const auto half_open = parse_u64(plan.get("half_open"));
  if (!upstream || !half_open) return ended(kEffectFailed, "the plan names no upstream");
  const auto around = surroundings_of_host();
  if (!around) return ended(kEffectFailed, around.error().message());
  if (around->agent_peers.contains({upstream->address, upstream->prefix, upstream->port}))
    return ended(kEffectFailed, plan.target.name + " is whom the agent reports to");
  if (around->name_servers.contains(upstream->address) && upstream->port == 53)
    return ended(kEffectFailed, plan.target.name + " is a name server");
  const std::string name = name_of(*upstream);
  const auto before = list_nft();
  if (!before && before.error().code != ErrorCode::not_found) return ended(kEffectFailed, before.error().message());
  if (before && nft_set_size(*before, name) > 0)
    return ended(kEffectUnnecessary, "the circuit to " + plan.target.name + " is open already");
  std::string script;
  if (before && nft_has(*before, "set", name)) script = circuit_removal(name);
  const std::string label = nft_label();
  script += circuit_rules(*upstream, lasts_of(plan), *half_open, label);
  if (const Status applied = run_nft(script); !applied) return ended(kEffectFailed, applied.error().message());
  const auto after = list_nft();
  if (!after || nft_set_size(*after, name) == 0) return ended(kEffectFailed, "the kernel does not hold the rules");
  print_detail("circuit", name);
  print_detail("label", label);
  return ended(kEffectDone, "connections to " + plan.target.name + " are refused at once, " +
                                (*half_open == 0 ? std::string("all of them")
                                                 : "all but " + std::string(plan.get("half_open")) + " a minute") +
                                ", until it answers");
}

int undo_inside(const Plan& plan, std::span<const Attribute> was, const InsideContext&) {
  const auto upstream = parse_peer(plan.target.name);
  if (!upstream) return ended(kEffectFailed, upstream.error().message());
  const std::string name = name_of(*upstream);
  const auto before = list_nft();
  if (!before && before.error().code != ErrorCode::not_found) return ended(kEffectFailed, before.error().message());
  if (!before || !nft_has(*before, "set", name))
    return ended(kEffectUnnecessary, "the circuit to " + plan.target.name + " is closed");
  const auto label = nft_chain_label(*before, name + "_output");
  if (label && *label != detail_of(was, "label"))
    return ended(kEffectUnnecessary, "the circuit to " + plan.target.name + " was opened by another order, " + *label);
  if (const Status removed = run_nft(circuit_removal(name)); !removed)
    return ended(kEffectFailed, removed.error().message());
  return ended(kEffectDone, "the circuit to " + plan.target.name + " is closed");
}

}  // namespace

const EffectInfo kCircuitOpenEffect{.action = "circuit.open",
                                    .inspect = inspect,
                                    .execute = execute,
                                    .inside = inside,
                                    .undo = undo,
                                    .undo_inside = undo_inside};

}  // namespace hostmedic
