// SPDX-License-Identifier: Apache-2.0
// Looks into the journal once a second. Up to kMostLooked records are looked at in a second; beyond that one of 2, 4,
// ... of them, and each stands for those before it; what cannot even be stepped over is skipped and counted. Where
// /dev/kmsg may not be read, the kernel's lines are taken from here.
#include "probes/log/journal_probe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/kernel/kernel_log.h"
#include "probes/kernel/kmsg.h"
#include "probes/log/journal.h"
#include "probes/log/log_source.h"
#include "probes/source/roots.h"

namespace hostmedic {
namespace {

using log::Journal;
using log::JournalEntry;
using log::LogRecord;
using log::LogSource;

constexpr Duration kInterval = std::chrono::seconds(1);
constexpr Duration kTemplatesEvery = std::chrono::seconds(10);  // and the cursor is kept
constexpr std::uint64_t kMostLooked = 2000;                     // records per second
constexpr std::uint64_t kMostStride = 16;                       // one of so many is looked at, at the least
constexpr int kMostTicksBehind = 10;
constexpr std::size_t kMostServices = 64;
constexpr Duration kSilent = std::chrono::minutes(10);  // a service may then give way to another

// Where the journal was read to, over a restart of this program: one line in a file that stays open.
class KeptCursor {
 public:
  explicit KeptCursor(const std::string& state_dir) {
    if (state_dir.empty()) return;
    auto file = open_at(AT_FDCWD, state_dir + "/journal-cursor", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file) file_ = std::move(*file);  // else every start begins at the end of the journal
  }
  std::string read() const {
    char buffer[kMost];
    const ssize_t size = file_ ? ::pread(file_.get(), buffer, sizeof buffer, 0) : 0;
    const std::string_view text(buffer, size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::size_t end = text.find('\n');  // a line without an end was not written wholly
    return std::string(text.substr(0, end == std::string_view::npos ? 0 : end));
  }
  // Not synced: after a crash of the host a little of the journal is read twice. What a longer line leaves behind comes
  // after the line's end.
  void write(std::string cursor) const {
    cursor += '\n';
    if (!file_ || cursor.size() > kMost) return;
    (void)!::pwrite(file_.get(), cursor.data(), cursor.size(), 0);  // as above
  }

 private:
  static constexpr std::size_t kMost = 512;
  Fd file_;
};

class JournalProbe final : public Probe {
 public:
  JournalProbe(std::vector<std::string> directories, const std::string& state_dir, bool kernel_lines)
      : journal_(std::move(directories)), kept_(state_dir), kernel_lines_(kernel_lines) {}

  ~JournalProbe() override { keep(); }

  Status open() { return journal_.open(kept_.read()); }
  Status read(MonoTime now, Sink& sink) override;
  Duration interval() const override { return kInterval; }

 private:
  void begin(MonoTime now, Sink& sink);
  Status look(MonoTime now, Sink& sink);
  void take(const JournalEntry& entry, double weight, MonoTime now, Sink& sink);
  LogSource* service_of(std::string_view unit, MonoTime now, Sink& sink);
  void sample(MonoTime now, Sink& sink);
  void keep() {
    if (std::exchange(moved_, false)) kept_.write(journal_.cursor());
  }

  Journal journal_;
  KeptCursor kept_;
  const bool kernel_lines_;

