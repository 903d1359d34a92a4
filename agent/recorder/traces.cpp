// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/traces.h"

#include <sys/stat.h>

#include <map>

#include "agent/base/file.h"
#include "agent/net/gzip.h"
#include "agent/recorder/frame_pack.h"
#include "agent/recorder/large_frame.h"
#include "agent/recorder/recording.h"
#include "agent/recorder/ring.h"
#include "detect/feature/rate.h"

namespace hostmedic {
namespace {

// One wished series: its points as sums of equal parts of the time.
struct Drawn {
  Trace trace;
  detect::CounterRate rate;
  std::vector<std::pair<double, std::uint32_t>> parts;
};

class Tracer {
 public:
  Tracer(WallTime from, WallTime to, std::span<const TraceWish> wishes) : from_(from), to_(to), wishes_(wishes) {}

  Status segment(const Segment& segment) {
    if (!segment.head.continues) by_id_.clear();
    auto text = gunzip(segment.definitions, kMostRecord);
    if (!text) return std::move(text).error();
    Frame frame;
    if (Status decoded = decode_large(*text, frame); !decoded) return decoded;
    define(frame);
    FrameUnpacker unpacker;
    for (const RecordView& record : segment.records) {
      if (record.kind != RecordKind::frame) continue;
      if (Status unpacked = unpacker.unpack(record.payload, frame); !unpacked) return unpacked;
      if (frame.wall > to_) return ok();
      hear(frame);
    }
    return ok();
  }

  std::vector<Trace> take() {
    std::vector<Trace> traces;
    for (auto& [name, drawn] : drawn_) traces.push_back(finish(drawn));
    return traces;
  }

 private:
  static std::string signal_of(const SeriesDef& def) {
    return def.attributes.empty() ? def.name : def.name + "{" + def.attributes + "}";
  }

  void define(const Frame& frame) {
    if (frame.first) entities_.clear(), by_id_.clear();
    for (const EntityId gone : frame.gone) {
      entities_.erase(gone);
      std::erase_if(by_id_, [&](const auto& row) { return row.second.entity == gone; });
    }
    for (const EntityDef& def : frame.entities) entities_[def.id] = def.entity;
    for (const SeriesDef& def : frame.series) {
      by_id_.erase(def.id);
      const auto entity = entities_.find(def.entity);
      if (entity == entities_.end()) continue;
      const std::string signal = signal_of(def);
      for (const TraceWish& wish : wishes_)
        if (wish.entity == entity->second && wish.signal == signal) bind(def, entity->second, signal);
    }
  }

  void bind(const SeriesDef& def, const Entity& entity, const std::string& signal) {
    const bool counter = def.instrument == Instrument::counter;
    Drawn& drawn = drawn_[{entity, signal}];
    drawn.trace = {entity, signal, counter ? detect::rate_unit(def.unit) : def.unit, {}};
    drawn.rate = {};
    if (drawn.parts.empty()) drawn.parts.resize(kMostTracePoints);
    by_id_[def.id] = {&drawn, def.entity, counter};
  }

  void hear(const Frame& frame) {
    if (frame.first || !frame.entities.empty() || !frame.series.empty() || !frame.gone.empty()) define(frame);
    for (const Sample& sample : frame.samples) {
      const auto found = by_id_.find(sample.series);
      if (found == by_id_.end()) continue;
      std::optional<detect::Reading> reading = detect::Reading{frame.mono, sample.value, frame.wall};
      if (found->second.counter) reading = found->second.drawn->rate.step(*reading);
      if (reading && reading->value && frame.wall >= from_) add(*found->second.drawn, frame.wall, *reading->value);
    }
  }

  void add(Drawn& drawn, WallTime at, double value) const {
    const double share = to_seconds(at - from_) / std::max(to_seconds(to_ - from_), 1e-9);
    const auto part = static_cast<std::size_t>(share * static_cast<double>(kMostTracePoints));
    auto& [sum, count] = drawn.parts[std::min(part, kMostTracePoints - 1)];
    sum += value;
    ++count;
  }

  Trace finish(Drawn& drawn) const {
    const Duration part = (to_ - from_) / kMostTracePoints;
    for (std::size_t i = 0; i < drawn.parts.size(); ++i)
      if (const auto& [sum, count] = drawn.parts[i]; count > 0)
        drawn.trace.points.emplace_back(from_ + part * static_cast<std::int64_t>(i) + part / 2, sum / count);
    return std::move(drawn.trace);
  }

  struct Bound {
    Drawn* drawn = nullptr;
    EntityId entity{};
    bool counter = false;
  };
  const WallTime from_, to_;
  const std::span<const TraceWish> wishes_;
  std::map<EntityId, Entity> entities_;
  std::map<SeriesId, Bound> by_id_;
  std::map<std::pair<Entity, std::string>, Drawn> drawn_;
};

// The files of the ring that may have something of the time, or the file itself.
Result<std::vector<std::string>> files_of(const std::string& path, WallTime from, WallTime to) {
  struct stat seen{};
  if (::stat(path.c_str(), &seen) != 0) return errno_error(errno, path);
  if (!S_ISDIR(seen.st_mode)) return std::vector<std::string>{path};
  auto ring = ring_files(path);
  if (!ring) return std::move(ring).error();
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < ring->size(); ++i) {
    const bool over = i + 1 < ring->size() && (*ring)[i + 1].begin <= from;
    if (!over && (*ring)[i].begin <= to) paths.push_back((*ring)[i].path);
  }
  return paths;
}

}  // namespace

Result<std::vector<Trace>> read_traces(const std::string& path, WallTime from, WallTime to,
                                       std::span<const TraceWish> wishes) {
  auto paths = files_of(path, from, to);
  if (!paths) return std::move(paths).error();
  Tracer tracer(from, to, wishes);
  for (const std::string& one : *paths) {  // one at a time, so that the ring need not fit into memory
    auto recording = read_recording(std::span(&one, 1));
    if (!recording && paths->size() > 1) continue;
    if (!recording) return std::move(recording).error();
    for (const Segment& segment : recording->segments)
      (void)tracer.segment(segment);  // what can be read of a damaged one is read
  }
  return tracer.take();
}

}  // namespace hostmedic
