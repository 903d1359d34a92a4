// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/condition_watch.h"

#include "agent/base/text.h"
#include "detect/model/state_io.h"

namespace hostmedic {

using detect::Truth;

void ConditionWatch::follow(const HostView& host, std::string stage) {
  host_ = &host;
  if (stage != stage_) watched_.clear();
  stage_ = std::move(stage);
}

void ConditionWatch::frame(const Frame& frame) {
  silent_ = false;
  std::erase_if(watched_, [&](const auto& one) { return frame.mono - one.second->asked > kForgetAfter; });
  for (const auto& [key, watched] : watched_) {
    rebind(*watched, frame);
    for (const Sample& sample : frame.samples) watched->bound.feed(sample.series, {frame.mono, sample.value});
    watched->truth = watched->bound.step(frame.mono, frame.wall);
  }
}

// What is gone feeds it no more, and what was defined may.
void ConditionWatch::rebind(Watched& watched, const Frame& frame) const {
  const auto drop = [&](auto gone) {
    std::erase_if(watched.fed_by, [&](const auto& one) {
      if (!gone(one)) return false;
      watched.bound.remove(one.first);
      return true;
    });
  };
  if (frame.first) drop([](const auto&) { return true; });
  for (const EntityId id : frame.gone) drop([&](const auto& one) { return one.second == id; });
  for (const SeriesDef& def : frame.series) {
    drop([&](const auto& one) { return one.first == def.id; });
    const Entity* const of = host_->entity(def.entity);
    if (of != nullptr && watched.bound.add(def, *of)) watched.fed_by[def.id] = def.entity;
  }
}

void ConditionWatch::read_all(Watched& watched) const {
  host_->each_series([&](const SeriesDef& def, const Entity& of, std::optional<double> value) {
    if (!watched.bound.add(def, of)) return;
    watched.fed_by[def.id] = def.entity;
    watched.bound.feed(def.id, {host_->mono(), value});
  });
  watched.truth = watched.bound.step(host_->mono(), host_->wall());
}

ConditionWatch::Watched* ConditionWatch::make(const Key& key) {
  if (const auto known = watched_.find(key); known != watched_.end()) return known->second.get();
  detect::ParsedCondition parsed = detect::parse_condition(key.first);
  if (watched_.size() >= kMostWatched || !parsed.condition) {
    ++refused_;
    return nullptr;
  }
  auto& made = watched_[key];
  made = std::make_unique<Watched>(*std::move(parsed.condition), key.second, stage_);
  return made.get();
}

ConditionWatch::Watched* ConditionWatch::find(const std::string& text, const Entity& subject) {
  if (host_ == nullptr) return nullptr;
  const std::size_t before = watched_.size();
  Watched* const watched = make({text, subject});
  if (watched == nullptr) return nullptr;
  if (watched_.size() > before) read_all(*watched);
  watched->asked = host_->mono();
  return watched;
}

std::optional<bool> ConditionWatch::holds(const std::string& condition, const Entity& subject) {
  const Watched* const watched = find(condition, subject);
  if (watched == nullptr || silent_ || watched->truth == Truth::unknown) return std::nullopt;
  return watched->truth == Truth::yes;
}

std::string ConditionWatch::explain(const std::string& condition, const Entity& subject) {
  constexpr std::size_t kMostText = 400;
  Watched* const watched = find(condition, subject);
  if (watched == nullptr) return "not known: too many conditions are watched";
  if (silent_) return "not known: the probe is silent";
  if (watched->truth == Truth::yes) return printable(watched->bound.explain(), kMostText);
  return printable((watched->truth == Truth::no ? "" : "not known: ") + watched->bound.standing(), kMostText);
}

void ConditionWatch::save_whole(detect::StateWriter& writer) const {
  detect::put_whole(writer, silent_);
  writer.put<std::uint64_t>(refused_);
  writer.put(static_cast<std::uint32_t>(watched_.size()));
  for (const auto& [key, watched] : watched_) {
    detect::put_whole(writer, key);
    watched->bound.save_whole(writer);
    writer.put(static_cast<std::uint8_t>(watched->truth));
    detect::put_whole(writer, watched->asked);
    writer.put(static_cast<std::uint32_t>(watched->fed_by.size()));
    for (const auto& [series, entity] : watched->fed_by) {
      writer.put(static_cast<std::uint32_t>(series));
      writer.put(static_cast<std::uint32_t>(entity));
    }
  }
}

void ConditionWatch::load_whole(detect::StateReader& reader) {
  watched_.clear();
  detect::get_whole(reader, silent_);
  refused_ = reader.get<std::uint64_t>();
  for (std::uint32_t left = reader.get_count(kMostWatched); left > 0 && reader.good(); --left) {
    Key key;
    detect::get_whole(reader, key);
    const std::size_t before = watched_.size();
    Watched* const watched = make(key);
    if (watched == nullptr || watched_.size() == before) return reader.fail();
    watched->bound.load_whole(reader);
    const auto truth = reader.get<std::uint8_t>();
    if (truth > static_cast<std::uint8_t>(Truth::yes)) return reader.fail();
    watched->truth = static_cast<Truth>(truth);
    detect::get_whole(reader, watched->asked);
    for (std::uint32_t fed = reader.get_count(detect::BoundCondition::kMostSeriesOfOne); fed > 0 && reader.good();
         --fed) {
      const SeriesId series{reader.get<std::uint32_t>()};
      watched->fed_by[series] = EntityId{reader.get<std::uint32_t>()};
    }
  }
}

}  // namespace hostmedic
