// SPDX-License-Identifier: Apache-2.0
#include "probes/container/container_table.h"

#include <algorithm>
#include <set>

#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic::container {
namespace {

bool runs(std::string_view state) { return state == "running" || state == "paused"; }

// What stands before the id in the name of a control group, as the name of a runtime.
std::string_view runtime_of(std::string_view engine) {
  if (engine == "libpod") return "podman";
  if (engine == "crio") return "cri-o";
  if (engine == "cri-containerd") return "containerd";
  return engine;
}

}  // namespace

ContainerTable::Row* ContainerTable::add(std::string_view id, std::string_view runtime) {
  const auto known = rows_.find(id);
  if (known != rows_.end()) return &known->second;
  if (rows_.size() >= most_) {
    ++refused_;
    return nullptr;
  }
  Row& row = rows_.emplace(std::string(id), Row{}).first->second;
  row.runtime = printable(runtime, kMostText);
  row.facts.id = id;
  return &row;
}

// Two engines may each have a container of the same name.
std::string ContainerTable::name_of(const Row& row) const {
  const bool taken =
      row.facts.name.empty() || std::ranges::any_of(rows_, [&](const auto& other) {
        return &other.second != &row && other.second.facts.name == row.facts.name && other.first < row.facts.id;
      });
  return std::string(taken ? short_id(row.facts.id) : std::string_view(row.facts.name));
}

EntityId ContainerTable::entity_of(Row& row, Sink& sink) {
  if (!row.entity) row.entity = sink.entity(EntityKind::container, name_of(row));
  return *row.entity;
}

EntityId ContainerTable::entity(std::string_view id, Sink& sink) {
  const auto at = rows_.find(id);
  return at == rows_.end() ? kNoEntity : entity_of(at->second, sink);
}

std::string ContainerTable::entity_name(std::string_view id) const {
  const auto at = rows_.find(id);
  return at == rows_.end() ? std::string() : name_of(at->second);
}

void ContainerTable::tell(Row& row, std::string_view what, MonoTime now, Sink& sink) {
  Event event{EventKind::container_state, entity_of(row, sink), now, {}};
  const auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) event.attributes.push_back({std::string(key), printable(value, kMostAttributeValue)});
  };
  const ContainerFacts& facts = row.facts;
  add(attr::kContainerEvent, what);
  add(attr::kContainerId, facts.id);
  add(attr::kContainerName, facts.name);
  add(attr::kContainerImage, facts.image);
  add(attr::kContainerRuntime, row.runtime);
  add(attr::kContainerState, facts.state);
  add(attr::kContainerHealth, facts.health);
  const bool ended = !runs(facts.state) && facts.state != "created";
  if (facts.exit_code && ended) add(attr::kContainerExitCode, std::to_string(*facts.exit_code));
  if (facts.restarts) add(attr::kContainerRestarts, std::to_string(*facts.restarts));
  if (facts.oom_killed) add(attr::kContainerOomKilled, "1");
  sink.event(std::move(event));
}

void ContainerTable::learn(Row& row, const ContainerFacts& facts, Sink& sink) {
  const std::string before = name_of(row);
  row.facts = facts;
  if (!row.entity || name_of(row) == before) return;
  sink.retire(*row.entity);
  row.entity.reset();
  row.restarts = kNoSeries;
  renamed_ = true;
}

// A container cannot change its image; another one takes its name. With the same name of the image the ids tell.
void ContainerTable::note_image(Row& row, MonoTime now, Sink& sink) {
  const ContainerFacts& facts = row.facts;
  if (facts.name.empty() || facts.image.empty()) return;
  const std::string key = row.runtime + "/" + facts.name;
  if (images_.size() >= most_ && !images_.contains(key)) {
    std::erase_if(images_, [&](const auto& known) { return !rows_.contains(known.second.container); });
    if (images_.size() >= most_) return;
  }
  Image now_is{facts.id, facts.image, facts.image_id};
  const Image before = std::exchange(images_[key], now_is);
  if (before.container.empty() || before.container == facts.id) {
    if (facts.image_id.empty()) images_[key].image_id = before.image_id;
    return;
  }
  const bool other_name = before.image != facts.image;
  const bool other_id = !before.image_id.empty() && !facts.image_id.empty() && before.image_id != facts.image_id;
  if (!other_name && !other_id) return;
  const auto version = [&](const Image& image) {
    return printable(other_name ? image.image : image.image + "@" + image.image_id, kMostAttributeValue);
  };
  sink.event({EventKind::change,
              entity_of(row, sink),
              now,
              {{std::string(attr::kChangeType), "image"},
               {std::string(attr::kChangeAction), "modified"},
               {std::string(attr::kChangeName), printable(facts.image, kMostAttributeValue)},
               {std::string(attr::kChangeVersion), version(now_is)},
               {std::string(attr::kChangePreviousVersion), version(before)}}});
}

void ContainerTable::compare(Row& row, const ContainerFacts& before, bool deaths_too, MonoTime now, Sink& sink) {
  const ContainerFacts& facts = row.facts;
  const bool ran = runs(before.state), running = runs(facts.state);
  if (deaths_too && facts.oom_killed && !before.oom_killed) tell(row, "oom", now, sink);
  // The engine counts a restart when the last run ends, before the next one begins.
  const std::uint64_t count = facts.restarts.value_or(0);
  const bool again = before.state == "restarting" || row.ran_with.value_or(count) < count;
  if (running) row.ran_with = count;
  if (running && again) {
    tell(row, "restart", now, sink);
  } else if (running && !ran) {
    tell(row, "start", now, sink);
  } else if (deaths_too && ran && !running) {
    tell(row, "die", now, sink);
  } else if (before.state.empty() && facts.state == "created") {
    tell(row, "create", now, sink);
  }
  if (deaths_too && facts.health != before.health && !facts.health.empty() && running)
    tell(row, "health_status", now, sink);
}

