// SPDX-License-Identifier: Apache-2.0
// connections.drop: the idlest connections of one service, by its control group, are ended by the kernel.
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "actions/catalog/container/effect_group.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/network/effect_nft.h"
#include "actions/catalog/network/effect_sockets.h"
#include "actions/catalog/network/effect_surroundings.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  const std::string& unit = plan.target.name;
  const auto status = context.manager.status(unit);
  if (!status) {
    ret_text = status.error().message();
    return status.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  ret_text = unit + " is " + printable(status->active_state, 40);
  if (status->active_state == "active") return TargetState::faulty;
  const bool changing = status->active_state == "activating" || status->active_state == "deactivating";
  return changing ? TargetState::changing : TargetState::gone;
}

Outcome execute(const Order& order, const EffectContext& context) {
  return run_in_unit(order, context, {.capabilities = {"CAP_NET_ADMIN"}, .network = true});
}

// Numbers of the unit's control group and of those below it, as the kernel names them at sockets.
Result<std::set<std::uint64_t>> groups_of(const std::string& unit) {
  const auto root = group_root();
  if (!root) return root.error();
  const auto group = find_unit_group(*root, unit);
  if (!group) return group.error();
  std::set<std::uint64_t> numbers;
  const auto add = [&](const std::string& path) {
    struct stat seen{};
    if (::stat(path.c_str(), &seen) == 0) numbers.insert(seen.st_ino);
  };
  add(*group);
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(*group, error), end;
       !error && at != end && numbers.size() < 10'000; at.increment(error))
    if (std::error_code kind; at->is_directory(kind)) add(at->path().string());
  return numbers;
}

struct Wanted {
  std::set<std::uint64_t> groups;
  std::uint64_t local_port = 0, remote_port = 0, most = 0;
  std::chrono::milliseconds idle{};
};

// Idlest first. spared: ports of ssh; the agent's own.
std::vector<TcpSocket> choose(std::vector<TcpSocket> sockets, const Wanted& wanted, const Surroundings& around) {
  const struct passwd* agent = ::getpwnam("hostmedic");
  std::erase_if(sockets, [&](const TcpSocket& one) {
    return !wanted.groups.contains(one.group) || one.idle < wanted.idle ||
           (wanted.local_port != 0 && one.local_port() != wanted.local_port) ||
           (wanted.remote_port != 0 && one.peer_port() != wanted.remote_port) ||
           around.ssh_ports.contains(one.local_port()) || (agent != nullptr && one.uid == agent->pw_uid);
  });
  std::ranges::sort(sockets, [](const TcpSocket& a, const TcpSocket& b) { return a.idle > b.idle; });
  if (sockets.size() > wanted.most) sockets.resize(wanted.most);
  return sockets;
}

int inside(const Plan& plan, const InsideContext&) {
  auto groups = groups_of(plan.target.name);
  if (!groups) return ended(kEffectFailed, groups.error().message());
  const auto local = parse_u64(plan.get("local_port")), remote = parse_u64(plan.get("remote_port")),
             most = parse_u64(plan.get("most"));
  const auto idle = parse_duration(plan.get("idle"));
  if (!local || !remote || !most || !idle) return ended(kEffectFailed, "the plan does not say what to drop");
  const Wanted wanted{std::move(*groups), *local, *remote, *most,
                      std::chrono::duration_cast<std::chrono::milliseconds>(*idle)};
  const auto around = surroundings_of_host();
  const auto diag = open_sock_diag();
  if (!around || !diag) return ended(kEffectFailed, (around ? diag.error() : around.error()).message());
  const std::string state(plan.get("state"));
  auto sockets = list_sockets(*diag, state == "established" ? TCP_ESTABLISHED : TCP_CLOSE_WAIT);
  if (!sockets) return ended(kEffectFailed, sockets.error().message());
  const auto chosen = choose(std::move(*sockets), wanted, *around);
  if (chosen.empty())
    return ended(kEffectUnnecessary, "no connection of " + plan.target.name + " is " + state + " and idle for so long");
  std::size_t dropped = 0, failed = 0;
  std::string why;
  for (const TcpSocket& socket : chosen) {
    const Status destroyed = destroy_socket(*diag, socket);
    if (destroyed) ++dropped;
    if (destroyed || destroyed.error().code == ErrorCode::not_found) continue;
    ++failed;
    why = destroyed.error().message();
    if (destroyed.error().code == ErrorCode::unsupported) break;
  }
  print_detail("chosen", strf("%zu", chosen.size()));
  print_detail("dropped", strf("%zu", dropped));
  print_detail("idle_most", format_duration(chosen.front().idle));
  print_detail("idle_least", format_duration(chosen.back().idle));
  if (failed > 0) return ended(kEffectFailed, strf("%zu of %zu were dropped: ", dropped, chosen.size()) + why);
  return ended(kEffectDone, strf("%zu connections of ", dropped) + plan.target.name + " were dropped");
}

}  // namespace

const EffectInfo kConnectionsDropEffect{
    .action = "connections.drop", .inspect = inspect, .execute = execute, .inside = inside};

}  // namespace hostmedic
