// SPDX-License-Identifier: Apache-2.0
#include "probes/log/log_source.h"

#include <algorithm>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/log/mask.h"

namespace hostmedic::log {
namespace {

constexpr Duration kChooseAgain = std::chrono::minutes(1);
constexpr std::uint32_t kLeastToFollow = 6;  // records in that time
constexpr std::size_t kLongestSample = 300, kLongestText = 200;
constexpr std::size_t kLongestSeriesText = 100;  // an attribute is for reading, the id tells apart

std::string id_of(std::string_view text) { return hex64(fnv1a(text)); }

// As a part of "key=value,key=value".
std::string attribute_text(std::string_view text) {
  std::string shown = printable(redacted(text), kLongestSeriesText);
  std::replace_if(shown.begin(), shown.end(), [](char c) { return c == ',' || c == '='; }, ' ');
  return shown;
}

}  // namespace

void NewTemplates::add(const Where& where, const LogRecord& record, const std::string& text, MonoTime now, Sink& sink) {
  ++count_;
  if (now - minute_ >= std::chrono::minutes(1)) {
    minute_ = now;
    severe_left_ = kMostSevere;
    other_left_ = kMostOther;
  }
  // All that a log says is new at first. But an error in one that was silent so far is worth a word.
  const MonoTime learning_since = record.severity >= LogSeverity::error ? start_ : std::max(start_, where.known_since);
  if (now - learning_since < kLearning) return;
  int& left = record.severity >= LogSeverity::warn ? severe_left_ : other_left_;
  if (left == 0) return;
  --left;
  Event event{EventKind::log_template, where.entity, now, {}};
  const auto add = [&](std::string_view key, std::string value) {
    if (!value.empty()) event.attributes.push_back({std::string(key), std::move(value)});
  };
  add(attr::kLogTemplateId, id_of(text));
  add(attr::kLogTemplateText, printable(redacted(text), kLongestText));
  add(attr::kLogSeverity, std::string(to_string(record.severity)));
  add(attr::kLogSample, printable(redacted(record.message.substr(0, 2 * kLongestSample)), kLongestSample));
  add(attr::kLogFilePath, std::string(where.file));
  sink.event(std::move(event));
}

std::string LogSource::attributes(std::string_view more) const {
  if (file_.empty()) return std::string(more);
  std::string text = std::string(attr::kLogFilePath) + "=" + file_;
  if (!more.empty()) (text += ',') += more;
  return text;
}

void LogSource::mine(const LogRecord& record, NewTemplates& news, MonoTime now, Sink& sink) {
  used_ = now;
  const TemplateMiner::Match match = miner_.take(record.message);
  if (match.index == TemplateMiner::kNone) {
    other_.records += record.weight;
    return;
  }
  if (match.index >= uses_.size()) uses_.resize(match.index + 1u);
  Use& use = uses_[match.index];
  if (match.is_new) {
    use = {};
    ++new_templates_;
    news.add({entity_, file_, since_}, record, miner_.text(match.index), now, sink);
  }
  ++use.lately;
  (use.followed == kNotFollowed ? other_ : followed_[use.followed]).records += record.weight;
}

void LogSource::sample_severities(Sink& sink) {
  for (std::size_t i = 0; i < by_severity_.size(); ++i) {
    Counted& counted = by_severity_[i];
    const auto severity = static_cast<LogSeverity>(i);
    // What matters has a zero from the beginning, so that its first record is a rise.
    if (counted.records == 0 && severity < LogSeverity::info) continue;
    if (counted.series == kNoSeries) {
      counted.series =
          sink.series(entity_, metric::kLogRecords, attributes("log.severity=" + std::string(to_string(severity))));
    }
    sink.sample(counted.series, counted.records);
  }
}

// Gives the most frequent kinds of message a series, as far as there is room.
void LogSource::choose(Sink& sink) {
  while (followed_.size() < kMostFollowedTemplates) {
    std::size_t best = uses_.size();
    for (std::size_t i = 0; i < uses_.size(); ++i) {
      if (uses_[i].followed != kNotFollowed || uses_[i].lately < kLeastToFollow) continue;
      if (best == uses_.size() || uses_[i].lately > uses_[best].lately) best = i;
    }
    if (best == uses_.size()) break;
    const auto index = static_cast<TemplateMiner::Index>(best);
    const std::string& text = miner_.text(index);
    uses_[best].followed = static_cast<std::uint8_t>(followed_.size());
    miner_.pin(index);
    followed_.push_back(
        {0, sink.series(entity_, metric::kLogTemplateRecords,
                        attributes("log.template.id=" + id_of(text) + ",log.template.text=" + attribute_text(text)))});
  }
  for (Use& use : uses_) use.lately = 0;
}

void LogSource::sample_templates(MonoTime now, Sink& sink) {
  if (new_series_ == kNoSeries) {
    new_series_ = sink.series(entity_, metric::kLogTemplatesNew, attributes(""));
    known_series_ = sink.series(entity_, metric::kLogTemplatesKnown, attributes(""));
    chosen_ = now;
  }
  if (now - chosen_ >= kChooseAgain) {
    chosen_ = now;
    choose(sink);
  }
  sink.sample(new_series_, static_cast<double>(new_templates_));
  sink.sample(known_series_, static_cast<double>(miner_.size()));
  if (followed_.empty()) return;
  if (other_.series == kNoSeries)
    other_.series = sink.series(entity_, metric::kLogTemplateRecords, attributes("log.template.id=other"));
  for (const Counted& one : followed_) sink.sample(one.series, one.records);
  sink.sample(other_.series, other_.records);
}

}  // namespace hostmedic::log
