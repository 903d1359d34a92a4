// SPDX-License-Identifier: Apache-2.0
// The tick: frame → detection → response → commands. Owns the engine and the response, keeps the circumstances the
// guard is asked about, and hands every effect to its output. It does no I/O and reads no clock: time comes with the
// frames and the calls. Called from the io thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "actions/rehearsal.h"
#include "actions/response.h"
#include "agent/pipeline/condition_watch.h"
#include "detect/engine.h"

namespace hostmedic {

// Set by people, kept over restarts.
struct Brakes {
  bool halted = false;
  std::string halted_by;
  WallTime halted_at;
  std::vector<guard::Maintenance> maintenance;
  std::vector<Silence> silences;  // at most kMostSilences
};
inline constexpr std::size_t kMostSilences = 64;

// What the fleet's aggregator answered who asked for leave to act, or why it could not be asked.
struct LeaseAnswer {
  bool granted = false;
  Duration lasts{};  // of a granted one
  std::string text;  // printable
};

// Where the pipeline's decisions go. Calls come in the order in which things must happen.
class PipelineOutput {
 public:
  virtual ~PipelineOutput() = default;
  virtual void persist(const Incident& incident) = 0;
  // Writes the order to disk, synced, and only then asks the actuator for it.
  virtual void submit(const Order& order) = 0;
  virtual void notify(const Incident& incident, const std::string& text) = 0;
  // The order waits for the aggregator's leave and nothing else. Said with every call while that is so; the answer
  // comes by Pipeline::lease().
  virtual void ask_lease(const Order&) {}
  // To be told again by set_experience() at the next start; who does not keep it need not listen.
  virtual void remember(const Lesson&) {}
};

// What a probe last said of itself.
struct ProbeStatus {
  std::string state, reason;
  std::vector<Attribute> attributes;
  WallTime since;
};

class PipelineTape;  // tape.h

class Pipeline {
 public:
  Pipeline(std::unique_ptr<detect::Engine> engine, std::vector<Runbook> runbooks, guard::Policy policy,
           PipelineOutput& output);

  // Hears all that follows; null: nobody does. It outlives the pipeline, or is taken away before.
  void record_on(PipelineTape* tape) { tape_ = tape; }

  void frame(const Frame& frame);
  // When tick() should be called although no frame came: a proof may be complete then.
  std::optional<MonoTime> wake_at() const { return response_.wake_at(); }
  void tick(Now now);
  // Instead of a frame when none came for a while: deadlines go on, values are unknown.
  void silence(Now now);
  void outcome(const Outcome& outcome, Now now);
  void lease(const LeaseAnswer& answer, Now now);
  // An order is under way, is being proved or is taken back.
  bool at_work() const { return response_.at_work(); }
  // key: the order of the proposal that is meant; empty: the proposed one.
  Status approve(const std::string& incident_id, const std::string& by, const std::string& key, Now now);
  Status reject(const std::string& incident_id, const std::string& by, const std::string& reason, Now now);

  Status acknowledge(const std::string& incident_id, const std::string& by, const std::string& reason, Now now);

  // From the store, before the first frame.
  void restore(Incident incident, const std::vector<OrderRow>& orders, Now now);
  void set_experience(std::vector<ExperienceRow> rows) { response_.set_experience(std::move(rows)); }
  void set_history(std::vector<guard::PastAction> history) { history_ = std::move(history); }
  void set_brakes(Brakes brakes);
  const Brakes& brakes() const { return brakes_; }
  // What people expect besides the configuration: entries without a cron, from one moment to another.
  void set_expected(std::vector<detect::ExpectedEntry> entries);
  const std::vector<detect::ExpectedEntry>& expected() const { return expected_; }
  // What people said of incidents, oldest first.
  void set_feedback(std::vector<Feedback> all);
  const std::vector<Feedback>& feedback() const { return feedback_; }

  // A new configuration. A new engine must be told all definitions in its first frame; open incidents go over to it.
  void reconfigure(std::unique_ptr<detect::Engine> engine, std::vector<Runbook> runbooks, guard::Policy policy);

  // What detection learnt, for the next start; taken over before the first frame.
  Result<std::string> checkpoint() const { return engine_->checkpoint(); }
  Status restore_models(std::string_view checkpoint) { return engine_->restore(checkpoint); }

  // All of its state, and detection's, bound to the ids of the present stream: a pipeline of the same configuration
  // that takes it over goes on with the next call as this one would, bit by bit. Between two calls.
  Result<std::string> snapshot() const;
  // Code conflict for a snapshot of another configuration; an error changes nothing.
  Status restore_snapshot(std::string_view snapshot);

  // The models of what matches begin anew. How many groups that are.
  std::size_t relearn(std::string_view entity_pattern);

  // What the runbook would do about the incident now; nothing is done, and nothing here is changed by asking.
  Rehearsal rehearse(const Runbook& runbook, const Incident& incident) const;

  const std::map<std::string, Incident>& incidents() const { return response_.incidents(); }
  std::vector<Proposal> proposals() const { return response_.proposals(); }
  const detect::Engine& engine() const { return *engine_; }
  const Experience& experience() const { return response_.experience(); }
  const std::vector<Runbook>& runbooks() const { return runbooks_; }
  const guard::Policy& policy() const { return policy_; }
  const std::map<std::string, ProbeStatus>& probes() const { return probes_; }
  std::uint64_t frames() const { return frames_; }

  // How long a closed incident stays at hand, so that a relapse continues it.
  static constexpr Duration kKeepClosed = std::chrono::minutes(10);
  static constexpr std::size_t kMostHistory = 4096;
  // A human is told so much later, so that what turns out to be a part of a larger fault is not told at all.
  static constexpr Duration kNoticeHold = std::chrono::seconds(5);
  static constexpr std::size_t kMostNotices = 256;
  // So long a refused lease counts as refused, and not as not asked for.
  static constexpr Duration kRefusalCounts = std::chrono::minutes(1);

 private:
  void run(const std::vector<Command>& commands);
  void observe(const std::vector<std::string>& ids, Now now);
  void note_probe_events(const Frame& frame);
  void forget_closed(Now now);
  void tell_due();
  void hold_learning();
  guard::Circumstances circumstances(const Order& order) const;
  const Incident* detected(const std::string& id) const;
  void save_own(detect::StateWriter& writer) const;
  void load_own(detect::StateReader& reader);

  std::unique_ptr<detect::Engine> engine_;
  std::vector<Runbook> runbooks_;
  guard::Policy policy_;
  PipelineOutput& output_;
  PipelineTape* tape_ = nullptr;
  Brakes brakes_;
  std::vector<detect::ExpectedEntry> expected_;
  std::vector<Feedback> feedback_;
  Now now_;
  std::vector<guard::PastAction> history_;  // oldest first, at most kMostHistory
  struct Notice {
    std::string incident_id, text;
    MonoTime due;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.incident_id, self.text, self.due);
    }
  };
  std::vector<Notice> notices_;  // oldest first
  std::map<std::string, ProbeStatus> probes_;
  std::uint64_t frames_ = 0;
  struct Lease {
    bool granted = false;
    std::string text;
    MonoTime until;  // it counts no more from then on
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.granted, self.text, self.until);
    }
  };
  std::optional<Lease> lease_;
  ConditionWatch conditions_;
  Response response_;
};

}  // namespace hostmedic
