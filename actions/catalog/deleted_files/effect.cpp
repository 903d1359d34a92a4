// SPDX-License-Identifier: Apache-2.0
// deleted_files.reopen: a unit of its own finds who holds deleted files, since that needs rights; then the actuator has
// systemd reload the largest holder that may be touched, and looks whether the room came back.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "actions/catalog/deleted_files/effect_holders.h"
#include "actions/catalog/effect_beneath.h"
#include "actions/catalog/effect_protected.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/log_rotate/effect_open.h"
#include "actions/catalog/plan_check.h"
#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr int kMostNamed = 5;    // holders in the report
constexpr int kMostReloads = 2;  // tried, when the first cannot be reloaded
constexpr Duration kReopenTime = std::chrono::seconds(5), kPause = std::chrono::milliseconds(100);

std::string number(std::uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); }

Result<Fd> open_mount(const Plan& plan) { return open_at(AT_FDCWD, plan.target.name, O_PATH | O_DIRECTORY); }

TargetState inspect(const Plan& plan, const EffectContext&, std::string& ret_text) {
  const auto mount = open_mount(plan);
  const auto used = mount ? utilization_of(mount->get()) : std::nullopt;
  if (!used) {
    ret_text = plan.target.name + " could not be asked how full it is";
    return !mount && mount.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  ret_text = plan.target.name + strf(" is %.1f%% full; who holds deleted files is looked for next", *used * 100);
  return TargetState::faulty;
}

int inside(const Plan& plan, const InsideContext& context) {
  struct stat target{};
  if (::stat(plan.target.name.c_str(), &target) != 0) {
    print_detail("text", errno_error(errno, plan.target.name).message());
    return kEffectFailed;
  }
  const std::vector<Holder> holders = find_holders(context.proc, target.st_dev);
  std::uint64_t bytes = 0;
  for (const Holder& holder : holders) bytes += holder.bytes;
  print_detail("holders", strf("%zu", holders.size()));
  print_detail("bytes_held", number(bytes));
  const std::size_t named = std::min<std::size_t>(holders.size(), kMostNamed);
  for (std::size_t i = 0; i < named; ++i) {
    const Holder& holder = holders[i];
    print_detail(strf("holder_%zu", i + 1), number(holder.bytes) + strf(" %d files, ", holder.files) +
                                                (holder.unit.empty() ? "no service" : holder.unit) + ", " +
                                                holder.process + strf(" pid %d", holder.pid));
  }
  const std::uint64_t least = parse_bytes(plan.get("least")).value_or(Bytes{}).count;
  for (std::size_t i = 0, candidate = 0; i < named; ++i)
    if (!holders[i].unit.empty() && holders[i].bytes >= least)
      print_detail(strf("candidate_%zu", ++candidate), holders[i].unit + " " + number(holders[i].bytes));
  print_detail("text", "deleted files that are still open hold " + format_bytes(Bytes{bytes}));
  return kEffectDone;
}

struct Candidate {
  std::string unit;
  std::uint64_t bytes = 0;
};

std::vector<Candidate> candidates_of(const Outcome& found) {
  std::vector<Candidate> candidates;
  for (const Attribute& detail : found.details) {
    if (!detail.key.starts_with("candidate_")) continue;
    const auto words = split(detail.value, ' ');
    if (words.size() == 2 && is_service_unit(words[0]))
      candidates.push_back({std::string(words[0]), parse_u64(words[1]).value_or(0)});
  }
  return candidates;
}

// Waits until half of what it held is there again; what others write meanwhile makes more wrong.
std::uint64_t wait_for_room(int mount, std::uint64_t before, std::uint64_t held) {
  std::uint64_t gained = 0;
  for (const MonoTime end = mono_now() + kReopenTime; gained < held / 2 && mono_now() < end;) {
    const std::uint64_t now = available_on(mount).value_or(before);
    gained = now > before ? now - before : 0;
    if (gained < held / 2) std::this_thread::sleep_for(kPause);
  }
  return gained;
}

Outcome failed(Outcome outcome, std::string text) {
  outcome.result = OutcomeResult::failed;
  outcome.text = std::move(text);
  return outcome;
}

Outcome execute(const Order& order, const EffectContext& context) {
  const auto mount = open_mount(order.plan);
  if (!mount) return failed({}, mount.error().message());
  Outcome outcome = run_in_unit(order, context, {.capabilities = {"CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"}});
  if (outcome.result != OutcomeResult::done) return outcome;
  std::string why = "no service holds deleted files of at least " + std::string(order.plan.get("least"));
  int reloads = 0;
  for (const Candidate& candidate : candidates_of(outcome)) {
    if (std::string spared = why_untouchable({EntityKind::service, candidate.unit}, context.policy); !spared.empty()) {
      why = std::move(spared);
      continue;
    }
    if (++reloads > kMostReloads) break;
    const auto before = available_on(mount->get()).value_or(0);
    if (const Status status = context.manager.job(candidate.unit, UnitJob::reload, order.plan.timeout / 3); !status) {
      why = "reload of " + candidate.unit + ": " + status.error().message();
      continue;
    }
    const std::uint64_t gained = wait_for_room(mount->get(), before, candidate.bytes);
    outcome.details.push_back({"reloaded", candidate.unit});
    outcome.details.push_back({"bytes_freed", number(gained)});
    if (gained < candidate.bytes / 2)
      return failed(std::move(outcome), candidate.unit + " was reloaded but still holds its deleted files");
    outcome.text = "reloaded " + candidate.unit + ", which gave " + format_bytes(Bytes{gained}) + " back";
    return outcome;
  }
  return failed(std::move(outcome), why);
}

}  // namespace

const EffectInfo kDeletedFilesReopenEffect{
    .action = "deleted_files.reopen", .inspect = inspect, .execute = execute, .inside = inside};

}  // namespace hostmedic
