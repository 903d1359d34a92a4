// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/play.h"

#include <algorithm>

#include "agent/base/text.h"
#include "agent/net/gzip.h"

namespace hostmedic {
namespace {

// Tells the run with the other configuration what was recorded, as far as it concerns it.
class Otherwise {
 public:
  Otherwise(Run& then, Run& with) : then_(then), with_(with) {}

  void frame(const Frame& frame) {
    // What it proves between two frames was not ticked for in the recording.
    if (const auto at = with_.pipeline().wake_at(); at && *at > with_.now().mono && *at < frame.mono)
      with_.input(TickInput{{*at, frame.wall - (frame.mono - *at)}});
    with_.frame(frame);
    answer(with_.now());
  }
  void input(const PipelineInput& input) {
    if (const auto* outcome = std::get_if<OutcomeInput>(&input)) {
      known_.push_back(outcome->outcome);
      return answer(outcome->now);
    }
    if (const auto* approved = std::get_if<ApproveInput>(&input)) {
      if (const std::string id = counterpart(approved->incident_id); !id.empty())
        with_.input(ApproveInput{id, approved->by, "", approved->now});
    } else if (const auto* rejected = std::get_if<RejectInput>(&input)) {
      if (const std::string id = counterpart(rejected->incident_id); !id.empty())
        with_.input(RejectInput{id, rejected->by, rejected->reason, rejected->now});
    } else if (const auto* known = std::get_if<AcknowledgeInput>(&input)) {
      if (const std::string id = counterpart(known->incident_id); !id.empty())
        with_.input(AcknowledgeInput{id, known->by, known->reason, known->now});
    } else {
      with_.input(input);
    }
  }

 private:
  // The open incident of the same root.
  std::string counterpart(const std::string& id) {
    const PlayedIncident* then = then_.find(id);
    if (then == nullptr) return {};
    for (const auto& [other, incident] : with_.pipeline().incidents())
      if (!incident.closed_at && incident.root == then->last.root) return other;
    return {};
  }
  // An order that does what a recorded one did ends as that one.
  void answer(Now now) {
    for (auto outcome = known_.begin(); outcome != known_.end();) {
      const std::string key = same_order(outcome->key);
      if (key.empty()) {
        ++outcome;
        continue;
      }
      Outcome told = *outcome;
      told.key = key;
      outcome = known_.erase(outcome);
      with_.input(OutcomeInput{told, now});
    }
  }
  std::string same_order(const std::string& recorded_key) {
    for (const auto& [id, then] : then_.incidents())
      for (const PlayedOrder& recorded : then.orders)
        if (recorded.order.key == recorded_key)
          for (const auto& [other, with] : with_.incidents())
            for (const PlayedOrder& mine : with.orders)
              if (!mine.result && mine.order.plan.action == recorded.order.plan.action &&
                  mine.order.plan.target == recorded.order.plan.target)
                return mine.order.key;
    return {};
  }

  Run& then_;
  Run& with_;
  std::vector<Outcome> known_;
};

// Compares what was decided with what was recorded, one by one, up to the first difference.
class Comparison {
 public:
  explicit Comparison(std::optional<PlayedRecording::Difference>& ret_difference) : difference_(ret_difference) {}
  void played(Now now, const DecisionNote& note) {
    if (!difference_) waiting_.emplace_back(now, note);
  }
  void recorded(Now now, const DecisionNote& note) {
    if (difference_) return;
    if (waiting_.empty()) return differ({now.wall, note.text, ""});
    const auto [at, mine] = std::move(waiting_.front());
    waiting_.pop_front();
    if (mine.hash != note.hash) differ({at.wall, note.text, mine.text});
  }
  // All that was decided so far must have been recorded.
  void settle() {
    if (difference_ || waiting_.empty()) return;
    differ({waiting_.front().first.wall, "", waiting_.front().second.text});
  }
  // What was decided last may not have been written any more.
  void forget() { waiting_.clear(); }

 private:
  void differ(PlayedRecording::Difference difference) {
    difference_ = std::move(difference);
    waiting_.clear();
  }
  std::optional<PlayedRecording::Difference>& difference_;
  std::deque<std::pair<Now, DecisionNote>> waiting_;
};

class Player {
 public:
  Player(const PlayWish& wish, PlayedRecording& played)
      : wish_(wish),
        played_(played),
        comparison_(played.difference),
        then_([this](Now now, const DecisionNote& note) {
          comparison_.played(now, note);
          if (wish_.heard) wish_.heard(now, note);
        }),
        with_(nullptr),
        otherwise_(then_, with_) {}

