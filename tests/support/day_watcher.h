// SPDX-License-Identifier: Apache-2.0
// An ordinary day through the whole pipeline as it ships, with the highest autonomy, and what came of it.
#pragma once

#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/text.h"
#include "agent/config/runbook_config.h"
#include "agent/pipeline/pipeline.h"
#include "detect/survey.h"
#include "tests/support/ordinary_day.h"

namespace hostmedic::test {

class DayWatcher final : public PipelineOutput {
 public:
  // interval: of the scorer; else everything is as it ships. shipped: where packaging/ is.
  DayWatcher(std::uint64_t seed, Duration interval, const std::string& shipped) : day_(seed) {
    detect::EngineConfig config = detect::default_engine_config();
    config.scoring.interval = interval;
    config.host_seed = 42;
    std::vector<std::string> dirs{shipped + "/runbooks"};
    guard::Policy policy;
    policy.tier = Tier::automatic;
    pipeline_ = std::make_unique<Pipeline>(*detect::Engine::make(std::move(config)), load_runbooks(dirs).config,
                                           std::move(policy), *this);
  }

  // A day to learn in and the day that is looked at. calm: seconds between two frames where nothing goes on.
  void run(double calm) {
    while (day_.now() < 2 * OrdinaryDay::kDay) {
      pipeline_->frame(day_.next(day_.eventful() ? 1 : calm));
      ++frames_;
    }
  }

  // After it: a fault, and five seconds.
  void fail() {
    day_.fail_web();
    for (int i = 0; i < 5; ++i) pipeline_->frame(day_.next(1));
  }

  void persist(const Incident& incident) override {
    if (!incident.suspicion && incident.severity > Severity::info) confirmed_[incident.id] = describe(incident);
    all_[incident.id] = incident.kind + " " + to_string(incident.root) + (incident.suspicion ? " (suspicion)" : "");
    if (incident.timeline.size() == 1 || !begun_.contains(incident.id)) begun_[incident.id] = day_.now();
  }
  void submit(const Order& order) override { orders_.push_back(order.plan.what); }
  void notify(const Incident&, const std::string& text) override { notices_.push_back(text); }

  // Above a suspicion, in words.
  std::vector<std::string> confirmed() const {
    std::vector<std::string> texts;
    for (const auto& [id, text] : confirmed_) texts.push_back(text);
    return texts;
  }
  // All that was opened, with its hour.
  std::vector<std::string> all() const {
    std::vector<std::string> texts;
    for (const auto& [id, text] : all_) texts.push_back(strf("%05.2f h: ", begun_.at(id) / 3600) + text);
    return texts;
  }
  const std::vector<std::string>& orders() const { return orders_; }
  const std::vector<std::string>& notices() const { return notices_; }
  const Pipeline& pipeline() const { return *pipeline_; }
  const OrdinaryDay& day() const { return day_; }
  long frames() const { return frames_; }

 private:
  std::string describe(const Incident& incident) const {
    std::string text = strf("%05.2f h: ", day_.now() / 3600) + incident.summary + " [" +
                       std::string(to_string(incident.severity)) + strf(" %.2f]", incident.confidence);
    for (const Anomaly& anomaly : incident.anomalies)
      text += "\n    " + anomaly.rule + strf(" %.2f ", anomaly.probability) + anomaly.evidence;
    for (const Affected& affected : incident.affected)
      text += "\n    affected: " + affected.path + ": " + affected.symptom;
    return text;
  }

  OrdinaryDay day_;
  std::unique_ptr<Pipeline> pipeline_;
  std::map<std::string, std::string> confirmed_, all_;
  std::map<std::string, double> begun_;
  std::vector<std::string> orders_, notices_;
  long frames_ = 0;
};

}  // namespace hostmedic::test
