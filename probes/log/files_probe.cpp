// SPDX-License-Identifier: Apache-2.0
#include "probes/log/files_probe.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/log/find_files.h"
#include "probes/log/followed_file.h"
#include "probes/log/place.h"
#include "probes/log/writers.h"
#include "probes/parse/mountinfo.h"
#include "probes/source/roots.h"
#include "probes/source/worker.h"

namespace hostmedic {
namespace {

using log::FollowedFile;

constexpr Duration kInterval = std::chrono::seconds(1);
constexpr Duration kFindEvery = std::chrono::seconds(5);
constexpr Duration kPlaceEvery = std::chrono::minutes(1);
constexpr Duration kSlowEvery = std::chrono::seconds(10);
constexpr std::size_t kMostFiles = 64;
constexpr std::uint64_t kMostPerFile = 1 << 20;  // bytes per second
constexpr std::uint64_t kMostPerTick = 4 << 20;  // of all files
constexpr Duration kWriterWithin = std::chrono::seconds(5);
constexpr int kRestPerWork = 49;  // looking for writers takes at most 2 % of one CPU
// What rsyslog and its like copy out of the journal.
constexpr const char* kSyslogFiles[] = {"/var/log/syslog", "/var/log/messages"};

struct Found {
  log::Writers writers;
  Duration took;
};
struct WriterJob {
  std::shared_ptr<Fd> proc;
  std::string path;
  std::uint64_t device = 0, inode = 0;
  Found run() const {
    const MonoTime begin = mono_now();
    return {log::find_writers(proc->get(), path, device, inode), mono_now() - begin};
  }
};
using WriterWorker = ProbeWorker<WriterJob>;

class LogFilesProbe final : public Probe {
 public:
  LogFilesProbe(const Roots& roots, std::vector<std::string> patterns, std::shared_ptr<Bell> bell)
      : roots_(roots), patterns_(std::move(patterns)), bell_(std::move(bell)) {}

  Status read(MonoTime now, Sink& sink) override;
  Duration interval() const override { return kInterval; }

 private:
  Status place(MonoTime now);
  Status find(MonoTime now, Sink& sink);
  void found(int dir, const std::string& name, const std::string& path, const struct stat& file, MonoTime now);
  void let_go(MonoTime now, Sink& sink);
  void ask_owner(FollowedFile& file, MonoTime now, Sink& sink);
  void take_owner(MonoTime now, Sink& sink);
  static EntityId owner_of(const std::string& unit, Sink& sink);
  void read_files(MonoTime now, Sink& sink);

  const Roots& roots_;
  const std::vector<std::string> patterns_;
  const std::shared_ptr<Bell> bell_;

