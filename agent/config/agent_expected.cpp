// SPDX-License-Identifier: Apache-2.0
// [[expected]]: what is known to be unusual at certain times.
#include <algorithm>

#include "agent/config/agent_keys.h"
#include "agent/config/zone_file.h"

namespace hostmedic {
namespace {

constexpr Limits kName{.form = Form::name};
constexpr Limits kLength{.least = 60, .most = 31 * 86400};
constexpr Limits kFactor{.least = 1, .most = detect::kMostFactor};

template <auto Field>
constexpr Key<ExpectedText> expected_key(std::string_view name, Limits limits, std::string_view doc) {
  return key<ExpectedText, Field>("", name, limits, false, doc);
}
#define FIELD(member) [](auto& row) -> auto& { return row.member; }

const Key<ExpectedText> kExpectedKeys[] = {
    expected_key<FIELD(name)>("name", kName, "Names the entry."),
    expected_key<FIELD(schedule)>("schedule", {},
                                  "When it begins, as in a crontab: minute, hour, day of the month, month, day of the "
                                  "week; such as \"30 2 * * mon-fri\". Or from and to."),
    expected_key<FIELD(length)>("for", kLength, "How long it lasts from each beginning on; at most 31 days."),
    expected_key<FIELD(from)>("from", {}, "Once: \"2026-12-24\" or \"2026-12-24 18:00\"."),
    expected_key<FIELD(to)>("to", {}, "Once: when it is over."),
    expected_key<FIELD(zone)>("zone", {}, "Whose clock is meant, such as \"Europe/Berlin\". Empty: the host's own."),
    expected_key<FIELD(entity)>("entity", {}, "Pattern over the entity, such as \"service:shop*\"."),
    expected_key<FIELD(series)>("series", {}, "Pattern over the name of the series, such as \"system.disk.*\"."),
    expected_key<FIELD(factor)>("factor", kFactor,
                                "Up to so many times what is usual, or down to that part of it, is normal; limits "
                                "such as a filesystem at 97% hold as ever."),
    expected_key<FIELD(shadow)>("shadow", {}, "true: what these series say opens nothing."),
};
#undef FIELD

// The moment that the key says; reported if it says none.
std::optional<WallTime> moment(const Node& table, std::string_view name, const std::string& text,
                               const detect::ZoneRule& zone, const Place& place) {
  auto at = detect::parse_local(text, zone);
  if (at) return *at;
  place.error(position_of(table, name), std::string(name) + ": " + at.error().message());
  return std::nullopt;
}

std::optional<detect::Schedule> schedule_of(const Node& table, const ExpectedText& text, const Place& place) {
  const auto wrong = [&](std::string_view name, const std::string& message) {
    place.error(position_of(table, name), std::string(name) + ": " + message);
    return std::nullopt;
  };
  const bool dates = !text.from.empty() || !text.to.empty();
  if (dates == !text.schedule.empty()) {
    place.error(table.at, "an entry needs a schedule with for, or from and to");
    return std::nullopt;
  }
  detect::Schedule schedule;
  auto zone = load_zone(text.zone);
  if (!zone) return wrong("zone", zone.error().message());
  schedule.zone = *std::move(zone);
  if (dates) {
    const auto from = moment(table, "from", text.from, schedule.zone, place);
    const auto to = moment(table, "to", text.to, schedule.zone, place);
    if (!from || !to) return std::nullopt;
    if (*to <= *from) return wrong("to", "it is over before it begins");
    schedule.from = *from;
    schedule.until = *to;
    return schedule;
  }
  auto cron = detect::parse_cron(text.schedule);
  if (!cron) return wrong("schedule", cron.error().message());
  if (text.length <= Duration::zero()) return wrong("for", "how long it lasts must be said");
  schedule.cron = *cron;
  schedule.length = text.length;
  return schedule;
}

}  // namespace

std::span<const Key<ExpectedText>> expected_keys() { return kExpectedKeys; }

void read_expected(const Node& table, const Place& place, detect::EngineConfig& engine) {
  ExpectedText text;
  read_table<ExpectedText>(table, "", expected_keys(), {}, place, text);
  if (text.name.empty()) return place.error(table.at, "an entry needs a name");
  auto schedule = schedule_of(table, text, place);
  if (!schedule) return;
  if (text.shadow == (text.factor > 1))
    return place.error(table.at, "an entry needs a factor above 1, or shadow = true");
  detect::ExpectedEntry entry{.name = text.name,
                              .entity = text.entity,
                              .series = text.series,
                              .shadow = text.shadow,
                              .factor = text.factor,
                              .schedule = *std::move(schedule)};
  const auto old = std::ranges::find(engine.expected, entry.name, &detect::ExpectedEntry::name);
  if (old != engine.expected.end()) {
    *old = std::move(entry);
  } else if (engine.expected.size() >= detect::kMostExpected) {
    place.error(table.at, "more than 64 of these tables");
  } else {
    engine.expected.push_back(std::move(entry));
  }
}

}  // namespace hostmedic
