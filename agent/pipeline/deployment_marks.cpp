// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/deployment_marks.h"

#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

Result<std::vector<Entity>> entities_of(const std::string& text, const HostView& host) {
  if (text.find_first_of("*?") == std::string::npos) {
    auto entity = entity_from(text);
    if (!entity)
      return make_error(ErrorCode::malformed, "'" + text + "' is no entity; one is like host or service:web.service");
    return std::vector<Entity>{std::move(*entity)};
  }
  std::vector<Entity> fitting;
  host.each_entity([&](const Entity& entity) {
    if (glob_match(text, to_string(entity))) fitting.push_back(entity);
  });
  if (fitting.empty()) return make_error(ErrorCode::not_found, "no entity that is known matches '" + text + "'");
  if (fitting.size() > DeploymentMarks::kMostEntities)
    return make_error(ErrorCode::limit, strf("'%s' matches %zu entities, a mark is about %zu at most", text.c_str(),
                                             fitting.size(), DeploymentMarks::kMostEntities));
  return fitting;
}

}  // namespace

Result<Frame> DeploymentMarks::mark(const DeploymentMark& mark, const HostView& host, MonoTime mono, WallTime wall) {
  if (trim(mark.name).empty()) return make_error(ErrorCode::malformed, "a deployment wants a name");
  auto entities = entities_of(mark.entity, host);
  if (!entities) return std::move(entities).error();
  Frame frame;
  frame.first = sequence_ == 0;
  frame.sequence = sequence_++;
  frame.mono = mono;
  frame.wall = wall;
  for (std::uint32_t id = 0; id < marked_; ++id) frame.gone.push_back(EntityId{id});
  marked_ = 0;
  for (Entity& entity : *entities) {
    const EntityId id{marked_++};
    frame.entities.push_back({id, std::move(entity)});
    Event event{EventKind::change, id, mono, {}};
    const auto say = [&](std::string_view key, std::string_view value) {
      if (!value.empty()) event.attributes.push_back({std::string(key), std::string(value)});
    };
    say(attr::kChangeType, "deployment");
    say(attr::kChangeAction, "marked");
    say(attr::kChangeName, mark.name);
    say(attr::kChangeVersion, mark.version);
    say(attr::kChangeBy, mark.by);
    frame.events.push_back(std::move(event));
  }
  return frame;
}

}  // namespace hostmedic
