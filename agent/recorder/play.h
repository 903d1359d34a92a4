// SPDX-License-Identifier: Apache-2.0
// Plays a recording: the same pipeline, told the same, must decide the same, on any host and at any speed. Effects
// never happen; the outcomes of orders come from the recording. Reads no clock; config_files.h uses a temporary
// directory.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/recorder/config_files.h"
#include "agent/recorder/decisions.h"
#include "agent/recorder/frame_pack.h"
#include "agent/recorder/input_codec.h"
#include "agent/recorder/recording.h"

namespace hostmedic {

struct PlayedOrder {
  Order order;
  std::optional<OutcomeResult> result;
};

// An incident as a run saw it.
struct PlayedIncident {
  Incident last;
  WallTime first_seen;
  bool restored = false;  // it was open when the recording, or a part of it, began
  bool rejected = false;  // a human said no to its plan
  std::vector<PlayedOrder> orders;
};

// One pipeline with what it decided.
class Run final : public PipelineOutput {
 public:
  using Heard = std::function<void(Now, const DecisionNote&)>;
  explicit Run(Heard heard) : heard_(std::move(heard)) {}

  // Begins anew from a segment. other: decides with it from there on, as after a reload.
  Status begin(const Segment& segment, const DecidingConfig& config, const DecidingConfig* other);
  void frame(const Frame& frame);
  void input(const PipelineInput& input);

  Pipeline& pipeline() { return *pipeline_; }
  std::uint64_t hash() const { return hash_.value(); }
  // Why it began without the state of the recording; empty: it has it.
  const std::string& without_state() const { return without_state_; }
  std::size_t decisions() const { return decisions_; }
  const std::map<std::string, PlayedIncident>& incidents() const { return incidents_; }
  // The incident, or null.
  PlayedIncident* find(const std::string& id);
  Now now() const { return now_; }

  // PipelineOutput.
  void persist(const Incident& incident) override;
  void submit(const Order& order) override;
  void notify(const Incident& incident, const std::string& text) override;

 private:
  Status restore(const Segment& segment);
  Status define(const Segment& segment);
  void heard(const DecisionNote& note);

  Heard heard_;
  std::unique_ptr<Pipeline> pipeline_;
  DecisionHash hash_;
  std::size_t decisions_ = 0;
  Now now_;
  std::string without_state_;
  std::map<std::string, PlayedIncident> incidents_;
};

struct PlayWish {
  const DecidingConfig* other = nullptr;  // what another configuration would have decided; null: as recorded
  // Before each frame, with the time since the frame before in the recording: to play slowly.
  std::function<void(Duration)> pace = {};
  Run::Heard heard = {};  // each decision as recorded, again
};

struct PlayedRecording {
  SegmentHead head;  // of the first segment
  WallTime from, to;
  Duration span{};  // of all that was played
  std::size_t frames = 0, samples = 0, inputs = 0, decisions = 0;
  std::uint64_t hash = 0;     // of all decisions
  std::string without_state;  // why the first of them that did began without the recorded state; empty: none did
  std::size_t stretches = 0;  // parts, each of which begins from a snapshot
  struct Difference {
    WallTime at;
    std::string recorded, played;  // empty: there was none
  };
  std::optional<Difference> difference;                    // the first between what was recorded and what was played
  std::map<std::string, PlayedIncident> incidents, other;  // by id; other: with the other configuration
  std::vector<std::string> lost;
};
// The files that a segment was decided by.
Result<std::vector<ConfigFile>> config_of(const Segment& segment);

// Error malformed or unsupported: it cannot be played at all.
Result<PlayedRecording> play(const Recording& recording, const PlayWish& wish);

}  // namespace hostmedic
