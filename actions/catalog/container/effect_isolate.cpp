// SPDX-License-Identifier: Apache-2.0
// container.isolate: a table of ours in the container's own network namespace. Its processes go on, for evidence.
#include "actions/catalog/container/effect_netns.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/network/effect_cut.h"
#include "actions/catalog/network/effect_nft.h"
#include "actions/catalog/network/lasts.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr std::string_view kName = "isolate";

Openings openings() {
  // To open another's namespace, to enter it, to set rules there.
  return {.capabilities = {"CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_NET_ADMIN"}, .network = true, .namespaces = true};
}

TargetState inspect(const Plan& plan, const EffectContext&, std::string& ret_text) {
  if (const Status there = nft_is_there(); !there) {
    ret_text = there.error().message();
    return TargetState::unknown;
  }
  const auto found = find_any_container(plan.target.name);
  const TargetState state = running_state(found, ret_text);
  if (state == TargetState::faulty && found->engine && found->engine->network_mode == "host") {
    ret_text += ", and has the host's own network, which is not cut";
    return TargetState::unknown;
  }
  return state;
}

Outcome execute(const Order& order, const EffectContext& context) { return run_in_unit(order, context, openings()); }
Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  return undo_in_unit(order, first, context, openings());
}

bool is_cut(const Result<std::string>& table) { return table && nft_set_size(*table, kName) > 0; }

int inside(const Plan& plan, const InsideContext& context) {
  const auto netns = open_netns(plan.target.name, context.proc);
  if (!netns) return ended(kEffectFailed, netns.error().message());
  const FoundContainer& container = netns->container;
  print_container(container);
  print_detail("netns", strf("%llu", static_cast<unsigned long long>(netns->inode)));
  if (netns->others > 0) print_detail("others_cut", strf("%d", netns->others));
  if (const Status entered = enter(*netns); !entered) return ended(kEffectFailed, entered.error().message());
  const bool rules_itself = container.engine && container.engine->rules_its_network;
  const auto before = list_nft();
  // One that could have made the table itself is not believed.
  if (is_cut(before) && !rules_itself) return ended(kEffectUnnecessary, container.name + " is isolated already");

  const auto allowed = parse_allowed(plan.get("allow"));
  if (!allowed) return ended(kEffectFailed, allowed.error().message());
  const std::string script = cut_rules({std::string(kName), nft_label(), lasts_of(plan), *allowed, "", ""});
  const Status applied = run_nft((before ? "delete table inet hostmedic\n" : "") + script);
  if (!applied) return ended(kEffectFailed, applied.error().message());
  const auto after = list_nft();
  const auto counts = after ? parse_nft_counts(*after) : Result<NftCounts>(after.error());
  if (!counts) return ended(kEffectFailed, counts.error().message());
  print_detail("label", nft_label());
  print_detail("rules", strf("%d", counts->rules));
  print_detail("allowed", allowed->empty() ? "nothing" : plan.get("allow"));
  if (rules_itself) print_detail("warning", "it has the right to take the rules away: stop it if it must not talk");
  if (counts->rules != rules_in(script) || !is_cut(after))
    return ended(kEffectFailed, strf("%d of %d rules are there", counts->rules, rules_in(script)));
  return ended(kEffectDone,
               container.name + " is cut off from the network" +
                   (allowed->empty() ? "" : " but for " + std::string(plan.get("allow"))) + " and goes on running" +
                   (netns->others > 0 ? strf("; so are %d processes that share its network", netns->others) : ""));
}

int undo_inside(const Plan& plan, std::span<const Attribute> was, const InsideContext& context) {
  const std::string id(detail_of(was, "container_id"));
  const auto netns = open_netns(id.empty() ? plan.target.name : id, context.proc);
  if (!netns && (netns.error().code == ErrorCode::not_found || netns.error().code == ErrorCode::conflict))
    return ended(kEffectUnnecessary, netns.error().message());
  if (!netns) return ended(kEffectFailed, netns.error().message());
  const std::string& name = netns->container.name;
  if (detail_of(was, "netns") != strf("%llu", static_cast<unsigned long long>(netns->inode)))
    return ended(kEffectUnnecessary, name + " has another network since: it was started anew");
  if (const Status entered = enter(*netns); !entered) return ended(kEffectFailed, entered.error().message());
  const auto before = list_nft();
  if (!before && before.error().code == ErrorCode::not_found)
    return ended(kEffectUnnecessary, name + " is not isolated any more");
  if (!before) return ended(kEffectFailed, before.error().message());
  if (const auto label = nft_chain_label(*before, std::string(kName) + "_out");
      label && *label != detail_of(was, "label"))
    return ended(kEffectUnnecessary, name + " is isolated by another order, " + *label);
  const auto counts = parse_nft_counts(*before);
  if (counts) print_detail("packets_cut", strf("%llu", static_cast<unsigned long long>(counts->packets)));
  if (const Status removed = run_nft("delete table inet hostmedic\n"); !removed)
    return ended(kEffectFailed, removed.error().message());
  return ended(kEffectDone, name + " has its network again");
}

}  // namespace

const EffectInfo kContainerIsolateEffect{.action = "container.isolate",
                                         .inspect = inspect,
                                         .execute = execute,
                                         .inside = inside,
                                         .undo = undo,
                                         .undo_inside = undo_inside};

}  // namespace hostmedic
