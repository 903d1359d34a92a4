// SPDX-License-Identifier: Apache-2.0
// `hostmedic replay`: decides again what a recording holds. Needs no agent.
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/ctl/recorded.h"
#include "agent/ctl/verbs.h"
#include "agent/recorder/kept.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

// The file itself, or the recording of the incident whose id begins so.
Result<std::string> find_recording(const std::string& what, const Paths& paths) {
  struct stat seen{};
  if (::stat(what.c_str(), &seen) == 0) return what;
  const std::string dir = recorder_dir(paths) + "/kept";
  auto kept = Kept::recordings(dir);
  if (!kept) return std::move(kept).error();
  std::vector<std::string> fitting;
  for (const std::string& path : *kept)
    if (!what.empty() && path.substr(path.rfind('/') + 1).starts_with(what)) fitting.push_back(path);
  if (fitting.size() == 1) return fitting[0];
  if (fitting.size() > 1) return make_error(ErrorCode::conflict, "several incidents begin with " + what);
  return make_error(ErrorCode::not_found, "neither a file nor a recorded incident: " + what + " (looked in " + dir +
                                              ", which the agent fills while [recorder] is enabled)");
}

// Times as fast; 0: as fast as it goes.
std::optional<double> speed_of(const std::string& text) {
  if (text == "max") return 0;
  const auto times = parse_double(text);
  if (!times || *times <= 0 || *times > 1e6) return std::nullopt;
  return *times;
}

json::object json_of(const DecisionNote& note, Now now) {
  constexpr std::string_view kKinds[] = {"persist", "order", "notify"};
  return {{"at_unix_nano", to_ns(now.wall)},
          {"kind", kKinds[static_cast<std::size_t>(note.kind)]},
          {"incident_id", note.incident_id},
          {"text", note.text},
          {"hash", hex64(note.hash)}};
}

json::object json_of(const PlayedRecording& played) {
  json::value difference = nullptr;
  if (played.difference)
    difference = {{"at_unix_nano", to_ns(played.difference->at)},
                  {"recorded", played.difference->recorded},
                  {"played", played.difference->played}};
  json::array lost;
  for (const std::string& one : played.lost) lost.emplace_back(printable(one, 600));
  return {{"host", played.head.host},
          {"version", played.head.version},
          {"from_unix_nano", to_ns(played.from)},
          {"to_unix_nano", to_ns(played.to)},
          {"span_seconds", to_seconds(played.span)},
          {"frames", played.frames},
          {"samples", played.samples},
          {"inputs", played.inputs},
          {"stretches", played.stretches},
          {"without_state", printable(played.without_state, 300)},
          {"decisions", played.decisions},
          {"hash", hex64(played.hash)},
          {"identical", !played.difference},
          {"difference", std::move(difference)},
          {"lost", std::move(lost)}};
}

std::string render(const PlayedRecording& played, Duration took, const Look& look) {
  std::string out = field(look, "recording",
                          "of " + played.head.host + " by " + played.head.version + ", " +
                              clock_time(played.from, look.now) + " to " + clock_time(played.to, look.now) +
                              strf(", %zu frames, %zu samples", played.frames, played.samples));
  if (played.stretches > 1)
    out += field(look, "", strf("in %zu stretches: each begins from a state of its own", played.stretches));
  if (!played.without_state.empty())
    out += field(look, "state", "begun without what was known: " + printable(played.without_state, 300), Tone::warning);
  for (const std::string& one : played.lost) out += field(look, "lost", printable(one, 600), Tone::warning);
  const std::string hash = hex64(played.hash) + strf(", %zu decisions", played.decisions);
  if (!played.difference) {
    out += field(look, "hash", hash + ", all as recorded", Tone::good);
  } else {
    const auto nothing = [](const std::string& text) { return text.empty() ? std::string("nothing") : text; };
    out += field(look, "hash", hash + ", not as recorded", Tone::bad);
    out += field(
        look, "first",
        "at " + clock_time(played.difference->at, look.now) + ", recorded: " + nothing(played.difference->recorded));
    out += field(look, "",
                 played.difference->recorded == played.difference->played
                     ? "decided now: the same in these words, but not in all that the incident says"
                     : "decided now: " + nothing(played.difference->played));
  }
  return out +
         field(look, "speed",
               strf("%.0f times as fast as it happened, ", to_seconds(played.span) / std::max(to_seconds(took), 1e-9)) +
                   format_duration(played.span) + " in " + format_duration(took));
}

}  // namespace

Exit replay(Context& context, const ReplayWish& wish) {
  const auto speed = speed_of(wish.speed);
  if (!speed)
    return fail(context,
                {Exit::usage, "'" + printable(wish.speed, 40) + "' is no speed", "max, or a number such as 10"});
  auto path = find_recording(wish.what, context.paths);
  if (!path) return fail(context, recording_failure(path.error()));
  auto recording = read_recording(std::span(&*path, 1));
  if (!recording) return fail(context, recording_failure(recording.error()));
  if (recording->segments.empty())
    return fail(context, {Exit::negative, "there is nothing in the recording yet", "try again in a minute"});

  std::optional<DecidingConfig> other;
  if (!wish.config.empty()) {
    auto loaded = other_config(recording->segments.front(), wish.config, context.paths);
    if (const auto* failure = std::get_if<Failure>(&loaded)) return fail(context, *failure);
    other = std::get<DecidingConfig>(std::move(loaded));
  }
  json::array decisions;
  PlayWish how;
  if (other) how.other = &*other;
  if (*speed > 0)
    how.pace = [speed](Duration step) {
      std::this_thread::sleep_for(std::chrono::duration<double>(to_seconds(step) / *speed));
    };
  how.heard = [&](Now now, const DecisionNote& note) {
    if (context.json) return decisions.push_back(json_of(note, now));
    context.out << clock_time(now.wall, context.look.now) << "  " << note.incident_id.substr(0, 8) << "  "
                << wrap(context.look, note.text, 21) << '\n';
  };
  const MonoTime began = mono_now();
  auto played = play(*recording, how);
  if (!played) return fail(context, recording_failure(played.error()));
  const Duration took = mono_now() - began;

  const std::vector<WouldHave> rows = other ? differences(played->incidents, played->other) : std::vector<WouldHave>();
  if (context.json) {
    json::object answer = json_of(*played);
    answer["took_seconds"] = to_seconds(took);
    answer["list"] = std::move(decisions);
    if (other) answer["other"] = json_of(rows);
    write_json(context, answer);
  } else {
    context.out << render(*played, took, context.look);
    if (other)
      context.out << '\n'
                  << paint(context.look, Tone::strong, "With " + join(wish.config, ", ")) << '\n'
                  << render_differences(rows, context.look);
  }
  return played->difference ? Exit::negative : Exit::fine;
}

}  // namespace hostmedic