  std::vector<const std::string*> local_;  // patterns that lie on a local filesystem
  std::string prefix_;
  std::optional<MonoTime> placed_at_, found_at_;
  bool first_ = true, too_many_ = false;
  std::vector<std::unique_ptr<FollowedFile>> files_;
  std::unique_ptr<WriterWorker> worker_;
  std::string asked_;  // whose writer is looked for
  MonoTime asked_at_, ask_again_at_;
  std::optional<log::NewTemplates> news_;
  MonoTime slow_at_;
  std::uint64_t skipped_ = 0;
  SeriesId skipped_series_ = kNoSeries;
  std::array<char, 64 << 10> buffer_;
};

// A network mount may hang, so what lies on one is not looked at.
Status LogFilesProbe::place(MonoTime now) {
  placed_at_ = now;
  const MountView view = mount_view(roots_);
  prefix_ = view.prefix;
  const auto text = read_file_at(roots_.proc.get(), view.mountinfo, mib(4));
  if (!text) return text.error();
  const auto mounts = parse_mountinfo(*text);
  if (!mounts) return mounts.error();
  local_.clear();
  for (const std::string& pattern : patterns_) {
    if (log::local_filesystem_of(log::fixed_part(pattern), *mounts)) local_.push_back(&pattern);
  }
  return ok();
}

void LogFilesProbe::found(int dir, const std::string& name, const std::string& path, const struct stat& file,
                          MonoTime now) {
  FollowedFile* known = nullptr;
  for (const auto& one : files_) {
    if (one->path() == path) known = one.get();
    if (one->path() != path && one->is(file)) return;  // renamed, and read under its old name
  }
  if (known != nullptr) known->seen(now);
  if (known != nullptr && known->is_current(file)) return;
  if (known == nullptr && files_.size() == kMostFiles) {
    too_many_ = true;
    return;
  }
  // O_NONBLOCK: should a pipe have taken its place meanwhile.
  auto opened = open_at(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  struct stat now_there{};
  if (!opened || ::fstat(opened->get(), &now_there) != 0 || !S_ISREG(now_there.st_mode)) return;
  if (known != nullptr) return known->replace(std::move(*opened), now_there, now);
  // What was there before us is history; so is a large file that appears, such as a copy.
  const auto size = static_cast<std::uint64_t>(now_there.st_size);
  const std::uint64_t offset = first_ || size > kMostPerFile ? size : 0;
  files_.push_back(std::make_unique<FollowedFile>(path, std::move(*opened), now_there, offset));
  files_.back()->seen(now);
}

Status LogFilesProbe::find(MonoTime now, Sink& sink) {
  if (found_at_ && now - *found_at_ < kFindEvery) return ok();
  found_at_ = now;
  Status placed = ok();
  if (!placed_at_ || now - *placed_at_ >= kPlaceEvery) placed = place(now);
  too_many_ = false;
  for (const std::string* pattern : local_) {
    log::find_files(prefix_, *pattern,
                    [&](int dir, const std::string& name, const std::string& path, const struct stat& file) {
                      found(dir, name, path, file, now);
                    });
  }
  first_ = false;
  let_go(now, sink);
  return placed;
}

void LogFilesProbe::let_go(MonoTime now, Sink& sink) {
  std::vector<EntityId> left;
  std::erase_if(files_, [&](const std::unique_ptr<FollowedFile>& file) {
    if (!file->gone(now)) return false;
    file->finish(buffer_, *news_, now, sink);
    if (file->has_owner()) left.push_back(file->owner());
    return true;
  });
  for (const EntityId entity : left) {
    if (std::ranges::find(files_, entity, [](const auto& file) { return file->owner(); }) == files_.end())
      sink.retire(entity);
  }
}

EntityId LogFilesProbe::owner_of(const std::string& unit, Sink& sink) {
  if (!unit.ends_with(".service")) return sink.entity(EntityKind::host, "");
  return sink.entity(EntityKind::service, unit);
}

void LogFilesProbe::ask_owner(FollowedFile& file, MonoTime now, Sink& sink) {
  if (!asked_.empty() || now < ask_again_at_) return;
  if (!worker_) {
    auto made = WriterWorker::make(1, bell_);
    if (made) worker_ = std::move(*made);
  }
  auto proc = open_at(roots_.proc.get(), ".", O_RDONLY | O_DIRECTORY);
  const auto job = [&] {
    return std::make_shared<const WriterJob>(
        WriterJob{std::make_shared<Fd>(std::move(*proc)), file.path(), file.device(), file.inode()});
  };
  if (!worker_ || !proc || !worker_->submit(0, job(), now + kWriterWithin))
    return file.set_owner(sink.entity(EntityKind::host, ""), now);
  worker_->start();
  asked_ = file.path();
  asked_at_ = now;
}

void LogFilesProbe::take_owner(MonoTime now, Sink& sink) {
  if (asked_.empty()) return;
  const auto answer = worker_->take(0);
  if (!answer && now - asked_at_ < kWriterWithin) return;
  const auto file = std::ranges::find(files_, asked_, [](const auto& one) { return one->path(); });
  asked_.clear();
  ask_again_at_ = now + (answer ? std::min<Duration>(answer->took * kRestPerWork, kWriterWithin) : kWriterWithin);
  if (file != files_.end() && !(*file)->has_owner())
    (*file)->set_owner(owner_of(answer ? answer->writers.unit : "", sink), now);
}

void LogFilesProbe::read_files(MonoTime now, Sink& sink) {
  std::uint64_t left = kMostPerTick;
  for (const auto& file : files_) {
    if (!file->has_owner()) {
      if (file->has_grown()) ask_owner(*file, now, sink);
      continue;
    }
    const std::uint64_t most = std::max<std::uint64_t>(std::min(kMostPerFile, left), log::kLongestLine);
    const auto read = file->read(buffer_, most, *news_, now, sink);
    if (!read) continue;  // its name will be gone, or the next second tells more
    skipped_ += read->skipped;
    left -= std::min(left, read->grown - read->skipped);
  }
}

Status LogFilesProbe::read(MonoTime now, Sink& sink) {
  if (!news_) {
    news_.emplace(now);
    slow_at_ = now;
    skipped_series_ = sink.series(sink.entity(EntityKind::agent, "probe.log-files"), metric::kLogSkipped);
  }
  auto status = find(now, sink);
  take_owner(now, sink);
  read_files(now, sink);
  for (const auto& file : files_) file->sample(sink);
  sink.sample(skipped_series_, static_cast<double>(skipped_));
  if (now - slow_at_ >= kSlowEvery) {
    slow_at_ = now;
    for (const auto& file : files_) file->sample_slow(now, sink);
  }
  if (status && too_many_) return make_error(ErrorCode::limit, "more log files than are followed");
  return status;
}

bool has_journal(const ProbeContext& context) {
  const auto id = read_file_at(context.roots.etc.get(), "machine-id", kib(1));
  if (!id) return false;
  const std::string base = mount_view(context.roots).prefix,
                    file = "/log/journal/" + std::string(trim(*id)) + "/system.journal";
  struct stat found{};
  return ::stat((base + "/run" + file).c_str(), &found) == 0 || ::stat((base + "/var" + file).c_str(), &found) == 0;
}

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  std::vector<std::string> patterns = context.settings.log_files;
  if (patterns.empty()) return make_error(ErrorCode::unsupported, "not here, because no log files are configured");
  if (!has_journal(context)) patterns.insert(patterns.end(), std::begin(kSyslogFiles), std::end(kSyslogFiles));
  auto bell = Bell::make();
  if (!bell) return std::move(bell).error();
  return std::unique_ptr<Probe>(std::make_unique<LogFilesProbe>(context.roots, std::move(patterns), std::move(*bell)));
}

constexpr const MetricInfo* kMetrics[] = {
    &metric::kLogRecords,         &metric::kLogTemplatesNew, &metric::kLogTemplatesKnown,
    &metric::kLogTemplateRecords, &metric::kLogSkipped,      &metric::kHttpRequests,
    &metric::kHttpResponseBytes,  &metric::kHttpDurationP50, &metric::kHttpDurationP99};

}  // namespace

const ProbeInfo log_files_probe{
    .name = "log-files",
    .summary = "log files by severity and kind of message, access logs by status and duration",
    .interval = kInterval,
    .needs = "CAP_DAC_READ_SEARCH, and CAP_SYS_PTRACE for whose log it is",
    .cost = "50 us per second with no file that grows (2-core VM)",
    .metrics = kMetrics,
    .make = make,
    .priority = ProbePriority::useful};

}  // namespace hostmedic
