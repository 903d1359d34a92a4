// SPDX-License-Identifier: Apache-2.0
// peer.block, circuit.open, host.segment: what cuts somebody off for a time.
#include "actions/catalog/catalog.h"
#include "actions/catalog/network/address.h"
#include "actions/catalog/network/lasts.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "agent/base/parse.h"

namespace hostmedic {
namespace {

constexpr std::uint64_t kMostHalfOpen = 600;
constexpr ParamText kPeerParams[] = {{"for", "1h", "the kernel lets the peer in again after so long"}};
constexpr std::string_view kPeerKnown[] = {"for"};
constexpr ParamText kCircuitParams[] = {
    {"for", "10m", "the circuit is closed by itself after so long"},
    {"half_open", "6", "connections a minute that are let through to see whether it answers; 0: none"}};
constexpr std::string_view kCircuitKnown[] = {"for", "half_open"};
constexpr ParamText kSegmentParams[] = {
    {"for", "30m", "the host is released by itself after so long; at most 1h"},
    {"allow", "none",
     "whom it may talk to besides: addresses, networks, or addresses with a port, with commas between"}};
constexpr std::string_view kSegmentKnown[] = {"for", "allow"};

Error malformed(std::string text) { return make_error(ErrorCode::malformed, std::move(text)); }

Plan begin(const ActionInfo& info, Entity target) {
  Plan plan;
  plan.action = info.name;
  plan.target = std::move(target);
  plan.undo = info.undo;
  plan.timeout = info.timeout;
  return plan;
}

Result<NetPlace> peer_to_block(const std::string& name) {
  auto peer = parse_peer(name);
  if (!peer) return peer;
  if (!is_one_peer(peer->address)) return malformed(to_string(peer->address) + " is nobody's that could be blocked");
  return peer;
}

Result<Plan> plan_peer(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  auto endpoint = endpoint_of(incident);
  if (!endpoint) return endpoint.error();
  const auto peer = peer_to_block(endpoint->name);
  if (!peer) return peer.error();
  Plan plan = begin(kPeerBlock, std::move(*endpoint));
  if (Status timed = add_lasts(plan, kPeerBlock, params); !timed) return std::move(timed).error();
  const std::string address = to_string(peer->address), lasts(plan.get("for"));
  plan.what = "drop all packets from and to " + address + " for " + lasts;
  plan.command = std::string("nft add element inet hostmedic blocked") + (peer->address.six ? "6" : "4") + " '{ " +
                 address + " timeout " + lasts + " }'";
  return plan;
}
Status validate_peer(const Plan& plan) {
  if (Status status = check_common(plan, kPeerBlock, kPeerKnown); !status) return status;
  if (const auto peer = peer_to_block(plan.target.name); !peer) return peer.error();
  return check_lasts(plan, std::chrono::seconds(1), std::chrono::hours(24 * 7));
}

Result<NetPlace> upstream_of(const std::string& name) {
  auto upstream = parse_peer(name);
  if (!upstream) return upstream;
  if (upstream->port == 0) return malformed("'" + name + "' names no port");
  if (!is_loopback(upstream->address) && !is_one_peer(upstream->address))
    return malformed(to_string(upstream->address) + " is no upstream");
  return upstream;
}

Result<Plan> plan_circuit(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  auto endpoint = endpoint_of(incident);
  if (!endpoint) return endpoint.error();
  if (const auto upstream = upstream_of(endpoint->name); !upstream) return upstream.error();
  Plan plan = begin(kCircuitOpen, std::move(*endpoint));
  if (Status timed = add_lasts(plan, kCircuitOpen, params); !timed) return std::move(timed).error();
  plan.parameters.push_back({"half_open", std::string(setting(kCircuitOpen, params, "half_open"))});
  plan.what = "refuse connections to " + plan.target.name + " at once, until it answers again";
  plan.command = "nft -f -  # a rule that rejects new connections to " + plan.target.name;
  return plan;
}
Status validate_circuit(const Plan& plan) {
  if (Status status = check_common(plan, kCircuitOpen, kCircuitKnown); !status) return status;
  if (const auto upstream = upstream_of(plan.target.name); !upstream) return upstream.error();
  const auto half_open = parse_u64(plan.get("half_open"));
  if (!half_open || *half_open > kMostHalfOpen) return malformed("half_open is not within 0 to 600");
  return check_lasts(plan, std::chrono::seconds(1), std::chrono::hours(24));
}

Result<Plan> plan_segment(const Incident&, const HostView&, std::span<const Attribute> params) {
  Plan plan = begin(kHostSegment, {EntityKind::host, ""});
  if (Status timed = add_lasts(plan, kHostSegment, params); !timed) return std::move(timed).error();
  plan.parameters.push_back({"allow", std::string(setting(kHostSegment, params, "allow"))});
  plan.what = "cut the host off but for ssh, name servers and the aggregator";
  plan.command = "nft -f -  # chains that drop all but an allow-list";
  return plan;
}
Status validate_segment(const Plan& plan) {
  if (Status status = check_common(plan, kHostSegment, kSegmentKnown); !status) return status;
  if (const auto places = parse_allowed(plan.get("allow")); !places) return Error(places.error()).in("allow");
  return check_lasts(plan, std::chrono::seconds(1), std::chrono::hours(1));
}

}  // namespace

const ActionInfo kPeerBlock{.name = "peer.block",
                            .summary = "drop all packets from and to one address for a time",
                            .targets = kinds(EntityKind::endpoint),
                            .params = kPeerParams,
                            .reversible = true,
                            .local_safe = true,
                            .capabilities = "CAP_NET_ADMIN",
                            .timeout = std::chrono::seconds(30),
                            .cost = "Nothing of this host talks to that address, its containers neither.",
                            .undo = "The address is let in again.",
                            .plan = plan_peer,
                            .validate = validate_peer};

const ActionInfo kCircuitOpen{.name = "circuit.open",
                              .summary = "refuse connections to a failing upstream at once, for a time",
                              .targets = kinds(EntityKind::endpoint),
                              .params = kCircuitParams,
                              .reversible = true,
                              .local_safe = false,
                              .capabilities = "CAP_NET_ADMIN",
                              .timeout = std::chrono::seconds(30),
                              .cost = "Who connects there is refused instead of waiting.",
                              .undo = "Connections go there again.",
                              .plan = plan_circuit,
                              .validate = validate_circuit};

const ActionInfo kHostSegment{.name = "host.segment",
                              .summary = "cut the host off but for ssh, name servers and the aggregator",
                              .targets = kinds(EntityKind::host),
                              .params = kSegmentParams,
                              .reversible = true,
                              .local_safe = false,
                              .capabilities = "CAP_NET_ADMIN",
                              .timeout = std::chrono::seconds(30),
                              .cost = "All that the host does for others stops. Only a human can approve it.",
                              .undo = "The host has its network again.",
                              .plan = plan_segment,
                              .validate = validate_segment};

}  // namespace hostmedic