  Status segment(const Segment& segment) {
    const bool follows = played_.stretches > 0 && segment.head.continues && segment.head.sequence == sequence_ + 1;
    sequence_ = segment.head.sequence;
    if (follows) {
      comparison_.settle();
    } else if (Status begun = begin(segment); !begun) {
      if (played_.lost.size() < kMostLost)
        played_.lost.push_back(strf("segment %llu is left out: %s", static_cast<unsigned long long>(sequence_),
                                    begun.error().message().c_str()));
      sequence_ = 0;  // what follows begins anew too
      return ok();
    }
    unpacker_.restart();
    for (const RecordView& record : segment.records)
      if (Status told = tell(record); !told) return told;
    played_.hash = then_.hash();
    played_.decisions = then_.decisions();
    return ok();
  }
  Status finish() {
    if (played_.stretches == 0)
      return make_error(ErrorCode::malformed, "nothing of it can be played: " + played_.lost.back());
    comparison_.forget();
    played_.incidents = then_.incidents();
    if (wish_.other != nullptr) played_.other = with_.incidents();
    return ok();
  }

 private:
  Status begin(const Segment& segment) {
    comparison_.forget();
    last_.reset();
    if (!config_ || segment.head.config_hash != config_hash_) {
      auto files = config_of(segment);
      if (!files) return std::move(files).error();
      auto config = load_config(*files);
      if (!config) return std::move(config).error().in("configuration of the recording");
      config_ = *std::move(config);
      config_hash_ = segment.head.config_hash;
    }
    if (Status begun = then_.begin(segment, *config_, nullptr); !begun) return begun;
    ++played_.stretches;
    if (played_.without_state.empty()) played_.without_state = then_.without_state();
    return wish_.other == nullptr ? ok() : with_.begin(segment, *config_, wish_.other);
  }

  Status tell(const RecordView& record) {
    if (record.kind == RecordKind::decision) {
      auto note = decode_decision(record.payload);
      if (!note) return std::move(note).error();
      comparison_.recorded(then_.now(), *note);
      return ok();
    }
    comparison_.settle();
    if (record.kind == RecordKind::input) {
      auto input = decode_input(record.payload);
      if (!input) return std::move(input).error();
      ++played_.inputs;
      then_.input(*input);
      if (wish_.other != nullptr) otherwise_.input(*input);
      return ok();
    }
    if (Status unpacked = unpacker_.unpack(record.payload, frame_); !unpacked)
      return std::move(unpacked).error().in("frame");
    pace();
    then_.frame(frame_);
    if (wish_.other != nullptr) otherwise_.frame(frame_);
    return ok();
  }

  void pace() {
    const Duration step = last_ ? frame_.mono - *last_ : Duration{};
    last_ = frame_.mono;
    if (played_.frames == 0) played_.from = frame_.wall;
    played_.to = frame_.wall;
    played_.span += step;
    ++played_.frames;
    played_.samples += frame_.samples.size();
    if (wish_.pace) wish_.pace(step);
  }

  const PlayWish& wish_;
  PlayedRecording& played_;
  Comparison comparison_;
  Run then_, with_;
  Otherwise otherwise_;
  FrameUnpacker unpacker_;
  Frame frame_;
  std::optional<MonoTime> last_;
  std::optional<DecidingConfig> config_;
  std::uint64_t config_hash_ = 0, sequence_ = 0;
};

}  // namespace

Result<std::vector<ConfigFile>> config_of(const Segment& segment) {
  auto text = gunzip(segment.configuration, kMostRecord);
  if (!text) return std::move(text).error().in("configuration");
  return decode_config(*text);
}

Result<PlayedRecording> play(const Recording& recording, const PlayWish& wish) {
  PlayedRecording played;
  played.lost = recording.lost;
  if (recording.segments.empty()) return make_error(ErrorCode::malformed, "there is nothing in the recording");
  played.head = recording.segments.front().head;
  Player player(wish, played);
  for (const Segment& segment : recording.segments)
    if (Status done = player.segment(segment); !done)
      return std::move(done).error().in(strf("segment %llu", static_cast<unsigned long long>(segment.head.sequence)));
  if (Status done = player.finish(); !done) return std::move(done).error();
  return played;
}

}  // namespace hostmedic
