// SPDX-License-Identifier: Apache-2.0
#include "probes/change/change_watch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/cgroup/layout.h"
#include "probes/change/file_rules.h"
#include "probes/parse/process_files.h"
#include "probes/parse/unit_name.h"

namespace hostmedic::change {
namespace {

constexpr Bytes kMostSmall = kib(4);

std::string small_text(int dir, const char* path) {
  const auto text = read_file_at(dir, path, kMostSmall);
  return text ? printable(trim(*text), 256) : std::string();
}

void add(Fact& fact, std::string_view key, std::string_view value) {
  if (!value.empty()) fact.attributes.push_back({std::string(key), printable(value, kMostAttributeValue)});
}

Fact change_of(Entity entity, std::string_view type, std::string_view action, WallTime at) {
  Fact fact{EventKind::change, std::move(entity), at, {}};
  add(fact, attr::kChangeType, type);
  add(fact, attr::kChangeAction, action);
  return fact;
}

TreeRules rules_of(const ProbeSettings& settings) {
  TreeRules rules;
  rules.directories = unit_directories();
  rules.copied = settings.change_trees;
  rules.copied.push_back(rules.directories.front());  // what people write; the other units come with packages
  for (const std::string& tree : settings.change_trees)
    if (std::ranges::find(rules.directories, tree) == rules.directories.end()) rules.directories.push_back(tree);
  rules.excluded = settings.change_exclude;
  return rules;
}

Fd again(const Fd& dir) { return Fd(::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

}  // namespace

Result<std::shared_ptr<ChangeWatch>> ChangeWatch::make(const ProbeContext& context,
                                                       std::shared_ptr<DirectoryWatch> news) {
  const Roots& roots = context.roots;
  Dirs dirs{again(roots.root), again(roots.proc), again(roots.sys)};
  Fd trees = again(roots.root), logs = again(roots.root), units = again(roots.root);
  if (!dirs.root || !dirs.proc || !trees || !logs || !units) return errno_error(errno, "the host's directories");
  return std::shared_ptr<ChangeWatch>(
      new ChangeWatch(std::move(dirs), std::move(trees), std::move(logs), std::move(units), context, std::move(news)));
}

ChangeWatch::ChangeWatch(Dirs dirs, Fd trees, Fd logs, Fd units, const ProbeContext& context,
                         std::shared_ptr<DirectoryWatch> news)
    : dirs_(std::move(dirs)),
      state_dir_(context.settings.state_dir),
      copies_(state_dir_),
      trees_(std::move(trees), context.roots.root_path, rules_of(context.settings), news, &copies_),
      logs_(std::move(logs), context.roots.root_path, news),
      units_(std::move(units), context.roots.root_path, news) {}

Findings ChangeWatch::look(const Ask& ask, WallTime now) {
  Findings findings;
  const bool first = !std::exchange(begun_, true);
  if (first) begin(now, findings);
  const std::optional<WallTime> seen = first && remembers_ ? std::optional(memory_.seen) : std::nullopt;
  if (ask.everything || logs_.has_more() || logs_.has_news_of(ask.news)) tell_packages(now, findings);
  const auto files = ask.everything ? trees_.look_at_all(now, seen) : trees_.look_at(ask.news, now);
  for (const FileChange& change : files) tell_file(change, findings);
  std::ranges::stable_sort(findings.facts, {}, &Fact::at);
  if (ask.everything || units_.has_news_of(ask.news)) tell_owners(now, findings);
  findings.dropped = trees_.take_restless();
  findings.more = logs_.has_more();
  findings.polls = trees_.unwatched() > 0;
  findings.note = note();
  if (!findings.facts.empty() || first) memory_.seen = now;
  memory_.logs = logs_.places();
  remember(now, findings);
  return findings;
}

void ChangeWatch::begin(WallTime now, Findings& findings) {
  struct stat owner{};
  writes_ = !state_dir_.empty() && ::stat(state_dir_.c_str(), &owner) == 0 && owner.st_uid == ::geteuid();
  memory_.seen = now;
  if (!state_dir_.empty()) {
    const auto text = read_file(state_dir_ + "/changes", {kMostMemory});
    auto memory = text ? parse_memory(*text) : Result<Memory>(text.error());
    remembers_ = static_cast<bool>(memory);
    if (memory) memory_ = std::move(*memory);  // else as at the first start
  }
  tell_boot(findings);
}

// Since when process 1 runs; in a container that is not the boot of the machine.
WallTime ChangeWatch::started_at() const {
  const auto text = read_file_at(dirs_.proc.get(), "1/stat", kMostSmall);
  const auto stat = text ? parse_process_stat(*text) : Result<ProcessStat>(text.error());
  if (!stat) return wall_now();
  const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  const MonoTime started = mono_from_ns(static_cast<std::int64_t>(stat->start_ticks * (1'000'000'000 / per_second)));
  return wall_now() - std::max(mono_now() - started, Duration::zero());
}

void ChangeWatch::tell_boot(Findings& findings) {
  const std::string boot = small_text(dirs_.proc.get(), "sys/kernel/random/boot_id");
  const std::string kernel = small_text(dirs_.proc.get(), "sys/kernel/osrelease");
  const bool booted = !memory_.boot_id.empty() && !boot.empty() && boot != memory_.boot_id;
  if (booted) {
    const WallTime at = started_at();
    Fact fact = change_of({EntityKind::host, ""}, "boot", "booted", at);
    add(fact, attr::kChangeVersion, kernel);
    findings.facts.push_back(std::move(fact));
    if (!kernel.empty() && !memory_.kernel.empty() && kernel != memory_.kernel) {
      Fact other = change_of({EntityKind::host, ""}, "kernel", "booted", at);
      add(other, attr::kChangeVersion, kernel);
      add(other, attr::kChangePreviousVersion, memory_.kernel);
      findings.facts.push_back(std::move(other));
    }
  }
  memory_.boot_id = boot;
  memory_.kernel = kernel;
}

// The unit that a link in a unit directory stands for, or the unit itself.
std::optional<std::string> ChangeWatch::service_of(const std::string& path) const {
  for (const std::string& name : services_of_configuration(path)) {
    for (const std::string& directory : unit_directories()) {
      const std::string unit = directory.substr(1) + "/" + name + ".service";
      struct stat found{};
      if (::fstatat(dirs_.root.get(), unit.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
      char target[512];
      const ssize_t n =
          S_ISLNK(found.st_mode) ? ::readlinkat(dirs_.root.get(), unit.c_str(), target, sizeof target) : 0;
      std::string_view alias(target, n > 0 ? static_cast<std::size_t>(n) : 0);
      alias.remove_prefix(std::min(alias.rfind('/') + 1, alias.size()));
      return is_followed_service(alias) ? std::string(alias) : name + ".service";
    }
  }
  return std::nullopt;
}

void ChangeWatch::tell_file(const FileChange& change, Findings& findings) const {
  const auto unit_directory = std::ranges::any_of(
      unit_directories(), [&](const std::string& directory) { return change.path.starts_with(directory + "/"); });
  const auto service = unit_directory ? service_of_unit_file(change.path) : service_of(change.path);
  if (unit_directory && !service) return;
  Fact fact = change_of(service ? Entity{EntityKind::service, *service} : Entity{EntityKind::host, ""},
                        unit_directory ? "unit_file" : "configuration", to_string(change.action), change.at);
  add(fact, attr::kChangePath, change.path);
  findings.facts.push_back(std::move(fact));
}

void ChangeWatch::tell_packages(WallTime now, Findings& findings) {
  for (const DatedPackageChange& dated : logs_.look(now, memory_)) {
    Fact fact =
        change_of({EntityKind::package, dated.change.name}, "package", to_string(dated.change.action), dated.at);
    add(fact, attr::kChangeName, dated.change.name);
    add(fact, attr::kChangeVersion, dated.change.version);
    add(fact, attr::kChangePreviousVersion, dated.change.previous);
    findings.facts.push_back(std::move(fact));
  }
}

// Those that run and those that are enabled.
std::set<std::string> ChangeWatch::services_here() const {
  std::set<std::string> services = enabled_services(dirs_.root.get());
  const auto layout = find_cgroup_layout(dirs_.sys.get());
  const auto running =
      layout ? list_services(dirs_.sys.get(), layout->units_tree) : Result<std::vector<GroupRow>>(layout.error());
  if (running)
    for (const GroupRow& row : *running) services.insert(row.name);
  return services;
}

void ChangeWatch::tell_owners(WallTime now, Findings& findings) {
  const bool again = owners_at_ == WallTime{} || now - owners_at_ >= kTellAgain || now < owners_at_;
  std::set<std::string> services;
  if (again) {
    owners_at_ = now;
    services = services_here();
  }
  for (const Ownership& owned : units_.look(again ? &services : nullptr)) {
    Fact fact{EventKind::relation, {EntityKind::service, owned.service}, now, {}};
    add(fact, attr::kRelationType, "owned_by");
    add(fact, attr::kRelationTarget, to_string(Entity{EntityKind::package, owned.package}));
    add(fact, attr::kRelationState, owned.present ? "present" : "gone");
    findings.facts.push_back(std::move(fact));
  }
}

void ChangeWatch::remember(WallTime now, Findings& findings) {
  if (!writes_ || memory_ == saved_) return;
  findings.unsaved = now - saved_at_ < kSaveEvery && now >= saved_at_;
  if (findings.unsaved) return;
  saved_at_ = now;
  // Without it the next start knows of nothing before; the note says so.
  writes_ = static_cast<bool>(write_file_atomic(state_dir_ + "/changes", to_text(memory_), 0600));
  saved_ = memory_;
}

std::string ChangeWatch::note() const {
  std::string text = strf("%zu files watched", trees_.files());
  if (trees_.cut()) text += ", more are not";
  if (trees_.unwatched() > 0)
    text +=
        strf("; %zu directories are looked at every minute, because inotify does not take them", trees_.unwatched());
  if (!logs_.any())
    text += "; packages: not here, because neither dpkg nor dnf 4 keeps its log";
  else if (!units_.here())
    text += "; which package owns a service: not here, because rpm's database is read by rpm alone";
  if (copies_.refused() > 0)
    text += strf("; %llu files have no copy for want of room", static_cast<unsigned long long>(copies_.refused()));
  if (!writes_) text += "; nothing is remembered, because there is no state directory of its own";
  return text;
}

}  // namespace hostmedic::change
