// SPDX-License-Identifier: Apache-2.0
// The verbs that make the agent quieter: silence, ack, expect.
#include <algorithm>

#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/daemon/control_api.h"
#include "agent/daemon/control_fields.h"
#include "agent/daemon/daemon.h"

namespace hostmedic {

namespace json = boost::json;
using namespace control;

namespace {

constexpr std::int64_t kDay = 86400;

double real_of(const json::object& request, std::string_view key, double fallback) {
  const json::value* value = request.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : fallback;
}

json::object removed(std::size_t count, std::string_view what) {
  if (count == 0) return refusal(make_error(ErrorCode::not_found, "there is no " + std::string(what)));
  json::object answer = accepted();
  answer["removed"] = count;
  return answer;
}

// Error says what was wrong with it.
Result<detect::ExpectedEntry> entry_of(const json::object& request, const Peer& peer, WallTime now) {
  detect::ExpectedEntry entry;
  const std::int64_t seconds = number_of(request, "seconds", 0);
  entry.schedule.from = wall_from_ns(number_of(request, "from_unix_nano", to_ns(now)));
  if (seconds < 1 || seconds > 31 * kDay)
    return make_error(ErrorCode::malformed, "what is expected lasts from 1 second to 31 days");
  if (entry.schedule.from > now + std::chrono::days(366) || entry.schedule.from < now - std::chrono::days(31))
    return make_error(ErrorCode::malformed, "it begins within a year");
  entry.schedule.until = entry.schedule.from + std::chrono::seconds(seconds);
  if (entry.schedule.until <= now) return make_error(ErrorCode::malformed, "it would be over already");
  entry.entity = text_of(request, "entity", "*");
  entry.series = text_of(request, "series", "*");
  entry.shadow = flag_of(request, "shadow");
  entry.factor = real_of(request, "factor", 1);
  if (entry.shadow == (entry.factor != 1) || !(entry.factor >= 1 && entry.factor <= detect::kMostFactor))
    return make_error(ErrorCode::malformed, "either a factor from 1 to 1000000, or the shadow");
  entry.name = text_of(request, "name");
  entry.by = peer_name(peer);
  return entry;
}

}  // namespace

json::object ControlApi::silence(const Peer& peer, const json::object& request, bool on) {
  Brakes brakes = daemon_.pipeline().brakes();
  const std::string entity = text_of(request, "entity");
  if (!on) {
    if (peer.uid != 0) return refusal(root_only("end a silence"));
    const std::size_t count = std::erase_if(brakes.silences, [&](const Silence& one) { return one.entity == entity; });
    if (count > 0) daemon_.set_brakes(std::move(brakes));
    return removed(count, "silence of " + entity);
  }
  const std::int64_t seconds = number_of(request, "seconds", 0);
  if (entity.empty() || seconds < 1 || seconds > 31 * kDay)
    return refusal(make_error(ErrorCode::malformed, "a silence has an entity and lasts from 1 second to 31 days"));
  if (brakes.silences.size() >= kMostSilences)
    return refusal(make_error(ErrorCode::limit, strf("%zu silences are set already", kMostSilences)));
  brakes.silences.push_back({.until = daemon_.now().wall + std::chrono::seconds(seconds),
                             .by = peer_name(peer),
                             .reason = text_of(request, "reason"),
                             .entity = entity,
                             .kind = text_of(request, "kind", "*")});
  log_notice("silence of " + entity + strf(" for %lld s by ", static_cast<long long>(seconds)) + peer_name(peer));
  daemon_.set_brakes(std::move(brakes));
  return accepted();
}

json::object ControlApi::expect(const Peer& peer, const json::object& request, bool on) {
  std::vector<detect::ExpectedEntry> entries = daemon_.pipeline().expected();
  if (!on) {
    if (peer.uid != 0) return refusal(root_only("remove what is expected"));
    const std::string name = text_of(request, "name");
    const std::size_t count = std::erase_if(entries, [&](const auto& entry) { return entry.name == name; });
    if (count > 0) daemon_.set_expected(std::move(entries));
    return removed(count, "entry '" + name + "' that people added");
  }
  auto entry = entry_of(request, peer, daemon_.now().wall);
  if (!entry) return refusal(entry.error());
  if (entries.size() >= detect::kMostExpected)
    return refusal(make_error(ErrorCode::limit, strf("%zu entries are there already", detect::kMostExpected)));
  const auto taken = [&](const std::string& name) {
    return std::ranges::find(entries, name, &detect::ExpectedEntry::name) != entries.end();
  };
  if (taken(entry->name)) return refusal(make_error(ErrorCode::conflict, "there is an entry '" + entry->name + "'"));
  for (int number = 1; entry->name.empty() || taken(entry->name); ++number) entry->name = strf("expected-%d", number);
  json::object answer = accepted();
  answer["name"] = entry->name;
  log_notice("expected: " + entry->name + ": " + detect::describe(*entry) + ", " + format_utc(entry->schedule.from) +
             " to " + format_utc(entry->schedule.until) + ", by " + entry->by);
  entries.push_back(*std::move(entry));
  daemon_.set_expected(std::move(entries));
  return answer;
}

json::object ControlApi::acknowledge(const Peer& peer, const json::object& request) {
  const std::string prefix = text_of(request, "id");
  std::string id;
  for (const auto& [known, incident] : daemon_.pipeline().incidents()) {
    if (prefix.empty() || incident.closed_at || !known.starts_with(prefix)) continue;
    if (!id.empty())
      return refusal(make_error(ErrorCode::conflict, "'" + prefix + "' begins more than one open incident's id"));
    id = known;
  }
  if (id.empty())
    return refusal(make_error(ErrorCode::not_found, "no open incident's id begins with '" + prefix + "'"));
  const Status taken = daemon_.pipeline().acknowledge(id, peer_name(peer), text_of(request, "reason"), daemon_.now());
  if (!taken) return refusal(taken.error());
  json::object answer = accepted();
  answer["id"] = id;
  return answer;
}

}  // namespace hostmedic
