// SPDX-License-Identifier: Apache-2.0
// journal.vacuum: journald removes its own oldest archives; we only ask, and measure.
#include <fcntl.h>

#include "actions/catalog/effect_child.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/journal_vacuum/effect_usage.h"
#include "actions/catalog/log_rotate/effect_open.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr const char* kDirectories[] = {"/var/log/journal", "/run/log/journal"};

std::optional<std::uint64_t> usage() {
  std::optional<std::uint64_t> bytes;
  for (const char* directory : kDirectories)
    if (const auto here = journal_usage(directory)) bytes = bytes.value_or(0) + *here;
  return bytes;
}

std::string percent_of(const std::string& mount_point) {
  const auto dir = open_at(AT_FDCWD, mount_point, O_PATH | O_DIRECTORY);
  const auto share = dir ? utilization_of(dir->get()) : std::nullopt;
  return share ? strf("%.1f%%", *share * 100) : "unknown";
}

TargetState inspect(const Plan& plan, const EffectContext&, std::string& ret_text) {
  const auto bytes = usage();
  const auto wanted = parse_bytes(plan.get("vacuum_size"));
  if (!bytes || !wanted) {
    ret_text = "the journal's directory cannot be read";
    return TargetState::unknown;
  }
  ret_text = "the journal takes " + format_bytes(Bytes{*bytes}) + ", " + plan.target.name + " is " +
             percent_of(plan.target.name) + " full";
  return *bytes <= wanted->count ? TargetState::recovered : TargetState::faulty;
}

Outcome execute(const Order& order, const EffectContext& context) {
  // "-": one of the two need not exist.
  return run_in_unit(
      order, context,
      {.capabilities = {"CAP_DAC_OVERRIDE"}, .read_write_paths = {"-/var/log/journal", "-/run/log/journal"}});
}

int inside(const Plan& plan, const InsideContext&) {
  const MonoTime begin = mono_now();
  const auto wanted = parse_bytes(plan.get("vacuum_size"));
  const auto before = usage();
  if (!wanted || !before) {
    print_detail("text", "the journal's directory cannot be read");
    return kEffectFailed;
  }
  print_detail("utilization_before", percent_of(plan.target.name));
  // First a fresh file, so that the large active ones count as archived.
  const auto ended = run_program({"/usr/bin/journalctl", "--rotate",
                                  strf("--vacuum-size=%lluK", static_cast<unsigned long long>(wanted->count >> 10))},
                                 plan.timeout / 10 * 9);
  const auto after = usage();
  const auto number = [](std::uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); };
  print_detail("bytes_before", number(*before));
  if (after) print_detail("bytes_after", number(*after));
  if (after) print_detail("bytes_freed", number(*before > *after ? *before - *after : 0));
  print_detail("utilization_after", percent_of(plan.target.name));
  print_detail("took_ms", strf("%lld", static_cast<long long>((mono_now() - begin) / std::chrono::milliseconds(1))));
  if (!ended || *ended != 0) {
    print_detail("text", ended ? strf("journalctl ended with status %d", *ended) : ended.error().message());
    return kEffectFailed;
  }
  print_detail("text", "the journal shrank from " + format_bytes(Bytes{*before}) + " to " +
                           (after ? format_bytes(Bytes{*after}) : "an unknown size"));
  return kEffectDone;
}

}  // namespace

const EffectInfo kJournalVacuumEffect{
    .action = "journal.vacuum", .inspect = inspect, .execute = execute, .inside = inside};

}  // namespace hostmedic
