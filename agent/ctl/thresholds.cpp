// SPDX-License-Identifier: Apache-2.0
// `hostmedic thresholds`, `hostmedic relearn` and `hostmedic list detectors --health`: what the models have learnt.
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/ctl/list.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

// Midnight before today's, in UTC as every time that is shown.
WallTime yesterday(WallTime now) {
  const auto today = std::chrono::floor<std::chrono::days>(now.time_since_epoch());
  return WallTime(std::chrono::duration_cast<Duration>(today - std::chrono::days(1)));
}

}  // namespace

Exit list_thresholds(Context& context, const std::string& since) {
  const auto length = parse_duration(since);
  if (!length && since != "yesterday")
    return fail(context, {Exit::usage, "--since wants a length of time or 'yesterday', not '" + since + "'",
                          "for example: hostmedic thresholds --since 12h"});
  const WallTime from = length ? context.look.now - *length : yesterday(context.look.now);
  Answer answer = ask_daemon(context.ask, {{"verb", "list"}, {"what", "thresholds"}});
  if (!answer.body) return fail(context, answer.failure);
  json::array shown;
  Table table({"WHEN", "THRESHOLD OF", "WAS", "IS", "WHY"});
  for (const json::value& item : array_at(*answer.body, "items")) {
    if (!item.is_object()) continue;
    const json::object& row = item.get_object();
    const auto at = time_at(row, "at_unix_nano");
    if (!at || *at < from) continue;
    shown.push_back(row);
    table.add({{relative(*at, context.look.now)},
               {text_at(row, "what"), Tone::strong},
               {strf("%.4g", number_at(row, "before").value_or(0))},
               {strf("%.4g", number_at(row, "after").value_or(0))},
               {text_at(row, "why")}});
  }
  if (context.json)
    write_json(context, shown);
  else if (table.empty())
    say(context, "No threshold was moved since then.");
  else
    context.out << table.render(context.look);
  return Exit::fine;
}

Exit list_health(Context& context) {
  if (!context.json) {
    const Exit models = list_things(context, "models");
    if (models != Exit::fine) return models;
    context.out << "\n";
    return list_things(context, "groups");
  }
  json::object both;
  for (const char* what : {"models", "groups"}) {
    Answer answer = ask_daemon(context.ask, {{"verb", "list"}, {"what", what}});
    if (!answer.body) return fail(context, answer.failure);
    both[what] = array_at(*answer.body, "items");
  }
  write_json(context, both);
  return Exit::fine;
}

Exit relearn(Context& context, const std::string& entity) {
  Answer answer = ask_daemon(context.ask, {{"verb", "relearn"}, {"entity", entity}});
  if (!answer.body) return fail(context, answer.failure);
  const double groups = number_at(*answer.body, "groups").value_or(0);
  if (groups == 0)
    return fail(context, {Exit::negative, "no group of series matches " + entity, "hostmedic list groups"});
  say(context, strf("%.0f %s anew; nothing of it is suspected until then.", groups,
                    groups == 1 ? "group learns" : "groups learn"));
  return Exit::fine;
}

}  // namespace hostmedic
