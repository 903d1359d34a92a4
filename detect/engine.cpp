// SPDX-License-Identifier: Apache-2.0
#include "detect/engine.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "detect/engine_state.h"
#include "detect/health/checkpoint.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

constexpr std::string_view kSurveySection = "survey", kDetectorSection = "detectors";
// What a detector remembers waits for its series to be told again for so long.
constexpr Duration kRemembered = Survey::kKept;

std::string key_of(const Rule& rule, const Entity& entity, const SeriesDef& def) {
  return rule.id + '|' + to_string(entity) + '|' + def.name + '|' + def.attributes;
}

std::vector<SignalRule> signal_rules(const std::vector<CompiledRule>& rules, const std::vector<EventRule>& events,
                                     ConditionSet& conditions, Duration quiet_after) {
  std::vector<SignalRule> all;
  for (const CompiledRule& compiled : rules) all.push_back(signal_rule(compiled.rule, quiet_after));
  for (const EventRule& rule : events) all.push_back(signal_rule(rule));
  for (SignalRule& rule : Survey::signal_rules(quiet_after)) all.push_back(std::move(rule));
  conditions.begin_at(all.size());
  for (SignalRule& rule : conditions.signal_rules(quiet_after)) all.push_back(std::move(rule));
  return all;
}

}  // namespace

Engine::Internals::Internals(EngineConfig config, std::vector<CompiledRule> compiled, ConditionSet compiled_conditions,
                             std::unique_ptr<Survey> surveyed)
    : prints(prints_of(config)),
      rules(std::move(compiled)),
      events(std::move(config.event_rules)),
      most_detectors(config.most_detectors),
      conditions(std::move(compiled_conditions)),
      behaviour(config.behaviour),
      calendar(std::move(config.expected)),
      book(signal_rules(rules, events, conditions, config.quiet_after), config.host_seed,
           {config.quiet_after, config.post_change}),
      survey(std::move(surveyed)) {
  book.look_at(calendar, holds);
}

// Whether the frame may be used; counts what is missing or out of order.
bool Engine::Internals::accept(const Frame& frame) {
  const bool backwards = last && frame.mono < *last;
  if (backwards || (last && !frame.first && frame.sequence <= sequence)) {
    ++ignored;
    // Its definitions are not taken either, so the ids of what follows would be read wrongly.
    if (frame.first) restart();
    return false;
  }
  if (last && !frame.first) lost += frame.sequence - sequence - 1;
  sequence = frame.sequence;
  last = frame.mono;
  return true;
}

void Engine::Internals::restart() {
  remember(remembered);
  began.reset();
  Frame nothing;
  nothing.first = true;
  nothing.mono = view.mono();
  nothing.wall = view.wall();
  view.apply(nothing);
  tracks.clear();
  detectors = 0;
  conditions.restart();
  survey->restart();
  book.restart();
}

void Engine::Internals::retire(EntityId id) {
  const Entity* entity = view.entity(id);
  if (entity == nullptr) return;
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    const SeriesDef* def = view.series(SeriesId{static_cast<std::uint32_t>(i)});
    if (def == nullptr || def->entity != id) continue;
    detectors -= tracks[i].watches.size();
    tracks[i] = {};
    survey->unbind(SeriesId{static_cast<std::uint32_t>(i)});
  }
  conditions.retire(id, *entity);
  book.gone(*entity);
}

void Engine::Internals::bind(const SeriesDef& def) {
  const std::size_t index = static_cast<std::size_t>(def.id);
  const SeriesDef* known = view.series(def.id);
  const Entity* entity = view.entity(def.entity);
  if (known == nullptr || entity == nullptr || *known != def) return;
  if (index >= tracks.size()) tracks.resize(index + 1);
  Track& track = tracks[index];
  detectors -= track.watches.size();
  track = {};
  track.counter = def.instrument == Instrument::counter;
  track.unit = track.counter ? rate_unit(def.unit) : def.unit;
  track.expected = calendar.of(*entity, def.name);
  survey->bind(def, *entity);
  const std::string name = to_string(*entity);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = rules[i].rule;
    if (rule.metric != def.name || !glob_match(rule.attributes, def.attributes) || !glob_match(rule.entity, name))
      continue;
    if (detectors >= most_detectors) {
      ++refused;
      continue;
    }
    const auto number = static_cast<std::uint32_t>(i);
    const bool told = book.attach(number, *entity, def.attributes);
    track.watches.push_back({number, told, rules[i].detector->make(rules[i].values)});
    recall(*track.watches.back().detector, key_of(rule, *entity, def));
    ++detectors;
  }
  conditions.bind(def, *entity, book);
}

