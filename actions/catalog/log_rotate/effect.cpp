// SPDX-License-Identifier: Apache-2.0
// log.rotate: gives space back by moving the older part of a log into a compressed archive. logrotate does it where
// the administrator configured it; what logrotate leaves uncompressed, and every other log, is moved by chunks.
#include <fcntl.h>

#include <algorithm>
#include <thread>

#include "actions/catalog/catalog.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/log_rotate/effect_archive.h"
#include "actions/catalog/log_rotate/effect_logrotate.h"
#include "actions/catalog/log_rotate/effect_open.h"
#include "actions/catalog/log_rotate/effect_writers.h"
#include "actions/catalog/plan_check.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

// Below this a log does not fill a filesystem, and its treatment gains nothing.
constexpr std::uint64_t kLeastLog = 1 << 20;

std::string percent(std::optional<double> share) { return share ? strf("%.1f%%", *share * 100) : "unknown"; }

// The policy's directory that permits the plan's; empty: none does. The way to the log is followed from there, since
// what lies below it may belong to somebody who made a link of it.
std::string allowed_root(const guard::Policy& policy, std::string_view root) {
  for (const std::string& allowed : policy.log_roots)
    if (root == allowed || is_below(root, allowed)) return allowed;
  return {};
}

bool uses_logrotate(const Plan& plan) { return plan.get("method") != "copy" && !plan.get("logrotate_config").empty(); }

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  const std::string path(plan.get("path")), root = allowed_root(context.policy, plan.get("root"));
  if (root.empty()) {
    ret_text = std::string(plan.get("root")) + " is not among the log roots of the policy";
    return TargetState::unknown;
  }
  const auto root_dir = open_at(AT_FDCWD, root, O_PATH | O_DIRECTORY);
  const std::string used = percent(root_dir ? utilization_of(root_dir->get()) : std::nullopt);
  const auto seen = look_at_log(root, path);
  if (!seen && seen.error().code == ErrorCode::denied && seen.error().sys_errno != 0) {
    // A directory that only its owner may enter. The effect, which may, looks again before it does anything.
    ret_text = path + " cannot be looked at from here; the filesystem of " + root + " is " + used + " full";
    return TargetState::faulty;
  }
  if (!seen) {
    ret_text = seen.error().message();
    return seen.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  const std::uint64_t on_disk = static_cast<std::uint64_t>(seen->st_blocks) * 512;
  ret_text = path + " takes " + format_bytes(Bytes{on_disk}) + ", its filesystem is " + used + " full";
  return on_disk < kLeastLog ? TargetState::recovered : TargetState::faulty;
}

