// SPDX-License-Identifier: Apache-2.0
// `hostmedic status`: one screen.
#include "agent/ctl/status.h"

#include <algorithm>

#include "agent/base/bytes.h"
#include "agent/base/text.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

std::string count_at(const json::object& object, std::string_view key) {
  const auto number = integer_at(object, key);
  return number ? strf("%lld", static_cast<long long>(*number)) : "?";
}

// "label: text", appended to a list of clauses.
void clause(std::string& to, const std::string& text) {
  if (text.empty()) return;
  if (!to.empty()) to += ", ";
  to += text;
}

std::string header(const json::object& status, const Look& look) {
  std::string text = "hostmedic " + text_at(status, "version", 32);
  if (const auto started = time_at(status, "started_unix_nano"))
    text += ", running for " + format_duration(look.now - *started);
  if (const auto pid = integer_at(status, "pid")) text += strf(", pid %lld", static_cast<long long>(*pid));
  return paint(look, Tone::strong, text) + "\n";
}

// Where the policy says otherwise: "; service-restart on *: auto". The last rule that fits an entity wins.
std::string tier_rules(const json::object& status) {
  constexpr std::size_t kMostShown = 8;
  const json::value* rules = status.if_contains("tier_rules");
  const json::array* rows = rules == nullptr ? nullptr : rules->if_array();
  if (rows == nullptr) return {};
  std::string text;
  for (std::size_t i = 0; i < rows->size() && i < kMostShown; ++i) {
    const json::object* row = (*rows)[i].if_object();
    if (row == nullptr) continue;
    text +=
        "; " + text_at(*row, "runbook", 64) + " on " + text_at(*row, "entity", 64) + ": " + text_at(*row, "tier", 16);
  }
  return rows->size() > kMostShown ? text + "; ..." : text;
}

std::string tier(const json::object& status, const Look& look) {
  const std::string name = text_at(status, "tier", 32);
  const std::string others = tier_rules(status);
  if (!others.empty()) return field(look, "tier", (name.empty() ? "unknown" : name) + " by default" + others);
  std::string_view meaning;
  if (name == "observe") meaning = ": detects and explains, changes nothing";
  if (name == "suggest") meaning = ": suggests treatments, carries out what a human approves";
  if (name == "approve") meaning = ": asks a human before it treats";
  if (name == "auto") meaning = ": treats what the guard allows";
  return field(look, "tier", (name.empty() ? "unknown" : name) + std::string(meaning));
}

std::string brakes(const json::object& status, const Look& look) {
  std::string out;
  const std::string no_disk = text_at(object_at(status, "store"), "no_disk");
  if (!no_disk.empty()) {
    out += field(look, "in memory", "nothing is treated or outlives a boot: " + no_disk, Tone::bad);
  } else if (flag_at(status, "halted")) {
    std::string by = text_at(status, "halted_by");
    out += field(look, "halted", "nothing is treated" + (by.empty() ? "" : ", by " + by) + "; hostmedic resume",
                 Tone::warning);
  }
  for (const json::value& one : array_at(status, "maintenance")) {
    const json::object* window = one.if_object();
    if (window == nullptr) continue;
    const auto until = time_at(*window, "until_unix_nano");
    if (until && *until <= look.now) continue;
    std::string text = text_at(*window, "entity") + (until ? ", ends " + relative(*until, look.now) : "");
    const std::string by = text_at(*window, "by"), reason = text_at(*window, "reason");
    if (!by.empty()) text += ", by " + by;
    if (!reason.empty()) text += ": " + reason;
    out += field(look, "maintenance", text, Tone::warning);
  }
  for (const json::value& one : array_at(status, "silences")) {
    const json::object* silence = one.if_object();
    if (silence == nullptr) continue;
    const auto until = time_at(*silence, "until_unix_nano");
    const std::string kind = text_at(*silence, "kind"), reason = text_at(*silence, "reason");
    out += field(look, "silence",
                 text_at(*silence, "entity") + (kind == "*" ? "" : " (" + kind + ")") +
                     (until ? ", ends " + relative(*until, look.now) : "") + ", by " + text_at(*silence, "by") +
                     (reason.empty() ? "" : ": " + reason),
                 Tone::warning);
  }
  for (const json::value& one : array_at(status, "expected")) {
    const json::object* entry = one.if_object();
    const auto until = entry == nullptr ? std::nullopt : time_at(*entry, "until_unix_nano");
    if (!until || !flag_at(*entry, "now")) continue;
    out += field(look, "expected",
                 text_at(*entry, "name") + ": " + text_at(*entry, "text") + ", ends " + relative(*until, look.now));
  }
  return out;
}