// Not while an incident of it is open or people work on it: that is not what is usual.
bool Engine::Internals::learns(const Entity& entity) {
  return !holds.cover(entity) && (book.incidents().empty() || !book.treated(entity));
}

void Engine::Internals::recall(Detector& detector, const std::string& key) {
  const auto known = remembered.find(key);
  if (known == remembered.end()) return;
  StateReader reader(known->second);
  (void)detector.load(reader);  // else it learns anew
  remembered.erase(known);
}

void Engine::Internals::remember(std::map<std::string, std::string>& ret_states) const {
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    const SeriesDef* def = view.series(SeriesId{static_cast<std::uint32_t>(i)});
    const Entity* entity = def == nullptr ? nullptr : view.entity(def->entity);
    if (entity == nullptr) continue;
    for (const Watch& watch : tracks[i].watches) {
      StateWriter state;
      watch.detector->save(state);
      if (!state.bytes().empty()) ret_states[key_of(rules[watch.rule].rule, *entity, *def)] = state.take();
    }
  }
}

void Engine::Internals::save_detectors(StateWriter& writer) const {
  std::map<std::string, std::string> states = remembered;
  remember(states);
  writer.put(static_cast<std::uint32_t>(states.size()));
  for (const auto& [key, state] : states) {
    writer.put_text(key);
    writer.put_text(state);
  }
}

bool Engine::Internals::load_detectors(StateReader& reader) {
  constexpr std::uint32_t kMostKey = 1024, kMostState = 1 << 20;
  for (std::uint32_t left = reader.get_count(static_cast<std::uint32_t>(most_detectors)); left > 0 && reader.good();
       --left) {
    std::string key = reader.get_text(kMostKey);
    remembered[std::move(key)] = reader.get_text(kMostState);
  }
  if (!reader.good()) remembered.clear();
  return reader.good();
}

const Expectation& Engine::Internals::expected(SeriesId id) const {
  static constexpr Expectation kNothing;
  const std::size_t index = static_cast<std::size_t>(id);
  return index < tracks.size() ? tracks[index].expected : kNothing;
}

// When a window begins or ends.
void Engine::Internals::turn_calendar(WallTime now) {
  if (!calendar.turn(now)) return;
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    const SeriesDef* def = view.series(SeriesId{static_cast<std::uint32_t>(i)});
    const Entity* entity = def == nullptr ? nullptr : view.entity(def->entity);
    if (entity != nullptr) tracks[i].expected = calendar.of(*entity, def->name);
  }
}

void Engine::Internals::feed(SeriesId id, const Reading& reading) {
  conditions.feed(id, reading, expected(id).shadow);
  const std::size_t index = static_cast<std::size_t>(id);
  if (index >= tracks.size() || tracks[index].watches.empty()) return;
  const SeriesDef* def = view.series(id);
  if (def == nullptr) return;
  Track& track = tracks[index];
  std::optional<Reading> seen = reading;
  if (track.counter) seen = track.rate.step(reading);
  if (!seen) return;
  const Entity* entity = view.entity(def->entity);
  if (entity == nullptr) return;
  seen->learn = !track.expected.any() && learns(*entity);
  for (Watch& watch : track.watches) judge(track, watch, *def, *seen);
}

void Engine::Internals::judge(const Track& track, Watch& watch, const SeriesDef& def, const Reading& reading) {
  // What is expected now is not looked at, so that nothing is learnt from it, nor taken for a new normal in time.
  const bool excused = track.expected.shadow || (track.expected.factor > 1 && watch.usual && reading.value &&
                                                 track.expected.excuses(*reading.value, double{*watch.usual}));
  if (excused) {
    (void)watch.detector->step({reading.at, std::nullopt, reading.wall, false});
    return hush(watch, def);
  }
  const Finding finding = watch.detector->step(reading);
  if (rules[watch.rule].detector->usual && finding.expected) watch.usual = static_cast<float>(*finding.expected);
  if (finding.state == State::unknown) return;
  if (finding.state == State::quiet) return hush(watch, def);
  watch.told = true;
  book.fire(watch.rule, *view.entity(def.entity), def, track.unit, reading.value.value_or(0),
            rules[watch.rule].rule.weight, finding);
}

