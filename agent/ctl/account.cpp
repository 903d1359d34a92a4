// SPDX-License-Identifier: Apache-2.0
// `hostmedic report` and `hostmedic feedback`: whether it was right.
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/ctl/list.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

int count_of(const json::object& report, const char* key) {
  return static_cast<int>(number_at(report, key).value_or(0));
}

std::string time_of(const json::object& report, const char* key) {
  const auto nanoseconds = number_at(report, key);
  return nanoseconds ? format_duration(Duration(static_cast<std::int64_t>(*nanoseconds))) : "-";
}

void print_report(Context& context, const json::object& report, const std::string& since) {
  const auto n = [&](const char* key) { return count_of(report, key); };
  say(context, strf("The last %s: %d incidents, %d suspicions that nobody was told of.", since.c_str(), n("incidents"),
                    n("suspicions")));
  if (!flag_at(report, "complete")) say(context, "There were more; only the newest are counted.");
  say(context, strf("%d were ended by a treatment, %d ended by themselves, a human was called for %d, %d go on.",
                    n("healed"), n("alone"), n("escalated"), n("open")));
  say(context, "In the middle, noticed " + time_of(report, "to_notice_nano") + ", acted upon " +
                   time_of(report, "to_act_nano") + ", over " + time_of(report, "to_recover_nano") +
                   " after the fault.");
  if (n("said_real") + n("said_none") > 0)
    say(context,
        strf("People said of %d that they were real, of %d that they were none.", n("said_real"), n("said_none")));
  Table table({"RUNBOOK", "PLANNED", "ORDERS", "HELPED", "FAILED", "UNDONE", "WOULD HAVE ACTED", "MISTAKEN"});
  for (const json::value& item : array_at(report, "runbooks")) {
    if (!item.is_object()) continue;
    const json::object& row = item.get_object();
    const auto cell = [&](const char* key) { return Cell{strf("%d", count_of(row, key))}; };
    table.add({{text_at(row, "name"), Tone::strong},
               cell("planned"),
               cell("ordered"),
               cell("helped"),
               cell("failed"),
               cell("undone"),
               cell("would"),
               cell("mistaken")});
  }
  if (!table.empty()) context.out << "\n" << table.render(context.look);
  for (const json::value& item : array_at(report, "proposals")) {
    if (!item.is_object()) continue;
    const json::object& row = item.get_object();
    say(context, strf("%s helped %d times in a row under a human's eyes for %s: consider a higher tier for it in "
                      "/etc/hostmedic/policy.toml.",
                      text_at(row, "action").c_str(), count_of(row, "supervised"), text_at(row, "subject").c_str()));
  }
  const json::array would = array_at(report, "would_have");
  if (would.empty()) return;
  context.out << "\n";
  say(context, "Would have done, had its tier allowed it:");
  for (const json::value& text : would)
    if (text.is_string()) say(context, "  " + std::string(text.get_string()));
}

}  // namespace

Exit report_account(Context& context, const std::string& since) {
  const auto length = parse_duration(since);
  if (!length || *length < std::chrono::seconds(1) || *length > std::chrono::hours(24 * 366))
    return fail(context, {Exit::usage, "--since wants a length from 1s to 366d, not '" + since + "'",
                          "for example: hostmedic report --since 14d"});
  const Answer answer = ask_daemon(
      context.ask, {{"verb", "report"}, {"seconds", std::chrono::ceil<std::chrono::seconds>(*length).count()}});
  if (!answer.body) return fail(context, answer.failure);
  const json::object report = object_at(*answer.body, "report");
  if (context.json)
    write_json(context, report);
  else
    print_report(context, report, since);
  return Exit::fine;
}

Exit feedback(Context& context, const FeedbackWish& wish) {
  if (wish.remove) {
    const Answer answer = ask_daemon(context.ask, {{"verb", "feedback-off"}, {"id", wish.id}});
    if (!answer.body) return fail(context, answer.failure);
    say(context, "Taken back: what was said of " + text_at(*answer.body, "id") + ".");
    return Exit::fine;
  }
  if (wish.word != "real" && wish.word != "false")
    return fail(context, {Exit::usage, "an incident was 'real' or 'false', not '" + wish.word + "'",
                          "for example: hostmedic feedback " + wish.id + " false --note 'nightly import'"});
  const Answer answer = ask_daemon(
      context.ask, {{"verb", "feedback"}, {"id", wish.id}, {"real", wish.word == "real"}, {"note", wish.note}});
  if (!answer.body) return fail(context, answer.failure);
  const int rules = count_of(*answer.body, "rules");
  std::string text = "Noted: " + text_at(*answer.body, "id") + " was " + (wish.word == "real" ? "real" : "none") + ". ";
  if (rules == 0)
    text += "All its signals are proof, which no word moves; a tier, a silence or a rule of your own does.";
  else
    text += strf("%d of its rules count %s for this entity from now on.", rules, wish.word == "real" ? "more" : "less");
  say(context, text);
  return Exit::fine;
}

}  // namespace hostmedic
