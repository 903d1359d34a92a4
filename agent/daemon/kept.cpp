// SPDX-License-Identifier: Apache-2.0
// What people set and said, kept over restarts: brakes, what they expect, what they make of incidents.
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/daemon/daemon.h"
#include "agent/pipeline/brakes_json.h"

namespace hostmedic {
namespace {
constexpr std::string_view kBrakesSetting = "brakes", kExpectedSetting = "expected", kFeedbackSetting = "feedback";
}  // namespace

void Daemon::restore_brakes() {
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
