// SPDX-License-Identifier: Apache-2.0
// package.rollback: apt installs another version of one package, after it has said that nothing else would change.
#include <sys/stat.h>
#include <unistd.h>

#include "actions/catalog/effect_child.h"
#include "actions/catalog/effect_protected.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/package_cache/effect_manager.h"
#include "actions/catalog/package_rollback/versions.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr const char* kApt = "/usr/bin/apt-get";
constexpr const char* kDpkgQuery = "/usr/bin/dpkg-query";

Result<std::string> installed_version(const std::string& package) {
  const auto asked = capture_program(
      {.argv = {kDpkgQuery, "--show", "--showformat=${db:Status-Status} ${Version}", package}, .most_output = 1024},
      std::chrono::seconds(10));
  if (!asked) return asked.error();
  constexpr std::string_view kInstalled = "installed ";
  if (asked->status != 0 || !asked->output.starts_with(kInstalled))
    return make_error(ErrorCode::not_found, "package " + package + " is not installed");
  return printable(trim(asked->output.substr(kInstalled.size())), 128);
}

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  const std::string package(plan.get("package"));
  if (::access(kApt, X_OK) != 0) {
    ret_text = "packages are put back by apt only, which is not here";
    return TargetState::unknown;
  }
  ret_text = why_untouchable({EntityKind::package, package}, context.policy);
  if (!ret_text.empty()) return TargetState::unknown;
  ret_text = package_manager_at_work();
  if (!ret_text.empty()) return TargetState::changing;
  const auto version = installed_version(package);
  if (!version) {
    ret_text = version.error().message();
    return version.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  ret_text = package + " is at " + *version;
  return *version == plan.get("from") ? TargetState::faulty : TargetState::recovered;
}

Openings openings(const Plan& plan) {
  return {.capabilities = {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
                           "CAP_SETUID", "CAP_SYS_CHROOT"},
          .all_paths = true,
          .network = plan.get("network") == "yes"};
}

// The package's own script has started it, unless it does not, or too many starts failed before.
void see_that_it_runs(const Order& order, const EffectContext& context, Outcome& ret_outcome) {
  const Entity& target = order.plan.target;
  if (target.kind != EntityKind::service || ret_outcome.result != OutcomeResult::done) return;
  const auto status = context.manager.status(target.name);
  if (!status || status->active_state == "active") return;
  context.manager.forgive(target.name);
  const Status done = context.manager.job(target.name, UnitJob::restart, order.plan.timeout / 10);
  ret_outcome.text += done ? "; " + target.name + " was started" : "; " + done.error().message();
}

Outcome execute(const Order& order, const EffectContext& context) {
  Outcome outcome = run_in_unit(order, context, openings(order.plan));
  see_that_it_runs(order, context, outcome);
  return outcome;
}

Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  return undo_in_unit(order, first, context, openings(order.plan));
}

// Without network it takes what is in its cache or in a repository on disk. A configuration file that was changed here
// stays as it is; nothing asks.
std::vector<std::string> apt_command(const std::string& wanted, bool simulate) {
  std::vector<std::string> argv{"/usr/bin/env",       "DEBIAN_FRONTEND=noninteractive", kApt, "--quiet", "--yes",
                                "--allow-downgrades", "--no-install-recommends"};
  if (simulate) argv.emplace_back("--simulate");
  for (const char* option : {"Dpkg::Options::=--force-confold", "Dpkg::Options::=--force-confdef",
                             "DPkg::Lock::Timeout=0", "APT::Get::Show-User-Simulation-Note=false"}) {
    argv.emplace_back("-o");
    argv.emplace_back(option);
  }
  argv.emplace_back("install");
  argv.push_back(wanted);
  return argv;
}

int failed(const std::string& text) {
  print_detail("text", text);
  return kEffectFailed;
}

int install(const Plan& plan, const std::string& version) {
  const MonoTime begin = mono_now();
  const std::string package(plan.get("package"));
  ::umask(0022);  // files of packages are for everybody
  const auto before = installed_version(package);
  if (!before) return failed(before.error().message());
  print_detail("was_version", *before);
  const std::string wanted = package + "=" + version;
  const auto simulated =
      capture_program({.argv = apt_command(wanted, true), .most_output = 256 << 10}, plan.timeout / 10 * 2);
  if (!simulated) return failed(simulated.error().message());
  if (simulated->status != 0) return failed("apt has no version " + version + " of " + package);
  if (const std::string why = why_held_back(simulated->output, package, version); simulated->cut || !why.empty())
    return failed("held back: " + (simulated->cut ? "it would change too much to be told" : why));
  const auto ended = run_program(apt_command(wanted, false), plan.timeout / 10 * 6);
  const auto after = installed_version(package);
  if (after) print_detail("version", *after);
  print_detail("took_ms", strf("%lld", static_cast<long long>((mono_now() - begin) / std::chrono::milliseconds(1))));
  if (!ended) return failed(ended.error().message());
  if (*ended != 0) return failed(strf("apt-get ended with status %d", *ended));
  if (!after || *after != version) return failed(package + " is not at " + version + " afterwards");
  print_detail("text", package + " went from " + *before + " to " + version);
  return kEffectDone;
}

int inside(const Plan& plan, const InsideContext&) { return install(plan, std::string(plan.get("version"))); }

int undo_inside(const Plan& plan, std::span<const Attribute>, const InsideContext&) {
  return install(plan, std::string(plan.get("from")));
}

}  // namespace

const EffectInfo kPackageRollbackEffect{.action = "package.rollback",
                                        .inspect = inspect,
                                        .execute = execute,
                                        .inside = inside,
                                        .undo = undo,
                                        .undo_inside = undo_inside};

}  // namespace hostmedic