  std::optional<log::NewTemplates> news_;
  std::unique_ptr<LogSource> host_;
  std::map<std::string, std::unique_ptr<LogSource>, std::less<>> services_;
  KernelLog kernel_;
  std::uint64_t stride_ = 1;
  int ticks_behind_ = 0;
  bool caught_up_ = false, moved_ = false;
  std::uint64_t behind_ = 0, unreadable_ = 0;
  MonoTime templates_at_;
  SeriesId behind_series_ = kNoSeries, unreadable_series_ = kNoSeries, sampling_series_ = kNoSeries;
};

void JournalProbe::begin(MonoTime now, Sink& sink) {
  if (host_) return;
  news_.emplace(now);
  host_ = std::make_unique<LogSource>(sink.entity(EntityKind::host, ""), "", now);
  const EntityId self = sink.entity(EntityKind::agent, "probe.journal");
  behind_series_ = sink.series(self, metric::kLogDropped, "reason=behind");
  unreadable_series_ = sink.series(self, metric::kLogDropped, "reason=unreadable");
  sampling_series_ = sink.series(self, metric::kLogSampling);
  templates_at_ = now;
}

LogSource* JournalProbe::service_of(std::string_view unit, MonoTime now, Sink& sink) {
  if (!unit.ends_with(".service")) return nullptr;
  if (const auto known = services_.find(unit); known != services_.end()) return known->second.get();
  if (services_.size() == kMostServices) {
    const auto silent = std::ranges::min_element(services_, {}, [](const auto& one) { return one.second->used(); });
    if (now - silent->second->used() < kSilent) return nullptr;
    sink.retire(silent->second->entity());
    services_.erase(silent);
  }
  const EntityId entity = sink.entity(EntityKind::service, unit);
  return services_.emplace(std::string(unit), std::make_unique<LogSource>(entity, "", now)).first->second.get();
}

void JournalProbe::take(const JournalEntry& entry, double weight, MonoTime now, Sink& sink) {
  LogRecord record{severity_of_priority(entry.priority), entry.message, weight};
  if (entry.plain_output) {
    const LogLine line = parse_log_line(entry.message);
    record.message = line.message;
    if (line.severity != LogSeverity::unspecified) record.severity = line.severity;
  }
  if (entry.kernel && kernel_lines_) {
    const MonoTime at = now - std::max(Duration::zero(), Duration(wall_now() - entry.at));
    kernel_.line(entry.message, at, sink);
  }
  host_->count(record);
  LogSource* service = service_of(entry.unit, now, sink);
  if (service != nullptr) service->count(record);
  (service != nullptr ? *service : *host_).mine(record, *news_, now, sink);
}

Status JournalProbe::look(MonoTime now, Sink& sink) {
  if (auto followed = journal_.follow(); !followed) return followed;
  std::uint64_t looked = 0;
  for (; looked < kMostLooked; ++looked) {
    const auto passed = journal_.advance(stride_);
    if (!passed) return passed.error();
    if (*passed == 0) break;
    moved_ = true;
    if (const auto entry = journal_.entry()) {
      take(*entry, static_cast<double>(*passed), now, sink);
    } else {
      ++unreadable_;
    }
  }
  const bool behind = looked == kMostLooked;
  if (behind) {
    stride_ = std::min(stride_ * 2, kMostStride);
  } else if (looked < kMostLooked / 4) {
    stride_ = std::max<std::uint64_t>(stride_ / 2, 1);
  }
  caught_up_ = caught_up_ || !behind;
  ticks_behind_ = behind ? ticks_behind_ + 1 : 0;
  if (ticks_behind_ < kMostTicksBehind) return ok();
  ticks_behind_ = 0;
  caught_up_ = true;
  return journal_.skip_to_end();
}

void JournalProbe::sample(MonoTime now, Sink& sink) {
  if (const std::uint64_t lost = journal_.take_lost(); lost > 0) {
    behind_ += lost;
    sink.event({EventKind::samples_lost,
                sink.entity(EntityKind::agent, "probe.journal"),
                now,
                {{std::string(attr::kCount), std::to_string(lost)}}});
  }
  // What was written while nobody looked is no rise of now.
  if (!caught_up_) return;
  host_->sample_severities(sink);
  for (const auto& [unit, source] : services_) source->sample_severities(sink);
  sink.sample(behind_series_, static_cast<double>(behind_));
  sink.sample(unreadable_series_, static_cast<double>(unreadable_));
  sink.sample(sampling_series_, 1.0 / static_cast<double>(stride_));
  if (now - templates_at_ < kTemplatesEvery) return;
  templates_at_ = now;
  host_->sample_templates(now, sink);
  for (const auto& [unit, source] : services_) source->sample_templates(now, sink);
  if (kernel_lines_) kernel_.sample(sink);
  keep();
}

Status JournalProbe::read(MonoTime now, Sink& sink) {
  begin(now, sink);
  auto looked = look(now, sink);
  sample(now, sink);
  return looked;
}

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  const auto id = read_file_at(context.roots.etc.get(), "machine-id", kib(1));
  const std::string machine(id ? trim(*id) : std::string_view());
  if (machine.empty() || machine.find_first_of("/.") != std::string::npos)
    return make_error(ErrorCode::unsupported, "not here, because the host has no machine-id and so no journal");
  const std::string prefix = mount_view(context.roots).prefix;
  const auto& off = context.settings.disable;
  const bool kernel_lines =
      !open_kmsg(context.roots) && std::ranges::find(off, std::string_view("kernel-log")) == off.end();
  auto probe = std::make_unique<JournalProbe>(
      std::vector{prefix + "/var/log/journal/" + machine, prefix + "/run/log/journal/" + machine},
      context.settings.state_dir, kernel_lines);
  if (auto opened = probe->open(); !opened) {
    const Error& why = opened.error();
    if (why.code == ErrorCode::not_found)
      return make_error(ErrorCode::unsupported, "not here, because journald keeps no journal");
    return make_error(ErrorCode::unsupported, "not here, because the journal cannot be read: " + why.message());
  }
  return std::unique_ptr<Probe>(std::move(probe));
}

constexpr const MetricInfo* kMetrics[] = {&metric::kLogRecords,        &metric::kLogTemplatesNew,
                                          &metric::kLogTemplatesKnown, &metric::kLogTemplateRecords,
                                          &metric::kLogDropped,        &metric::kLogSampling};

}  // namespace

const ProbeInfo journal_probe{
    .name = "journal",
    .summary = "records of the journal by severity and kind of message, per service",
    .interval = kInterval,
    .needs = "journald, and its group systemd-journal or CAP_DAC_READ_SEARCH",
    .cost = "60 us per read while nothing is logged; 3 us per record in an unoptimized build (2-core VM)",
    .metrics = kMetrics,
    .make = make,
    .priority = ProbePriority::useful};

}  // namespace hostmedic