void Engine::Internals::hush(Watch& watch, const SeriesDef& def) {
  if (watch.told) watch.told = !book.quiet(watch.rule, *view.entity(def.entity), def.attributes);
}

void Engine::Internals::note(const Event& event) {
  const Entity* own = view.entity(event.entity);
  if (own == nullptr) return;
  if (event.kind == EventKind::unit_state) {
    if (event.get(attr::kUnitInitial) == "1") book.units_listed();
    // A unit that falls into `failed` because it restarted too often must be known as such in this very frame.
    const auto restarts = parse_u64(event.get(attr::kUnitRestarts));
    const auto series = view.find_series(*own, metric::kServiceRestarts.name);
    if (restarts && series) feed(*series, {view.mono(), static_cast<double>(*restarts)});
  }
  if (event.kind == EventKind::clock_step) survey->forget_changes();
  book.note(*own, event);
  for (const EventRule& rule : events) {
    if (rule.kind != event.kind) continue;
    Entity about = *own;
    if (!rule.unit_key.empty()) about = Entity{EntityKind::service, std::string(event.get(rule.unit_key))};
    if (!rule.unit_key.empty() && (about.name.empty() || about.name.size() > kMostEntityName)) continue;
    if (!glob_match(rule.entity, to_string(about))) continue;
    const auto index = static_cast<std::uint32_t>(event_index(rule));
    if (fires(rule, event)) {
      const bool at_once = !rule.at_once_key.empty() && event.get(rule.at_once_key) == rule.at_once_value;
      book.fire_event(index, about, event, rule.probability, at_once);
    } else if (std::ranges::find(rule.clear_values, event.get(rule.key)) != rule.clear_values.end()) {
      book.clear_event(index, about);
    } else if (std::ranges::find(rule.withdraw_values, event.get(rule.key)) != rule.withdraw_values.end()) {
      book.withdraw_event(index, about);
    }
  }
}

Result<std::unique_ptr<Engine>> Engine::make(EngineConfig config) {
  auto compiled = compile_rules(config);
  if (!compiled) return std::move(compiled).error();
  auto conditions = ConditionSet::make(config.condition_rules, config.stage);
  if (!conditions) return std::move(conditions).error();
  take_mode(config.scoring.modes, config.behaviour);
  config.behaviour.settings.learning = config.scoring.warm_up;
  auto survey = Survey::make(config.scoring);
  if (!survey) return std::move(survey).error();
  std::erase_if(config.event_rules, [](const EventRule& rule) { return !rule.enabled; });
  return std::unique_ptr<Engine>(new Engine(std::make_unique<Internals>(std::move(config), *std::move(compiled),
                                                                        *std::move(conditions), *std::move(survey))));
}

Engine::Engine(std::unique_ptr<Internals> internals) : internals_(std::move(internals)) {}
Engine::~Engine() = default;

const Changes& Engine::step(const Frame& frame) {
  Internals& in = *internals_;
  in.changes.opened.clear();
  in.changes.updated.clear();
  in.changes.cleared.clear();
  if (!in.accept(frame)) return in.changes;
  if (frame.first) in.restart();
  in.book.begin(frame.mono, frame.wall);
  in.survey->begin(frame.mono);
  in.holds.expire(frame.wall);
  if (!in.began) in.began = frame.mono;
  if (!in.remembered.empty() && frame.mono - *in.began > kRemembered) in.remembered.clear();
  for (const EntityId id : frame.gone) in.retire(id);
  in.view.apply(frame);
  in.turn_calendar(frame.wall);
  for (const SeriesDef& def : frame.series) in.bind(def);
  for (const Sample& sample : frame.samples) {
    in.feed(sample.series, {frame.mono, sample.value, frame.wall});
    in.survey->sample(sample.series, sample.value, in.expected(sample.series).any());
  }
  for (const Event& event : frame.events) in.note(event);
  for (const Event& event : in.behaviour.step(frame, in.view, in.holds)) in.note(event);
  in.survey->step(in.view, in.book, in.holds, static_cast<std::uint32_t>(in.rules.size() + in.events.size()));
  in.conditions.judge(frame.mono, frame.wall, in.book);
  in.book.end(in.view, in.changes);
  in.behaviour.hold(in.book.incidents());
  for (const std::string& id : in.changes.opened)
    if (const Incident& opened = in.book.incidents().at(id); opened.proof) in.survey->proved(opened.root);
  return in.changes;
}