std::string probe(const json::object& status, const json::array& probes, const Look& look) {
  const json::object& link = object_at(status, "probe");
  const bool connected = flag_at(link, "connected");
  std::string text = connected ? "connected" : "not connected";
  const std::string why = text_at(link, "text");
  if (!connected && !why.empty() && !why.starts_with("not connected")) text += ": " + why;
  if (const auto age = integer_at(link, "last_frame_age_ms"); connected && age)
    text +=
        ", last frame " + format_duration(std::chrono::milliseconds(std::min<std::int64_t>(*age, 1LL << 40))) + " ago";
  if (const auto lost = integer_at(link, "lost_frames"); lost.value_or(0) > 0)
    text += strf(", %lld frames lost", static_cast<long long>(*lost));
  std::string out = field(look, "probe", text, connected ? Tone::plain : Tone::bad);
  if (const auto level = number_at(link, "budget_level"); level.value_or(0) > 0)
    out +=
        field(look, "", strf("looks less often, to keep the agent's budget (level %.0f of 5)", *level), Tone::warning);
  int not_here = 0;  // is as it should be
  for (const json::value& one : probes) {
    const json::object* row = one.if_object();
    if (row == nullptr || text_at(*row, "state") == "available") continue;
    std::string reason = text_at(*row, "reason");
    if (reason.starts_with("not here, ")) {
      ++not_here;
      continue;
    }
    out += field(look, "", text_at(*row, "name") + " " + text_at(*row, "state") + (reason.empty() ? "" : ": " + reason),
                 Tone::warning);
  }
  if (not_here > 0)
    out += field(look, "", strf("%d cannot read anything on this host: hostmedic list probes", not_here), Tone::plain);
  return out;
}

std::string upstream(const json::object& status, const Look& look) {
  const json::object& up = object_at(status, "upstream");
  const std::string url = text_at(up, "url");
  if (url.empty()) return field(look, "upstream", "none: incidents stay on this host");
  std::string text = url;
  const std::string state = text_at(up, "state"), error = text_at(up, "last_error");
  if (!state.empty()) text += ": " + state;
  if (const auto good = time_at(up, "last_success_unix_nano"))
    clause(text, "last delivery " + relative(*good, look.now));
  clause(text, count_at(up, "sent") + " sent");
  const auto pending = integer_at(up, "pending").value_or(0);
  std::string spool = strf("%lld waiting", static_cast<long long>(pending));
  if (const auto oldest = time_at(up, "oldest_unix_nano"); oldest && pending > 0)
    spool += ", the oldest for " + format_duration(look.now - *oldest);
  clause(text, spool);
  for (const std::string_view lost : {"rejected", "dropped"})
    if (integer_at(up, lost).value_or(0) > 0) clause(text, count_at(up, lost) + " " + std::string(lost));
  std::string out = field(look, "upstream", text);
  if (!error.empty()) out += field(look, "", error, Tone::bad);
  return out;
}

std::string cost(const json::object& status, const Look& look) {
  const json::object& usage = object_at(status, "usage");
  const auto cpu = number_at(usage, "cpu_ns"), resident = number_at(usage, "resident_bytes");
  const auto started = time_at(status, "started_unix_nano");
  std::string text;
  if (cpu && started && look.now > *started)
    clause(text,
           strf("%.2f%% of one CPU since its start", 100 * *cpu / static_cast<double>(to_ns(look.now - *started))));
  if (resident) clause(text, format_bytes(*resident) + " resident");
  const json::object& detect = object_at(status, "detect");
  if (!detect.empty())
    clause(text, count_at(detect, "entities") + " entities, " + count_at(detect, "series") + " series, " +
                     count_at(detect, "detectors") + " detectors");
  return text.empty() ? "" : field(look, "cost", text);
}

