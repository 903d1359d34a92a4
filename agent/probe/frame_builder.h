// SPDX-License-Identifier: Apache-2.0
// Puts together what the probes say: hands out ids, keeps definitions and events until the receiver has them, and cuts
// frames that fit into a socket. Samples are worth something only now: those not sent by the next tick are dropped and
// counted, and the receiver is told. In the steady state nothing allocates. One thread.
//
// Who owns an entity: every probe that asked for it. It goes when the last of them retired it; a probe that retires
// earlier has its own series turned unknown once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "detect/model/frame.h"
#include "probes/probe.h"

namespace hostmedic {

class FrameBuilder {
 public:
  static constexpr std::size_t kMostSpeakers = 64;
  static constexpr std::size_t kMostPendingEvents = 4096;
  static constexpr std::size_t kChunkBytes = 96 << 10;  // a frame is cut when it is about this large

  FrameBuilder();
  ~FrameBuilder();
  FrameBuilder(const FrameBuilder&) = delete;
  FrameBuilder& operator=(const FrameBuilder&) = delete;

  // The sink of one probe. speaker < kMostSpeakers. Valid as long as this.
  Sink& sink(std::size_t speaker);

  // The speaker says nothing more about anything.
  void retire_all(std::size_t speaker);
  // Forgets everything; the next frame is a first one.
  void reset();
  // A new tick: what was sampled and not sent is dropped, what is sampled from now on belongs to this time.
  void begin_tick(MonoTime mono, WallTime wall);
  // The time of samples between ticks. Nothing happens while samples of an earlier time wait: they keep theirs.
  void set_time(MonoTime mono, WallTime wall);

  // Something waits to be sent.
  bool pending() const;
  bool pending_events() const { return !events_.empty(); }
  // Cuts the next frame from what waits; now is the time of frames that hold no samples. Valid until the next call of
  // anything here. It counts as sent only when sent() follows; otherwise the next call cuts it again.
  const Frame& next(MonoTime now_mono, WallTime now_wall);
  void sent();

  std::uint64_t refused() const { return refused_; }  // entities and series past the bounds of frame.h
  std::uint64_t lost() const { return lost_total_; }  // samples and events dropped

 private:
  class Speaker;
  struct EntityRow {
    Entity entity;
    std::uint64_t owners = 0;  // a bit per speaker; 0: free, or waiting to be told gone
    bool live = false;
    std::vector<SeriesId> series;
  };
  struct SeriesRow {
    EntityId entity{};
    std::string name, attributes;  // a copy: some probes make metrics up as they go
    Unit unit = Unit::count;
    Instrument instrument = Instrument::gauge;
    std::size_t speaker = 0;
  };

  EntityId entity(std::size_t speaker, EntityKind kind, std::string_view name);
  SeriesId series(std::size_t speaker, EntityId entity, const MetricInfo& metric, std::string_view attributes);
  void retire(std::size_t speaker, EntityId entity);
  void silence(std::size_t speaker, EntityId entity);
  void sample(SeriesId series, std::optional<double> value);
  void event(Event event);
  void drop_samples();
  void bury();
  std::size_t cut_definitions();

  std::vector<std::unique_ptr<Speaker>> speakers_;
  std::vector<EntityRow> entities_;
  std::vector<SeriesRow> series_;
  std::vector<EntityId> free_entities_;
  std::vector<SeriesId> free_series_;
  std::map<Entity, EntityId> by_name_;
  std::vector<EntityId> retiring_;

  // What waits to be sent.
  std::vector<EntityId> gone_, new_entities_;
  std::vector<SeriesId> new_series_;
  std::vector<Sample> samples_;
  std::vector<Event> events_;
  MonoTime sample_mono_, last_mono_;
  WallTime sample_wall_;
  bool first_ = true;
  std::uint64_t sequence_ = 0, lost_ = 0, lost_total_ = 0, refused_ = 0;

  // What of it the frame under way holds.
  Frame frame_;
  std::size_t cut_samples_ = 0, cut_events_ = 0;
  std::uint64_t cut_lost_ = 0;
};

}  // namespace hostmedic
