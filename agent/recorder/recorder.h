// SPDX-License-Identifier: Apache-2.0
// The flight recorder: all that the pipeline is told and decides, into the ring, and what surrounds an incident into a
// kept recording. Packing is done on the io thread, files are written on the worker, one job at a time. A fault of the
// disk stops the recording until a later segment begins; it never stops the pipeline. io thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/pipeline/tape.h"
#include "agent/pipeline/worker.h"
#include "agent/recorder/decisions.h"
#include "agent/recorder/frame_pack.h"
#include "agent/recorder/kept.h"
#include "agent/recorder/ring.h"
#include "agent/recorder/segment.h"

namespace hostmedic {

struct RecorderSettings {
  std::string dir = {};
  RingLimits ring = {};
  KeptLimits kept = {};
  Duration before = std::chrono::minutes(10);  // of an incident's recording, before it opened
  std::string version = {}, host = {}, boot_id = {};
  std::uint64_t host_seed = 0;
};

// What the pipeline decides with, besides its inputs.
struct DecidingState {
  std::string configuration;  // as config_files.h writes it
  std::string snapshot;       // of the pipeline
};

class FlightRecorder final : public PipelineTape {
 public:
  // state(): at the beginning of each segment. told(text): once for each trouble and for its end.
  FlightRecorder(Worker& worker, const Pipeline& pipeline, RecorderSettings settings,
                 std::function<Result<DecidingState>()> state, std::function<void(const std::string&)> told);
  ~FlightRecorder() override;

  // Incidents that are open already are kept as well.
  void start();
  // Hands what is not written yet to the worker; nothing is recorded any more.
  void stop();

  // PipelineTape.
  void frame(const Frame& frame) override;
  void input(const PipelineInput& input) override;
  void reconfigured() override { break_off("the configuration changed"); }
  void persist(const Incident& incident) override;
  void submit(const Order& order) override;
  void notify(const Incident& incident, const std::string& text) override;

  struct State {
    std::string error;  // why nothing is recorded at present; empty: it is
    Bytes ring, kept;
    std::size_t segments = 0, recordings = 0;
    std::optional<WallTime> since;  // the oldest that the ring has
    std::uint64_t gaps = 0;         // segments that do not continue the one before, after the first
  };
  const State& state() const { return state_; }

 private:
  struct Files;  // what the worker has
  struct Begin {
    SegmentHead head;
    DecidingState state;
    std::string definitions;
  };
  // One thing that the worker does, in order.
  struct Step {
    std::optional<Begin> begin;
    std::string bytes;
    bool sync = false;
    struct Keep {
      std::string incident_id;
      WallTime from;
      bool last = false;
    };
    std::vector<Keep> keep;
  };
  struct Done {
    Status status = ok();
    bool at_hand = false;  // a segment is
    State state;
  };

  bool due(const Frame& frame) const;
  void begin_segment(const Frame& frame);
  void break_off(const std::string& why);
  void pause(const Error& error);
  void append(RecordKind kind, std::string_view payload);
  void decided(const DecisionNote& note);
  void keep(const std::string& incident_id, WallTime from, bool last);
  void flush();
  void done(const Done& done);
  Frame definitions(const Frame& next) const;
  static Done carry_out(Files& files, std::vector<Step> steps);
  static Status carry_out(Files& files, Step& step);

  Worker& worker_;
  const Pipeline& pipeline_;
  const RecorderSettings settings_;
  const std::function<Result<DecidingState>()> state_of_;
  const std::function<void(const std::string&)> told_;
  std::shared_ptr<Files> files_;

  FramePacker packer_;
  DecisionHash decisions_;
  std::string packed_;
  std::vector<Step> steps_;
  std::size_t waiting_bytes_ = 0;
  bool busy_ = false;       // the worker is at it
  bool recording_ = false;  // a segment is at hand
  bool whole_ = false;      // nothing was missed since the segment began
  std::string reason_ = "the agent started";
  std::size_t segment_bytes_ = 0;
  std::uint64_t trips_ = 0;
  MonoTime segment_began_, last_;
  std::optional<MonoTime> retry_at_;
  std::map<std::string, WallTime> open_;  // incidents, with where their recordings begin
  State state_;
};

}  // namespace hostmedic
