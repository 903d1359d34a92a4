// SPDX-License-Identifier: Apache-2.0
// `hostmedic backtest`: all that is recorded, decided by another configuration. Needs no agent.
#include <algorithm>

#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/ctl/recorded.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

using Incidents = std::map<std::string, PlayedIncident>;

// What a configuration did with the time.
struct Tally {
  std::size_t incidents = 0, suspicions = 0, ordered = 0, helped = 0, rejected = 0;
  std::optional<Duration> to_detect;  // the median, of those that opened in it
};

Tally tally(const Incidents& incidents) {
  Tally sum;
  std::vector<Duration> delays;
  for (const auto& [id, incident] : incidents) {
    ++(incident.last.suspicion ? sum.suspicions : sum.incidents);
    sum.rejected += incident.rejected ? 1 : 0;
    sum.ordered += incident.orders.size();
    sum.helped += static_cast<std::size_t>(std::ranges::count_if(
        incident.orders, [](const PlayedOrder& order) { return order.result == OutcomeResult::done; }));
    if (!incident.restored && !incident.last.suspicion)
      delays.push_back(std::max(incident.last.opened_at - incident.last.fault_at, Duration{}));
  }
  if (delays.empty()) return sum;
  const auto middle = delays.begin() + static_cast<std::ptrdiff_t>(delays.size() / 2);
  std::nth_element(delays.begin(), middle, delays.end());
  sum.to_detect = *middle;
  return sum;
}

json::object json_of(const Tally& sum) {
  return {{"incidents", sum.incidents},
          {"suspicions", sum.suspicions},
          {"actions", sum.ordered},
          {"actions_done", sum.helped},
          {"rejected", sum.rejected},
          {"median_seconds_to_detect", sum.to_detect ? json::value(to_seconds(*sum.to_detect)) : json::value(nullptr)}};
}

std::string render(const Tally& then, const Tally& with, const std::string& name, const Look& look) {
  Table table({"", "as it was", name});
  const auto row = [&](const char* what, std::size_t a, std::size_t b) {
    table.add({{what}, {strf("%zu", a)}, {strf("%zu", b)}});
  };
  row("incidents", then.incidents, with.incidents);
  row("suspicions only", then.suspicions, with.suspicions);
  row("actions ordered", then.ordered, with.ordered);
  row("of these known to be done", then.helped, with.helped);
  row("false: rejected by people", then.rejected, with.rejected);
  const auto delay = [](const Tally& sum) {
    return sum.to_detect ? format_duration(*sum.to_detect) : std::string("none to measure");
  };
  table.add({{"median time to detect"}, {delay(then)}, {delay(with)}});
  return table.render(look);
}

}  // namespace

Exit backtest(Context& context, const BacktestWish& wish) {
  const auto since = parse_duration(wish.since);
  if (!since || *since <= Duration{})
    return fail(context, {Exit::usage, "'" + printable(wish.since, 40) + "' is not a duration", "for example: 14d"});
  const std::string dir = recorder_dir(context.paths);
  auto recording = read_recording(std::span(&dir, 1));
  if (!recording) return fail(context, recording_failure(recording.error()));
  std::erase_if(recording->segments,
                [&](const Segment& segment) { return segment.head.wall < context.look.now - *since; });
  if (recording->segments.empty())
    return fail(context, {Exit::negative, "nothing is recorded since then in " + dir,
                          "[recorder] enabled = true, and an agent that has run for a while"});
  auto loaded = other_config(recording->segments.front(), wish.config, context.paths);
  if (const auto* failure = std::get_if<Failure>(&loaded)) return fail(context, *failure);
  const DecidingConfig other = std::get<DecidingConfig>(std::move(loaded));
  auto played = play(*recording, {.other = &other});
  if (!played) return fail(context, recording_failure(played.error()));

  const Tally then = tally(played->incidents), with = tally(played->other);
  const std::vector<WouldHave> rows = differences(played->incidents, played->other);
  const std::string name = wish.config.empty() ? "as installed" : join(wish.config, ", ");
  if (context.json) {
    write_json(context, json::object{{"from_unix_nano", to_ns(played->from)},
                                     {"to_unix_nano", to_ns(played->to)},
                                     {"span_seconds", to_seconds(played->span)},
                                     {"stretches", played->stretches},
                                     {"recorded", json_of(then)},
                                     {"other", json_of(with)},
                                     {"differences", json_of(rows)},
                                     {"identical", !played->difference}});
    return Exit::fine;
  }
  context.out << field(context.look, "recorded",
                       format_duration(played->span) + strf(" in %zu stretches, ", played->stretches) +
                           clock_time(played->from, context.look.now) + " to " +
                           clock_time(played->to, context.look.now));
  for (const std::string& one : played->lost)
    context.out << field(context.look, "lost", printable(one, 600), Tone::warning);
  if (played->difference)
    context.out << field(
        context.look, "not as then",
        "this version decides otherwise with the recorded configuration already: " + played->difference->recorded,
        Tone::warning);
  context.out << render(then, with, name, context.look) << '\n' << render_differences(rows, context.look);
  return Exit::fine;
}

}  // namespace hostmedic