void ContainerTable::on_facts(std::string_view runtime, const ContainerFacts& facts, Source source, MonoTime now,
                              Sink& sink) {
  Row* const row = add(facts.id, runtime);
  if (row == nullptr) return;
  row->in_engine = true;
  const ContainerFacts before = row->facts;
  learn(*row, facts, sink);
  note_image(*row, now, sink);
  compare(*row, before, source == Source::disk, now, sink);
}

void ContainerTable::on_snapshot(std::string_view runtime, std::span<const ContainerFacts> containers, MonoTime now,
                                 Sink& sink) {
  const bool first = std::ranges::find(listed_, runtime) == listed_.end();
  if (first) listed_.emplace_back(runtime);
  std::set<std::string_view> seen;
  for (const ContainerFacts& facts : containers) {
    seen.insert(facts.id);
    Row* const row = first ? add(facts.id, runtime) : nullptr;
    if (row == nullptr) {
      on_facts(runtime, facts, Source::disk, now, sink);
      continue;
    }
    row->in_engine = true;
    learn(*row, facts, sink);
    note_image(*row, now, sink);
    if (runs(facts.state)) row->ran_with = facts.restarts;
    // What is at rest, as somebody wished it to be, is no news.
    const bool at_rest = facts.state == "created" || (facts.state == "exited" && facts.exit_code.value_or(0) == 0);
    if (!facts.state.empty() && !at_rest) tell(*row, "found", now, sink);
  }
  std::vector<std::string> gone;
  for (const auto& [id, row] : rows_) {
    if (row.in_engine && row.runtime == runtime && !seen.contains(id)) gone.push_back(id);
  }
  for (const std::string& id : gone) on_gone(id, now, sink);
}

void ContainerTable::on_gone(std::string_view id, MonoTime now, Sink& sink) {
  const auto at = rows_.find(id);
  if (at == rows_.end() || !at->second.in_engine) return;
  at->second.in_engine = false;
  tell(at->second, "destroy", now, sink);
  forget_if_unused(at, sink);
}

bool ContainerTable::on_news(std::string_view runtime, const ContainerNews& news, MonoTime now, Sink& sink) {
  if (news.id.empty()) return false;
  if (news.action == "destroy") {
    on_gone(news.id, now, sink);
    return false;
  }
  Row* const row = add(news.id, runtime);
  if (row == nullptr) return false;
  row->in_engine = true;
  ContainerFacts facts = row->facts;
  if (!news.name.empty()) facts.name = news.name;
  if (!news.image.empty()) facts.image = news.image;
  if (news.action == "die") {
    facts.state = "exited";
    if (news.exit_code) facts.exit_code = news.exit_code;
  }
  if (news.action == "oom") facts.oom_killed = true;
  if (news.action == "health_status") facts.health = news.health;
  learn(*row, facts, sink);
  if (news.action == "die" || news.action == "oom" || news.action == "health_status")
    tell(*row, news.action, now, sink);
  // Whether a start was a restart by policy only the engine's count of them says.
  return true;
}

std::vector<std::string> ContainerTable::on_groups(std::span<const GroupRow> groups, MonoTime now, Sink& sink) {
  const bool first = !std::exchange(grouped_, true);
  std::set<std::string_view> seen;
  for (const GroupRow& group : groups) {
    Row* const row = add(group.name, runtime_of(group.engine));
    if (row == nullptr) continue;
    seen.insert(group.name);
    if (!group.engine.empty()) row->runtime = runtime_of(group.engine);
    if (std::exchange(row->in_groups, true) || !row->facts.state.empty()) continue;
    tell(*row, first ? "found" : "start", now, sink);
  }
  std::vector<std::string> ended;
  for (auto at = rows_.begin(); at != rows_.end();) {
    const auto next = std::next(at);
    if (at->second.in_groups && !seen.contains(at->first)) {
      if (at->second.facts.state.empty()) {
        ended.push_back(at->first);
      } else {
        at->second.in_groups = false;
        forget_if_unused(at, sink);
      }
    }
    at = next;
  }
  return ended;
}

void ContainerTable::on_ended(std::string_view id, std::optional<std::int64_t> exit_code, MonoTime now, Sink& sink) {
  const auto at = rows_.find(id);
  if (at == rows_.end()) return;
  at->second.in_groups = false;
  at->second.facts.exit_code = exit_code;
  tell(at->second, "die", now, sink);
  forget_if_unused(at, sink);
}

void ContainerTable::forget_if_unused(Rows::iterator at, Sink& sink) {
  if (at->second.in_engine || at->second.in_groups) return;
  if (at->second.entity) sink.retire(*at->second.entity);
  rows_.erase(at);
}

void ContainerTable::sample(Sink& sink) {
  for (auto& [id, row] : rows_) {
    if (!row.facts.restarts) continue;
    if (row.restarts == kNoSeries) row.restarts = sink.series(entity_of(row, sink), metric::kContainerRestarts);
    sink.sample(row.restarts, static_cast<double>(*row.facts.restarts));
  }
}

}  // namespace hostmedic::container
