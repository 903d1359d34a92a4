// SPDX-License-Identifier: Apache-2.0
#include "probes/openmetrics/published.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

// Refused names are remembered too, so that their patterns are not tried again; this many at the most.
constexpr std::size_t kMostKnown = 8192;

// Name and labels lie beside each other in the text.
std::string_view key_of(const ExposedSample& sample) {
  if (sample.labels.empty()) return sample.name;
  return {sample.name.data(),
          static_cast<std::size_t>(sample.labels.data() + sample.labels.size() - sample.name.data())};
}

}  // namespace

Published::Known* Published::find(const ExposedSample& sample, EntityId entity, Sink& sink, Counts& counts) {
  if (const auto known = known_.find(key_of(sample)); known != known_.end()) return &known->second;
  if (known_.size() == kMostKnown) known_.clear(), taken_ = 0;  // an exporter that invents names for ever
  const bool allowed =
      std::ranges::any_of(allow_, [&](const std::string& pattern) { return glob_match(pattern, sample.name); });
  const auto attributes = labels_to_attributes(sample.labels);
  Known known;
  if (allowed && !attributes) ++counts.malformed;
  if (allowed && attributes && taken_ == kMostSeries) {
    ++counts.left_out;
    return nullptr;
  }
  if (allowed && attributes) {
    const MetricInfo metric{sample.name, Unit::count, sample.counter ? Instrument::counter : Instrument::gauge, ""};
    known.series = sink.series(entity, metric, *attributes);
    ++taken_;
  }
  return &known_.emplace(key_of(sample), known).first->second;
}

Published::Counts Published::show(std::string_view text, EntityId entity, Sink& sink) {
  ++round_;
  Counts counts;
  ExpositionReader reader(text);
  for (ExposedSample sample; reader.next(sample);) {
    Known* known = find(sample, entity, sink, counts);
    if (known == nullptr || known->series == kNoSeries || known->shown == round_) continue;
    known->shown = round_;
    sink.sample(known->series, sample.value);
    ++counts.taken;
  }
  counts.malformed += reader.malformed();
  for (auto& [key, known] : known_) {
    if (known.series != kNoSeries && known.shown != round_) sink.sample(known.series, std::nullopt);
  }
  return counts;
}

void Published::unknown(Sink& sink) {
  for (auto& [key, known] : known_) {
    if (known.series != kNoSeries) sink.sample(known.series, std::nullopt);
  }
}

}  // namespace hostmedic
