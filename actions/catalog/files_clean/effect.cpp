// SPDX-License-Identifier: Apache-2.0
// files.clean: gives space back by removing files that nobody used for long.
#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "actions/catalog/effect_beneath.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/files_clean/effect_remove.h"
#include "actions/catalog/files_clean/effect_walk.h"
#include "actions/catalog/log_rotate/effect_open.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

bool root_is_allowed(const guard::Policy& policy, std::string_view root) {
  return std::find(policy.clean_roots.begin(), policy.clean_roots.end(), root) != policy.clean_roots.end();
}

std::string number(std::uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); }

struct Use {
  double share = 0;
  const char* of = "space";
};
// Of space or of inodes, whichever is scarcer: many small files take one without the other.
std::optional<Use> use_of(int mount) {
  const auto space = utilization_of(mount);
  struct statvfs found{};
  if (!space || ::fstatvfs(mount, &found) != 0) return std::nullopt;
  Use use{*space, "space"};
  if (found.f_files == 0 || found.f_favail > found.f_files) return use;  // it has no fixed number
  const double inodes = 1 - static_cast<double>(found.f_favail) / static_cast<double>(found.f_files);
  return inodes > use.share ? Use{inodes, "inodes"} : use;
}

// The filesystem itself is asked: a root below /tmp is hidden from the actuator, which has a /tmp of its own.
TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  const std::string root(plan.get("clean_root"));
  if (!root_is_allowed(context.policy, root)) {
    ret_text = root + " is not one of the clean roots of the policy";
    return TargetState::unknown;
  }
  const auto mount = open_at(AT_FDCWD, plan.target.name, O_PATH | O_DIRECTORY);
  const auto used = mount ? use_of(mount->get()) : std::nullopt;
  if (!used) {
    ret_text = plan.target.name + " could not be asked how full it is";
    return !mount && mount.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  const double above = parse_double(plan.get("used_above")).value_or(1);
  ret_text = plan.target.name + strf(": %.1f%% of its %s is in use, files are removed from %.0f%% on",
                                     used->share * 100, used->of, above * 100);
  return used->share < above ? TargetState::recovered : TargetState::faulty;
}

Outcome execute(const Order& order, const EffectContext& context) {
  if (!root_is_allowed(context.policy, order.plan.get("clean_root"))) {
    Outcome outcome;
    outcome.result = OutcomeResult::refused;
    outcome.text = std::string(order.plan.get("clean_root")) + " is not one of the clean roots of the policy";
    return outcome;
  }
  return run_in_unit(order, context,
                     {.capabilities = {"CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_LEASE"},
                      .read_write_paths = {std::string(order.plan.get("clean_root"))}});
}

Result<Fd> open_root(const Plan& plan) {
  auto root = open_without_links(std::string(plan.get("clean_root")), O_RDONLY | O_DIRECTORY);
  if (!root) return root;
  struct stat here{}, target{};
  if (::fstat(root->get(), &here) != 0 || ::stat(plan.target.name.c_str(), &target) != 0)
    return errno_error(errno, plan.target.name);
  if (here.st_dev != target.st_dev)
    return make_error(ErrorCode::conflict,
                      std::string(plan.get("clean_root")) + " is not on the filesystem of " + plan.target.name);
  return root;
}

void print_report(const WalkReport& found, const RemoveReport& removed) {
  print_detail("files_removed", number(removed.files));
  print_detail("bytes_removed", number(removed.bytes));
  if (!removed.largest.empty()) print_detail("largest", removed.largest);
  print_detail("files_old", number(found.files.size()));
  print_detail("bytes_old", number(found.bytes));
  print_detail("entries_seen", strf("%d", found.seen));
  const std::pair<const char*, int> left[] = {
      {"left_young", found.young},         {"left_linked", found.linked},     {"left_not_files", found.unlike},
      {"left_other_mounts", found.mounts}, {"left_locked", found.locked},     {"left_unreadable", found.unreadable},
      {"left_in_use", removed.in_use},     {"left_changed", removed.changed}, {"left_failed", removed.failed}};
  for (const auto& [name, count] : left)
    if (count > 0) print_detail(name, strf("%d", count));
  if (!found.complete) print_detail("note", "not all of the directory was looked at");
}

int inside(const Plan& plan, const InsideContext&) {
  const MonoTime begin = mono_now();
  const auto root = open_root(plan);
  if (!root) {
    print_detail("text", root.error().message());
    return kEffectFailed;
  }
  const auto before = available_on(root->get());
  WalkRules rules;
  rules.before = wall_now() - parse_duration(plan.get("min_age")).value_or(Duration::max());
  rules.deadline = begin + plan.timeout / 10 * 4;
  const WalkReport found = find_files(root->get(), rules);
  const RemoveReport removed = remove_files(root->get(), found.files,
                                            {.before = rules.before,
                                             .free_bytes = parse_bytes(plan.get("free")).value_or(Bytes{}).count,
                                             .most_files = parse_u64(plan.get("most_files")).value_or(0),
                                             .deadline = begin + plan.timeout / 10 * 8});
  print_report(found, removed);
  const auto after = available_on(root->get());
  if (before) print_detail("available_before", number(*before));
  if (after) print_detail("available_after", number(*after));
  print_detail("took_ms", strf("%lld", static_cast<long long>((mono_now() - begin) / std::chrono::milliseconds(1))));
  const std::string below = " below " + std::string(plan.get("clean_root"));
  if (removed.files == 0) {
    print_detail("text", "no file" + below + " could be removed: " +
                             (found.files.empty() ? "none is as old as " + std::string(plan.get("min_age"))
                                                  : "those as old as that are in use or changed"));
    return kEffectFailed;
  }
  print_detail("text", strf("removed %zu files", removed.files) + below + ", " + format_bytes(Bytes{removed.bytes}));
  return kEffectDone;
}

}  // namespace

const EffectInfo kFilesCleanEffect{.action = "files.clean", .inspect = inspect, .execute = execute, .inside = inside};

}  // namespace hostmedic