std::string troubles(const json::object& status, const Look& look) {
  std::string out;
  const std::string config = text_at(status, "config_error");
  if (!config.empty()) out += field(look, "config", "the last reload was refused: " + config, Tone::bad);
  const json::object& store = object_at(status, "store");
  const std::string store_error = text_at(store, "last_error");
  if (!store_error.empty())
    out += field(look, "store", count_at(store, "errors") + " errors, the last: " + store_error, Tone::bad);
  const std::string recorder = text_at(object_at(status, "recorder"), "error");
  if (!recorder.empty()) out += field(look, "recorder", "nothing is recorded: " + recorder, Tone::warning);
  const std::string actuator = text_at(object_at(status, "actuator"), "last_error");
  if (!actuator.empty()) out += field(look, "actuator", actuator, Tone::bad);
  return out;
}

}  // namespace

bool status_degraded(const json::object& status, const json::array& probes) {
  const bool late = std::any_of(probes.begin(), probes.end(), [](const json::value& one) {
    return one.is_object() && text_at(one.get_object(), "state") == "late";
  });
  return late || !flag_at(object_at(status, "probe"), "connected") || !text_at(status, "config_error").empty() ||
         !text_at(object_at(status, "store"), "last_error").empty() ||
         !text_at(object_at(status, "store"), "no_disk").empty() ||
         !text_at(object_at(status, "actuator"), "last_error").empty() ||
         !text_at(object_at(status, "upstream"), "last_error").empty();
}

std::string render_status(const json::object& status, const json::array& probes, const Look& look) {
  std::string out = header(status, look);
  out += tier(status, look) + brakes(status, look) + probe(status, probes, look);
  const json::object& incidents = object_at(status, "incidents");
  std::string text = count_at(incidents, "open") + " open";
  if (const auto suspicions = integer_at(incidents, "suspicions").value_or(0); suspicions > 0)
    text += strf(", %lld suspected", static_cast<long long>(suspicions));
  const auto proposals = integer_at(incidents, "proposals").value_or(0);
  if (proposals > 0)
    text += strf(", %lld wait for approval: hostmedic list proposals", static_cast<long long>(proposals));
  out += field(look, "incidents", text, proposals > 0 ? Tone::warning : Tone::plain);
  return out + upstream(status, look) + troubles(status, look) + cost(status, look);
}

std::string render_actuator(const ActuatorStatus& status, const Look& look) {
  std::string out;
  for (const guard::Disarmed& one : status.disarmed)
    out += field(look, "disarmed",
                 "runbook " + printable(one.runbook, 128) + ", by " + printable(one.by, 128) + ": " +
                     printable(one.reason, 300) + "; hostmedic rearm " + printable(one.runbook, 128),
                 Tone::warning);
  for (const Measure& one : status.measures)
    out += field(look, "in force",
                 printable(one.what, 300) + ", ends " + relative(one.ends_at, look.now) + "; hostmedic undo " +
                     printable(one.key, 32));
  return out;
}

Exit show_status(Context& context) {
  Answer answer = ask_daemon(context.ask, {{"verb", "status"}});
  if (!answer.body) return fail(context, answer.failure);
  const json::object& status = object_at(*answer.body, "status");
  // Without the list the screen still holds; the daemon may be of another version.
  Answer listed = ask_daemon(context.ask, {{"verb", "list"}, {"what", "probes"}});
  const json::array probes = listed.body ? array_at(*listed.body, "items") : json::array();
  if (context.json) {
    write_json(context, status);
  } else {
    context.out << render_status(status, probes, context.look);
    // It hangs up on others, and would be started for nothing.
    ActuatorRequest request;
    request.kind = RequestKind::status;
    const auto actuator = context.who.starts_with("uid 0 ")
                              ? context.ask_actuator(request)
                              : Result<ActuatorAnswer>(make_error(ErrorCode::denied, "not root"));
    if (actuator && actuator->status) context.out << render_actuator(*actuator->status, context.look);
  }
  return status_degraded(status, probes) ? Exit::negative : Exit::fine;
}

}  // namespace hostmedic
