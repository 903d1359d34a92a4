// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/recorder.h"

#include <algorithm>

#include "agent/base/text.h"
#include "agent/net/gzip.h"
#include "agent/recorder/input_codec.h"
#include "agent/recorder/large_frame.h"

namespace hostmedic {
namespace {

constexpr Duration kSegment = std::chrono::minutes(10), kRetry = std::chrono::minutes(1);
constexpr Bytes kMostSegment = mib(4);
// The disk may be so far behind; then there is a gap.
constexpr std::size_t kMostWaiting = 8 << 20;
constexpr std::size_t kMostOpen = 256;

Status append_packed(std::string& out, RecordKind kind, std::string_view text) {
  auto packed = gzip(text);
  if (!packed) return std::move(packed).error();
  append_record(out, kind, *packed);
  return ok();
}

}  // namespace

struct FlightRecorder::Files {
  RecorderSettings settings;
  std::optional<Ring> ring;  // opened with the first segment
  std::optional<Kept> kept;
};

FlightRecorder::FlightRecorder(Worker& worker, const Pipeline& pipeline, RecorderSettings settings,
                               std::function<Result<DecidingState>()> state,
                               std::function<void(const std::string&)> told)
    : worker_(worker),
      pipeline_(pipeline),
      settings_(std::move(settings)),
      state_of_(std::move(state)),
      told_(std::move(told)),
      files_(std::make_shared<Files>(Files{settings_, std::nullopt, std::nullopt})) {
  state_.error = "no frame came yet";
}

FlightRecorder::~FlightRecorder() = default;

void FlightRecorder::start() {
  for (const auto& [id, incident] : pipeline_.incidents())
    if (!incident.closed_at && open_.size() < kMostOpen) open_[id] = incident.opened_at - settings_.before;
}

bool FlightRecorder::due(const Frame& frame) const {
  if (!recording_) return !busy_ && (!retry_at_ || frame.mono >= *retry_at_);
  const Duration longest = std::min(kSegment, settings_.ring.keep / 4);
  const std::uint64_t largest = std::min(kMostSegment.count, settings_.ring.size.count / 8);
  return frame.mono - segment_began_ >= longest || segment_bytes_ >= largest;
}

void FlightRecorder::frame(const Frame& frame) {
  last_ = frame.mono;
  // What a model costs is in no recording, so what follows from it has to begin anew.
  if (const std::uint64_t trips = pipeline_.engine().breaker_trips(); trips != trips_) {
    trips_ = trips;
    if (recording_) break_off("a model was taken out for what it cost");
  }
  if (due(frame)) begin_segment(frame);
  if (!recording_) return;
  packer_.pack(frame, packed_);
  append(RecordKind::frame, packed_);
  flush();
}

void FlightRecorder::input(const PipelineInput& input) {
  if (!recording_) return;
  append(RecordKind::input, encode_input(input));
  flush();
}

// What was packed before names no series by itself.
Frame FlightRecorder::definitions(const Frame& next) const {
  const HostView& host = pipeline_.engine().host();
  Frame all;
  all.first = true;
  all.sequence = next.sequence - 1;
  all.mono = std::min(host.mono(), next.mono);
  all.wall = host.wall();
  std::vector<bool> told;
  host.each_series([&](const SeriesDef& def, const Entity& entity, const std::optional<double>& value) {
    const auto index = static_cast<std::size_t>(def.entity);
    if (told.size() <= index) told.resize(index + 1, false);
    if (!told[index]) all.entities.push_back({def.entity, entity});
    told[index] = true;
    all.series.push_back(def);
    all.samples.push_back({def.id, value});
  });
  return all;
}

void FlightRecorder::begin_segment(const Frame& frame) {
  auto state = state_of_();
  if (!state) return pause(state.error());
  Step step;
  step.begin.emplace();
  Begin& begin = *step.begin;
  begin.state = *std::move(state);
  encode_large(definitions(frame), begin.definitions);
  begin.head = {.continues = recording_ && whole_,
                .reason = recording_ && whole_ ? "" : reason_,
                .version = settings_.version,
                .host = settings_.host,
                .boot_id = settings_.boot_id,
                .host_seed = settings_.host_seed,
                .config_hash = fnv1a(begin.state.configuration),
                .decisions = decisions_.value(),
                .mono = frame.mono,
                .wall = frame.wall};
  if (!begin.head.continues && state_.since) ++state_.gaps;
  // What the last segment had of open incidents is complete.
  if (recording_)
    for (const auto& [id, from] : open_) keep(id, from, false);
  waiting_bytes_ += begin.state.snapshot.size() + begin.state.configuration.size() + begin.definitions.size();
  steps_.push_back(std::move(step));
  packer_.restart();
  recording_ = whole_ = true;
  segment_began_ = frame.mono;
  segment_bytes_ = 0;
  retry_at_.reset();
}

// The segment at hand ends here, since what follows does not follow from it.
void FlightRecorder::break_off(const std::string& why) {
  recording_ = whole_ = false;
  reason_ = why;
}

// What waits is dropped: the segment that it belongs to ends here.
void FlightRecorder::pause(const Error& error) {
  steps_.clear();
  waiting_bytes_ = 0;
  break_off("recording was interrupted: " + error.message());
  retry_at_ = last_ + kRetry;
  if (state_.error != error.message()) told_("the flight recorder pauses: " + error.message());
  state_.error = error.message();
}

void FlightRecorder::append(RecordKind kind, std::string_view payload) {
  if (steps_.empty() || !steps_.back().keep.empty()) steps_.emplace_back();
  std::string& bytes = steps_.back().bytes;
  const std::size_t before = bytes.size();
  append_record(bytes, kind, payload);
  segment_bytes_ += bytes.size() - before;
  waiting_bytes_ += bytes.size() - before;
}

void FlightRecorder::persist(const Incident& incident) {
  decided(decisions_.persist(incident));
  const auto known = open_.find(incident.id);
  if (known == open_.end() && !incident.closed_at && open_.size() < kMostOpen) {
    const WallTime from = incident.opened_at - settings_.before;
    open_.emplace(incident.id, from);
    keep(incident.id, from, false);
  } else if (known != open_.end() && incident.closed_at) {
    keep(incident.id, known->second, true);
    open_.erase(known);
  }
}

void FlightRecorder::submit(const Order& order) { decided(decisions_.submit(order)); }

void FlightRecorder::notify(const Incident& incident, const std::string& text) {
  decided(decisions_.notify(incident, text));
}

void FlightRecorder::decided(const DecisionNote& note) {
  if (!recording_) return;
  append(RecordKind::decision, encode_decision(note));
  flush();
}

void FlightRecorder::keep(const std::string& incident_id, WallTime from, bool last) {
  if (steps_.empty()) steps_.emplace_back();
  steps_.back().sync = true;
  steps_.back().keep.push_back({incident_id, from, last});
  flush();
}

void FlightRecorder::flush() {
  if (waiting_bytes_ > kMostWaiting) return pause(make_error(ErrorCode::limit, "the disk is too slow"));
  if (busy_ || steps_.empty()) return;
  busy_ =
      worker_.run([files = files_, steps = std::move(steps_)]() mutable { return carry_out(*files, std::move(steps)); },
                  [this](const Done& result) { done(result); });
  steps_.clear();
  waiting_bytes_ = 0;
  if (!busy_) pause(make_error(ErrorCode::limit, "too many jobs wait for the disk"));
}

void FlightRecorder::stop() {
  if (!steps_.empty())
    (void)worker_.run(
        [files = files_, steps = std::move(steps_)]() mutable { return carry_out(*files, std::move(steps)); },
        [](const Done&) {});  // nobody is there to hear how it went
  steps_.clear();
  recording_ = false;
}

void FlightRecorder::done(const Done& result) {
  busy_ = false;
  const std::string before = state_.error;
  const std::uint64_t gaps = state_.gaps;
  state_ = result.state;
  state_.gaps = gaps;
  if (!result.status) {
    state_.error = before;
    return pause(result.status.error());
  }
  if (!result.at_hand) state_.error = before;
  if (!before.empty() && state_.error.empty() && before != "no frame came yet")
    told_("the flight recorder records again");
  flush();
}

FlightRecorder::Done FlightRecorder::carry_out(Files& files, std::vector<Step> steps) {
  Done done;
  for (Step& step : steps)
    if (done.status) done.status = carry_out(files, step);
  if (!files.ring || !files.kept) return done;
  done.state = {.error = "",
                .ring = files.ring->size(),
                .kept = files.kept->size(),
                .segments = files.ring->files().size(),
                .recordings = files.kept->count(),
                .since = std::nullopt};
  done.at_hand = files.ring->at_hand();
  if (!files.ring->files().empty()) done.state.since = files.ring->files().front().begin;
  return done;
}

Status FlightRecorder::carry_out(Files& files, Step& step) {
  if (step.begin) {
    if (!files.ring) {
      auto ring = Ring::open(files.settings.dir, files.settings.ring);
      if (!ring) return std::move(ring).error();
      auto kept = Kept::open(files.settings.dir + "/kept", files.settings.kept);
      if (!kept) return std::move(kept).error();
      files.ring = *std::move(ring);
      files.kept = *std::move(kept);
    }
    Begin& begin = *step.begin;
    begin.head.sequence = files.ring->next_sequence();
    std::string bytes(kSegmentMark);
    append_record(bytes, RecordKind::head, encode_head(begin.head));
    for (const auto& [kind, text] : {std::pair{RecordKind::configuration, &begin.state.configuration},
                                     {RecordKind::definitions, &begin.definitions},
                                     {RecordKind::snapshot, &begin.state.snapshot}})
      if (Status packed = append_packed(bytes, kind, *text); !packed) return packed;
    if (Status begun = files.ring->begin(begin.head.sequence, begin.head.wall, bytes); !begun) return begun;
    files.kept->prune(begin.head.wall);
  }
  if (!files.ring) return ok();
  if (!step.bytes.empty())
    if (Status written = files.ring->append(step.bytes); !written) return written;
  if (step.sync)
    if (Status synced = files.ring->sync(); !synced) return synced;
  for (const Step::Keep& one : step.keep) {
    if (Status kept = files.kept->extend(one.incident_id, one.from, *files.ring); !kept) return kept;
    if (one.last) files.kept->done(one.incident_id);
  }
  return ok();
}

}  // namespace hostmedic