Outcome execute(const Order& order, const EffectContext& context) {
  const std::string root = allowed_root(context.policy, order.plan.get("root"));
  if (root.empty()) {
    Outcome outcome;
    outcome.result = OutcomeResult::refused;
    outcome.text = std::string(order.plan.get("root")) + " is not among the log roots of the policy";
    return outcome;
  }
  std::vector<std::string> capabilities{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_LEASE"};
  std::vector<std::string> paths{std::string(order.plan.get("root"))};
  if (uses_logrotate(order.plan)) {
    // "su" and the scripts of the configuration, which may signal the writer.
    for (const char* more : {"CAP_KILL", "CAP_SETGID", "CAP_SETUID"}) capabilities.emplace_back(more);
  }
  Order from_root = order;
  for (Attribute& parameter : from_root.plan.parameters)
    if (parameter.key == "root") parameter.value = root;
  if (!kLogRotate.validate(from_root.plan)) from_root = order;  // "/var" may permit logs, but is no root of them
  return run_in_unit(from_root, context,
                     {.capabilities = std::move(capabilities), .read_write_paths = std::move(paths)});
}

std::string archive_name(const std::string& log) {
  std::string stamp = format_utc(wall_now());  // 2026-11-21T02:18:53.120Z
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  return log + "." + stamp + ".gz";
}

void add_note(std::string& notes, const std::string& note) {
  if (note.empty()) return;
  notes += (notes.empty() ? "" : "; ") + note;
}

// Lets logrotate rename the log. Returns the file under its new name, or the live one if that did not happen.
void rotate_by_config(const Plan& plan, const InsideContext& context, Duration most, LogFile& log, bool& ret_unused,
                      std::string& notes) {
  constexpr auto kReopenTime = std::chrono::seconds(5);  // a writer may take a moment to let go of the old file
  constexpr auto kPause = std::chrono::milliseconds(50);
  LogrotateJob job;
  job.config = plan.get("logrotate_config");
  job.main_config = "/etc/logrotate.conf";
  job.scratch = context.scratch;
  job.timeout = most;
  if (const Status rotated = run_logrotate(job); !rotated) add_note(notes, rotated.error().message());
  const std::string name = present_name(log);
  if (name == log.name) return add_note(notes, "logrotate did not rename the log");
  const std::size_t directory = log.path.size() - log.name.size();
  log.name = name;
  if (name.empty()) return;  // compressed already, or moved elsewhere
  log.path.replace(directory, std::string::npos, name);
  for (const MonoTime end = mono_now() + kReopenTime; !ret_unused && mono_now() < end;) {
    ret_unused = is_sole_user(log.file.get());
    if (!ret_unused) std::this_thread::sleep_for(kPause);
  }
  if (!ret_unused) add_note(notes, "somebody still has " + name + " open");
}

void print_report(const ArchiveReport& report, const LogFile& log, const std::string& archive) {
  const auto number = [](std::uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); };
  print_detail("bytes_before", number(report.bytes_before));
  print_detail("bytes_after", number(report.bytes_after));
  print_detail("bytes_freed", number(report.bytes_freed));
  print_detail("chunks", number(report.chunks));
  if (report.archive_bytes == 0) return;
  print_detail("archive", log.path.substr(0, log.path.size() - log.name.size()) + archive);
  print_detail("archive_bytes", number(report.archive_bytes));
}

int inside(const Plan& plan, const InsideContext& context) {
  const MonoTime begin = mono_now();
  auto log = open_log(std::string(plan.get("root")), std::string(plan.get("path")));
  if (!log) {
    print_detail("text", log.error().message());
    return log.error().code == ErrorCode::not_found ? kEffectUnnecessary : kEffectFailed;
  }
  print_detail("utilization_before", percent(utilization_of(log->file.get())));
  std::string notes;
  bool unused = false;
  if (uses_logrotate(plan)) rotate_by_config(plan, context, plan.timeout / 2, *log, unused, notes);

  Status status = ok();
  ArchiveReport report;
  if (!log->name.empty()) {
    struct stat seen{};
    (void)::fstat(log->file.get(), &seen);  // zeros match no file, so nobody would be seen
    ArchiveJob job;
    job.keep = parse_u64(plan.get("keep")).value_or(0);
    job.whole = unused;
    job.writers_append = plan.get("writer_appends") == "1" && look_for_writers(context.proc, seen).other == 0;
    job.deadline = begin + plan.timeout / 10 * 8;
    job.archive = archive_name(log->name);
    status = archive_log(*log, job, report);
    add_note(notes, report.note);
    print_report(report, *log, job.archive);
    if (status && unused && report.complete) (void)::unlinkat(log->dir.get(), log->name.c_str(), 0);
  }
  print_detail("utilization_after", percent(utilization_of(log->file.get())));
  print_detail("took_ms", strf("%lld", static_cast<long long>((mono_now() - begin) / std::chrono::milliseconds(1))));
  if (!notes.empty()) print_detail("note", notes);
  if (!status) {
    print_detail("text", status.error().message());
    return kEffectFailed;
  }
  print_detail("text", log->name.empty() ? "logrotate rotated and compressed " + std::string(plan.get("path"))
                                         : "moved " + format_bytes(Bytes{report.bytes_freed}) + " of " + log->path +
                                               " into " + format_bytes(Bytes{report.archive_bytes}) + " of archive");
  return kEffectDone;
}

}  // namespace

const EffectInfo kLogRotateEffect{.action = "log.rotate", .inspect = inspect, .execute = execute, .inside = inside};

}  // namespace hostmedic
