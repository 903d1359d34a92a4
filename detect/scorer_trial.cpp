// SPDX-License-Identifier: Apache-2.0
// The evidence for models on trial: an alarm is a claim that a proved incident bears out within the next minutes, or
// that was wrong.
#include "agent/base/text.h"
#include "detect/scorer_state.h"

namespace hostmedic::detect {

namespace {
// An incident that begins so long after an alarm was found by it.
constexpr Duration kBornOut = std::chrono::minutes(10);
constexpr std::uint8_t kVersion = 1;
}  // namespace

std::string describe(const Trial& trial) {
  const Record &serving = trial.champion(), &tried = trial.challenger();
  return strf("%s: found %.0f of %.0f proved incidents, those that serve %.0f; wrong %.2g a day, those that serve %.2g",
              std::string(to_string(trial.stage())).c_str(), tried.found, tried.incidents(), serving.found,
              tried.wrong_a_day(), serving.wrong_a_day());
}

void Scorer::Internals::judge_claims(GroupState& group) {
  const auto old = [&](std::uint32_t claim) { return claim != 0 && config.interval * (now - claim) > kBornOut; };
  const bool champion = old(group.claim);
  if (champion) group.claim = 0;
  for (std::size_t i = 0; i < group.models.size(); ++i) {
    const bool challenger = old(group.models[i].claim);
    if (challenger) group.models[i].claim = 0;
    if (champion || challenger) models[kAlwaysOn.size() + i].trial.wrong(champion, challenger);
  }
}

void Scorer::proved(GroupSlot slot) {
  Internals& in = *internals_;
  GroupState& group = in.groups[slot];
  const bool champion = group.claim != 0 || group.score.suspicious;
  group.claim = 0;
  for (std::size_t i = 0; i < group.models.size(); ++i) {
    GroupMember& member = group.models[i];
    if (!member.model) continue;
    in.models[kAlwaysOn.size() + i].trial.proved(champion, member.claim != 0 || member.above);
    member.claim = 0;
  }
}

void Scorer::Internals::end_day() {
  day_began = now;
  for (RunningModel& model : models) {
    if (model.info == nullptr || model.mode == ModelMode::off) continue;
    model.trial.day();
    if (model.mode == ModelMode::trial) (void)model.trial.decide();  // health() tells where it stands
  }
}

void Scorer::save_models(StateWriter& writer) const {
  const Internals& in = *internals_;
  writer.put(kVersion);
  writer.put(static_cast<std::uint32_t>(in.models.size()));
  for (const RunningModel& model : in.models) {
    writer.put_text(model.name);
    model.trial.save(writer);
  }
}

bool Scorer::load_models(StateReader& reader) {
  constexpr std::uint32_t kMostModels = 64, kMostName = 64;
  if (reader.get<std::uint8_t>() != kVersion) return false;
  for (std::uint32_t left = reader.get_count(kMostModels); left > 0 && reader.good(); --left) {
    const std::string name = reader.get_text(kMostName);
    Trial trial;
    if (!trial.load(reader)) return false;
    if (RunningModel* model = internals_->find(name)) model->trial = trial;
  }
  return reader.good();
}

}  // namespace hostmedic::detect
