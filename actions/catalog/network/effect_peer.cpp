// SPDX-License-Identifier: Apache-2.0
// peer.block: an element of a set, which the kernel itself lets go after its time. Each peer has its own.
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/network/effect_nft.h"
#include "actions/catalog/network/effect_surroundings.h"
#include "actions/catalog/network/lasts.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

Openings openings() { return {.capabilities = {"CAP_NET_ADMIN"}, .network = true}; }

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  const Status there = nft_is_there();
  const auto peer = parse_peer(plan.target.name);
  if (!there || !peer) {
    ret_text = (there ? peer.error() : there.error()).message();
    return TargetState::unknown;
  }
  const std::string address = to_string(peer->address);
  if (const auto why = guard::why_never_block(context.policy, address)) {
    ret_text = *why;
    return TargetState::unknown;
  }
  ret_text = address + " is to be blocked; whether it still is a nuisance is not seen here";
  return TargetState::faulty;
}

Outcome execute(const Order& order, const EffectContext& context) { return run_in_unit(order, context, openings()); }
Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  return undo_in_unit(order, first, context, openings());
}

std::string set_of(const NetAddress& address) { return address.six ? "blocked6" : "blocked4"; }

// What comes from a peer is dropped before anything sees it, also what is for a container; so is what goes there.
std::string tables() {
  std::string script = "add table inet hostmedic\n";
  for (const char* family : {"4", "6"})
    script += std::string("add set inet hostmedic blocked") + family + " { type ipv" + family +
              "_addr; flags timeout; size 4096; }\n";
  for (const char* hook : {"prerouting", "postrouting"}) {
    const std::string chain = std::string("blocked_") + hook;
    const char* side = hook == std::string_view("prerouting") ? "saddr" : "daddr";
    script += "add chain inet hostmedic " + chain + " { type filter hook " + hook +
              " priority -310; policy accept; }\n" + "flush chain inet hostmedic " + chain + "\n";
    script += "add rule inet hostmedic " + chain + " ip " + side + " @blocked4 counter drop\n";
    script += "add rule inet hostmedic " + chain + " ip6 " + side + " @blocked6 counter drop\n";
  }
  return script;
}

int inside(const Plan& plan, const InsideContext&) {
  const auto peer = parse_peer(plan.target.name);
  if (!peer) return ended(kEffectFailed, peer.error().message());
  const std::string address = to_string(peer->address), set = set_of(peer->address);
  const auto around = surroundings_of_host();
  if (!around) return ended(kEffectFailed, around.error().message());
  if (const auto why = why_spare(*around, peer->address)) return ended(kEffectFailed, *why + ", and is not blocked");
  const auto before = list_nft();
  if (!before && before.error().code != ErrorCode::not_found) return ended(kEffectFailed, before.error().message());
  if (before && nft_element_label(*before, set, address))
    return ended(kEffectUnnecessary, address + " is blocked already");

  const std::string label = nft_label();
  const long long seconds = lasts_of(plan).count();
  const bool begun = before && nft_has(*before, "chain", "blocked_postrouting");
  const Status applied = run_nft((begun ? "" : tables()) + "add element inet hostmedic " + set + " { " + address +
                                 strf(" timeout %llds", seconds) + " comment \"" + label + "\" }\n");
  if (!applied) return ended(kEffectFailed, applied.error().message());
  const auto after = list_nft();
  if (!after || nft_element_label(*after, set, address) != label)
    return ended(kEffectFailed, address + " is not in the kernel's set");
  print_detail("address", address);
  print_detail("label", label);
  print_detail("blocked", strf("%zu", nft_set_size(*after, "blocked4") + nft_set_size(*after, "blocked6")));
  return ended(kEffectDone, address + " is blocked for " + format_duration(std::chrono::seconds(seconds)));
}

int undo_inside(const Plan& plan, std::span<const Attribute> was, const InsideContext&) {
  const auto peer = parse_peer(plan.target.name);
  if (!peer) return ended(kEffectFailed, peer.error().message());
  const std::string address = to_string(peer->address), set = set_of(peer->address);
  const auto before = list_nft();
  if (!before && before.error().code != ErrorCode::not_found) return ended(kEffectFailed, before.error().message());
  const auto label = before ? nft_element_label(*before, set, address) : std::nullopt;
  std::size_t others = before ? nft_set_size(*before, "blocked4") + nft_set_size(*before, "blocked6") : 0;
  std::string script;
  if (label && *label == detail_of(was, "label")) {
    script = "delete element inet hostmedic " + set + " { " + address + " }\n";
    --others;
  }
  // With the last peer goes all that was made for it.
  if (before && others == 0 && nft_has(*before, "chain", "blocked_postrouting"))
    script +=
        "flush chain inet hostmedic blocked_prerouting\nflush chain inet hostmedic blocked_postrouting\n"
        "delete chain inet hostmedic blocked_prerouting\ndelete chain inet hostmedic blocked_postrouting\n"
        "delete set inet hostmedic blocked4\ndelete set inet hostmedic blocked6\n";
  if (!script.empty())
    if (const Status removed = run_nft(script); !removed) return ended(kEffectFailed, removed.error().message());
  if (!label) return ended(kEffectUnnecessary, address + " is not blocked any more");
  if (*label != detail_of(was, "label"))
    return ended(kEffectUnnecessary, address + " is blocked by another order, " + *label);
  return ended(kEffectDone, address + " is not blocked any more");
}

}  // namespace

const EffectInfo kPeerBlockEffect{.action = "peer.block",
                                  .inspect = inspect,
                                  .execute = execute,
                                  .inside = inside,
                                  .undo = undo,
                                  .undo_inside = undo_inside};

}  // namespace hostmedic
