// SPDX-License-Identifier: Apache-2.0
// [detect.models]: which statistical models run, and whose word counts. The scorer, the group models and behaviour name
// them.
#include <algorithm>

#include "agent/config/agent_keys.h"
#include "detect/behaviour/behaviour_watch.h"
#include "detect/multivariate/group_model.h"

namespace hostmedic {
namespace {

std::vector<std::string_view> model_names() {
  std::vector<std::string_view> names{detect::kBehaviourModel};
  for (const detect::GroupModelInfo* info : detect::all_group_models()) names.push_back(info->name);
  if (const auto scorer = detect::Scorer::make({}))
    for (const detect::ModelHealth& model : (*scorer)->health())
      if (std::ranges::find(names, model.name) == names.end()) names.push_back(model.name);
  return names;
}

}  // namespace

void read_models(const Node& table, const Place& place, detect::ScorerConfig& scoring) {
  const std::vector<std::string_view> known = model_names();
  for (const Member& member : table.members) {
    detect::ModelMode mode{};
    if (std::ranges::find(known, member.name) == known.end()) {
      place.error(member.at, unknown_text("model", member.name, known));
    } else if (auto wrong = read_value(member.value, {}, mode)) {
      place.error(wrong->at, member.name + ": " + wrong->message);
    } else {
      std::erase_if(scoring.modes, [&](const auto& old) { return old.first == member.name; });
      scoring.modes.emplace_back(member.name, mode);
    }
  }
  std::ranges::sort(scoring.modes);  // so that the order of the files does not matter
}

}  // namespace hostmedic
