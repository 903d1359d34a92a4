// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "actions/catalog/container/effect_found.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/evidence_collect/effect_package.h"
#include "actions/catalog/evidence_collect/effect_sources.h"
#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

// Evidence of what has ended is worth having, too: only what nobody knows is gone.
TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  ret_text = to_string(plan.target) + " is there to be looked at";
  if (plan.target.kind == EntityKind::process) return TargetState::faulty;  // the unit finds them, or none
  if (plan.target.kind == EntityKind::container) {
    const auto found = find_any_container(plan.target.name);
    ret_text = found ? words(*found) : found.error().message();
    if (found) return TargetState::faulty;
    return found.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  const auto status = context.manager.status(plan.target.name);
  if (!status) {
    ret_text = status.error().message();
    return status.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  ret_text = plan.target.name + " is " + printable(status->active_state, 40);
  return status->load_state == "not-found" ? TargetState::gone : TargetState::faulty;
}

// "20261121T204400Z"
std::string stamp(WallTime at) {
  const std::time_t seconds = static_cast<std::time_t>(to_ns(at) / 1'000'000'000);
  struct tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts)};
}

Outcome execute(const Order& order, const EffectContext& context) {
  if (::mkdir(kEvidenceDirectory, 0700) != 0 && errno != EEXIST) {
    Outcome outcome;
    outcome.result = OutcomeResult::failed;
    outcome.text = errno_error(errno, kEvidenceDirectory).message();
    return outcome;
  }
  Order named = order;
  std::erase_if(named.plan.parameters, [](const Attribute& one) { return one.key == "package"; });
  named.plan.parameters.push_back({"package", stamp(wall_now()) + "-" + order.key});
  return run_in_unit(
      named, context,
      {.capabilities = {"CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"}, .read_write_paths = {kEvidenceDirectory}});
}

int failed(const std::string& text) {
  print_detail("text", text);
  return kEffectFailed;
}

// What may be taken of a disk that is short itself: members and their package lie side by side for a moment.
std::uint64_t room_for(std::uint64_t wanted) {
  struct statvfs disk{};
  if (::statvfs(kEvidenceDirectory, &disk) != 0) return wanted;
  return std::min<std::uint64_t>(wanted, static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize / 4);
}

void report(const Packed& packed, const EvidenceTarget& target) {
  const auto number = [](std::uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); };
  print_detail("path", packed.path);
  print_detail("bytes", number(packed.manifest.bytes));
  print_detail("sha256", packed.manifest.sha256);
  print_detail("manifest_sha256", packed.manifest_sha256);
  print_detail("members", number(packed.manifest.members.size()));
  print_detail("processes", number(target.processes.size()));
  print_detail("left_out", number(packed.manifest.left_out.size()));
  if (!packed.manifest.left_out.empty()) print_detail("left_out_text", join(packed.manifest.left_out, "; "));
  print_detail("text", strf("%zu members about ", packed.manifest.members.size()) + to_string(target.entity) + " in " +
                           packed.manifest.package);
}

int inside(const Plan& plan, const InsideContext& context) {
  constexpr std::uint64_t kLeastRoom = 64 << 10;
  const MonoTime begin = mono_now();
  const std::string name(plan.get("package"));
  const auto most = parse_u64(plan.get("most_bytes")), journal = parse_u64(plan.get("journal"));
  if (name.empty() || !most || !journal) return kEffectUsage;
  const auto target = find_target(plan.target, context.proc);
  if (!target) {
    print_detail("text", target.error().message());
    return target.error().code == ErrorCode::not_found ? kEffectUnnecessary : kEffectFailed;
  }
  const std::uint64_t room = room_for(*most);
  if (room < kLeastRoom) return failed(std::string("there is no room left for evidence in ") + kEvidenceDirectory);
  // The rest of the time is for packing.
  auto stage = Stage::make(std::string(kEvidenceDirectory) + "/." + name, room, begin + plan.timeout / 2);
  if (!stage) return failed(stage.error().message());
  if (room < *most) stage->leave_out("evidence", "the disk leaves room for " + format_bytes(Bytes{room}) + " only");
  collect_surroundings(*target, *journal, *stage);
  collect_processes(*target, context.proc, *stage);
  const auto packed = pack(*stage, kEvidenceDirectory, name, to_string(plan.target));
  if (!packed) return failed(packed.error().message());
  report(*packed, *target);
  print_detail("took_ms", strf("%lld", static_cast<long long>((mono_now() - begin) / std::chrono::milliseconds(1))));
  return kEffectDone;
}

}  // namespace

const EffectInfo kEvidenceCollectEffect{
    .action = "evidence.collect", .inspect = inspect, .execute = execute, .inside = inside};

}  // namespace hostmedic
