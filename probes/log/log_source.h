// SPDX-License-Identifier: Apache-2.0
// What one log says over time, as series: how many records of which severity, how many kinds of message, and how often
// the most frequent of them come. Everything is bounded, so the number of series does not grow with what is logged:
// once a kind of message has a series it keeps it. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "probes/log/template_miner.h"
#include "probes/parse/log_line.h"
#include "probes/probe.h"

namespace hostmedic::log {

inline constexpr std::size_t kMostFollowedTemplates = 16;  // with a series of their own, per source
inline constexpr Duration kLearning = std::chrono::minutes(10);

struct LogRecord {
  LogSeverity severity = LogSeverity::unspecified;
  std::string_view message;
  double weight = 1;  // how many records it stands for
};

// Tells of kinds of message that are new, as events; shared by the sources of a probe so that all of them together stay
// within a rate. Counts over all of them.
class NewTemplates {
 public:
  static constexpr int kMostSevere = 20, kMostOther = 5;  // events per minute: from WARN upwards, and below

  explicit NewTemplates(MonoTime start) : start_(start) {}
  struct Where {
    EntityId entity{};
    std::string_view file;  // empty for the journal
    MonoTime known_since;   // the source
  };
  void add(const Where& where, const LogRecord& record, const std::string& text, MonoTime now, Sink& sink);
  std::uint64_t count() const { return count_; }

 private:
  MonoTime start_, minute_;
  std::uint64_t count_ = 0;
  int severe_left_ = kMostSevere, other_left_ = kMostOther;
};

class LogSource {
 public:
  // file: "" for the journal, else it is an attribute of every series.
  LogSource(EntityId entity, std::string file, MonoTime now) : entity_(entity), file_(std::move(file)), since_(now) {}

  void count(const LogRecord& record) {
    by_severity_[static_cast<std::size_t>(record.severity)].records += record.weight;
  }
  // Which kind of message it is.
  void mine(const LogRecord& record, NewTemplates& news, MonoTime now, Sink& sink);

  // The counts by severity; every second.
  void sample_severities(Sink& sink);
  // What concerns kinds of message, every ten seconds.
  void sample_templates(MonoTime now, Sink& sink);

  EntityId entity() const { return entity_; }
  const std::string& file() const { return file_; }
  const TemplateMiner& miner() const { return miner_; }
  MonoTime used() const { return used_; }  // when it said something

 private:
  struct Counted {
    double records = 0;
    SeriesId series = kNoSeries;
  };
  static constexpr std::uint8_t kNotFollowed = 0xff;
  void choose(Sink& sink);
  std::string attributes(std::string_view more) const;

  EntityId entity_;
  std::string file_;
  MonoTime since_, used_, chosen_;
  std::array<Counted, kLogSeverityCount> by_severity_{};
  TemplateMiner miner_;
  std::uint64_t new_templates_ = 0;
  SeriesId new_series_ = kNoSeries, known_series_ = kNoSeries;
  // By index of the template.
  struct Use {
    std::uint32_t lately = 0;  // lines since the last choice
    std::uint8_t followed = kNotFollowed;
  };
  std::vector<Use> uses_;
  std::vector<Counted> followed_;
  Counted other_;
};

}  // namespace hostmedic::log