const std::map<std::string, Incident>& Engine::incidents() const { return internals_->book.incidents(); }
void Engine::adopt(const Incident& incident) { internals_->book.adopt(incident); }
void Engine::forget(const std::string& id) { internals_->book.forget(id); }
Result<std::string> Engine::checkpoint() const {
  StateWriter survey, behaviour, detectors;
  internals_->survey->save(survey);
  internals_->behaviour.save(behaviour);
  internals_->save_detectors(detectors);
  return encode_checkpoint({internals_->view.wall(),
                            {{std::string(kSurveySection), survey.take()},
                             {std::string(kBehaviourModel), behaviour.take()},
                             {std::string(kDetectorSection), detectors.take()}}});
}

// A part that cannot be read does not cost the others what they learnt.
Status Engine::restore(std::string_view checkpoint) {
  auto decoded = decode_checkpoint(checkpoint);
  if (!decoded) return std::move(decoded).error();
  StateReader survey(decoded->sections[std::string(kSurveySection)]);
  StateReader behaviour(decoded->sections[std::string(kBehaviourModel)]);
  StateReader detectors(decoded->sections[std::string(kDetectorSection)]);
  std::string unread;
  if (!internals_->survey->load(survey)) unread += " of series";
  if (!internals_->behaviour.load(behaviour)) unread += " of services";
  if (!internals_->load_detectors(detectors)) unread += " of rules";
  if (!unread.empty()) return make_error(ErrorCode::malformed, "the checkpoint's part" + unread + " cannot be read");
  return ok();
}

void Engine::hold_learning(std::vector<LearningHold> holds) { internals_->holds.set(std::move(holds)); }
void Engine::set_expected(std::vector<ExpectedEntry> entries) { internals_->calendar.set_once(std::move(entries)); }
void Engine::set_feedback(const std::vector<Feedback>& all) { internals_->book.set_feedback(all); }
const Calendar& Engine::calendar() const { return internals_->calendar; }
std::size_t Engine::relearn(std::string_view entity_pattern) {
  (void)internals_->behaviour.relearn(entity_pattern, internals_->view);
  return internals_->survey->relearn(entity_pattern);
}
const Survey& Engine::survey() const { return *internals_->survey; }
void Engine::learn(const Entity& root, bool worked) { internals_->book.learn(root, worked); }
const std::string& Engine::stage() const { return internals_->conditions.stage(); }
const EntityGraph& Engine::graph() const { return internals_->book.graph(); }
std::string Engine::recent_change(const Entity& entity) const {
  const std::string* change = internals_->book.recent_change(entity);
  return change == nullptr ? std::string() : *change;
}
bool Engine::storming() const { return internals_->book.storming(); }
bool Engine::gathering() const { return internals_->book.gathering(); }
const HostView& Engine::host() const { return internals_->view; }
const BehaviourWatch& Engine::behaviour() const { return internals_->behaviour; }
std::size_t Engine::detector_count() const { return internals_->detectors; }
std::size_t Engine::condition_count() const { return internals_->conditions.size(); }
std::uint64_t Engine::lost_frames() const { return internals_->lost; }
std::uint64_t Engine::ignored_frames() const { return internals_->ignored; }
std::uint64_t Engine::refused() const {
  return internals_->refused + internals_->conditions.refused() + internals_->book.refused();
}

std::size_t Engine::bytes_used() const {
  const Internals& in = *internals_;
  std::size_t bytes = sizeof in + in.tracks.capacity() * sizeof(Track) + in.book.bytes_used() +
                      in.survey->bytes_used() + in.conditions.bytes_used() + in.behaviour.bytes_used();
  for (const Track& track : in.tracks) {
    bytes += track.watches.capacity() * sizeof(Watch);
    for (const Watch& watch : track.watches) bytes += watch.detector->bytes_used();
  }
  return bytes;
}

}  // namespace hostmedic::detect
