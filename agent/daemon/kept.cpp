// SPDX-License-Identifier: Apache-2.0
// What is kept over restarts, and where: the store; what people set and said: brakes, what they expect, what they make
// of incidents.
#include <algorithm>

#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/daemon/daemon.h"
#include "agent/pipeline/brakes_json.h"

namespace hostmedic {
namespace {
constexpr Duration kLookEvery = std::chrono::seconds(10);
constexpr std::string_view kBrakesSetting = "brakes", kExpectedSetting = "expected", kFeedbackSetting = "feedback";

std::string mounts_of(const std::string& path) { return read_file(path, mib(4)).value_or(""); }

}  // namespace

// In memory nothing is known of what was done before, or of what people said, and what is done now could not be written
// down: so nothing is done.
Status Daemon::open_store() {
  place_ = {.disk = state_dir_ + "/agent.db",
            .memory = run_dir_ + "/agent.db",
            .spool = {.most = config_.upstream.spool_size, .most_age = config_.upstream.spool_age}};
  auto placed = hostmedic::open_store(place_);
  if (!placed) return std::move(placed).error();
  store_ = std::make_unique<AgentStore>(std::move(placed->store));
  no_disk_ = std::move(placed->no_disk);
  if (!store_->quarantined().empty())
    log_error("the store was broken and a new one was begun: " + store_->quarantined());
  if (no_disk_.empty()) return ok();
  way_back_ = way_back(place_, mounts_of(options_.mounts));
  log_error("the state directory cannot be used, so the agent runs in memory and nothing is treated: " + no_disk_);
  return ok();
}

StoreConfig Daemon::kept_config() const {
  StoreConfig kept = config_.store;
  if (!no_disk_.empty()) kept.most_size = std::min(kept.most_size, kMostInMemory);
  return kept;
}

// A restart is of use only where something changed since the start.
void Daemon::look_for_disk() {
  const MonoTime at = mono_now();
  if (no_disk_.empty() || looking_ || at - looked_ < kLookEvery) return;
  looked_ = at;
  looking_ = worker_.run([place = place_, mounts = options_.mounts] { return way_back(place, mounts_of(mounts)); },
                         [this](WayBack way) {
                           looking_ = false;
                           const bool in_vain = way == WayBack::new_process && way == way_back_;
                           way_back_ = way;
                           if (way == WayBack::none || in_vain) return;
                           log_notice("the state directory can be used again: the agent begins anew, on disk");
                           anew_ = true;
                           io_.stop();
                         });
}

void Daemon::restore_brakes() {
  if (!no_disk_.empty()) {
    Brakes halted;
    halted.halted = true;
    halted.halted_by = "the agent: its state directory cannot be used: " + no_disk_;
    return pipeline_->set_brakes(std::move(halted));
  }
  auto text = store_->setting(kBrakesSetting);
  if (text && !*text) return;
  auto brakes = text ? brakes_from_json(**text) : Result<Brakes>(std::move(text).error());
  if (brakes) return pipeline_->set_brakes(std::move(*brakes));
  // Unknown brakes are brakes: whether a human had pulled them cannot be told.
  log_error("halted: the kill switch could not be read: " + brakes.error().message());
  Brakes halted;
  halted.halted = true;
  halted.halted_by = "the agent: its stored kill switch could not be read";
  pipeline_->set_brakes(std::move(halted));
}

void Daemon::restore_expected() {
  auto text = store_->setting(kExpectedSetting);
  if (text && !*text) return;
  auto entries = text ? expected_from_json(**text) : Result<std::vector<detect::ExpectedEntry>>(text.error());
  if (entries) return pipeline_->set_expected(*std::move(entries));
  log_error("what people expect could not be read and is forgotten: " + entries.error().message());
}

void Daemon::restore_feedback() {
  auto text = store_->setting(kFeedbackSetting);
  if (text && !*text) return;
  auto all = text ? feedback_from_json(**text) : Result<std::vector<Feedback>>(text.error());
  if (all) return pipeline_->set_feedback(*std::move(all));
  log_error("what people said of incidents could not be read and is forgotten: " + all.error().message());
}

void Daemon::keep_setting(std::string_view name, std::string text) {
  worker_.run([this, name, text = std::move(text)] { return store_->set_setting(name, text); },
              [name](const Status& written) {
                if (!written)
                  log_error("the " + std::string(name) + " could not be stored: " + written.error().message());
              });
}

void Daemon::set_brakes(Brakes brakes) {
  const WallTime at = wall_now();
  std::erase_if(brakes.maintenance, [&](const guard::Maintenance& window) { return window.until <= at; });
  std::erase_if(brakes.silences, [&](const Silence& silence) { return silence.until <= at; });
  std::string text = brakes_to_json(brakes);
  pipeline_->set_brakes(std::move(brakes));
  keep_setting(kBrakesSetting, std::move(text));
  (void)notify_manager("STATUS=" + status_line());
}

void Daemon::set_expected(std::vector<detect::ExpectedEntry> entries) {
  const WallTime at = wall_now();
  std::erase_if(entries, [&](const detect::ExpectedEntry& entry) { return entry.schedule.until <= at; });
  std::string text = expected_to_json(entries);
  pipeline_->set_expected(std::move(entries));
  keep_setting(kExpectedSetting, std::move(text));
}

void Daemon::set_feedback(std::vector<Feedback> all) {
  std::string text = feedback_to_json(all);
  while (all.size() > kMostFeedback || text.size() > AgentStore::kMostSetting) {
    all.erase(all.begin());
    text = feedback_to_json(all);
  }
  pipeline_->set_feedback(std::move(all));
  keep_setting(kFeedbackSetting, std::move(text));
}

void Daemon::restore_experience() {
  auto rows = store_->experience();
  if (rows) return pipeline_->set_experience(*std::move(rows));
  log_error("what came of treatments could not be read and is forgotten: " + rows.error().message());
}

void Daemon::remember(const Lesson& lesson) {
  std::vector<ExperienceRow> rows = pipeline_->experience().rows();
  std::erase_if(rows, [&](const ExperienceRow& row) {
    return row.action != lesson.action || (row.subject != lesson.fingerprint && row.subject != lesson.kind);
  });
  worker_.run([this, rows = std::move(rows)] { return store_->put_experience(rows); },
              [this](const Status& written) { reporter_->note_store(written); });
}

}  // namespace hostmedic
