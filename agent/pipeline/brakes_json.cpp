// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/brakes_json.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "agent/record/record_json.h"

namespace hostmedic {

namespace json = boost::json;

std::string brakes_to_json(const Brakes& brakes) {
  json::array maintenance;
  for (const guard::Maintenance& window : brakes.maintenance)
    maintenance.push_back({{"until_unix_nano", to_ns(window.until)},
                           {"by", window.by},
                           {"reason", window.reason},
                           {"entity", window.entity}});
  json::array silences;
  for (const Silence& silence : brakes.silences)
    silences.push_back({{"until_unix_nano", to_ns(silence.until)},
                        {"by", silence.by},
                        {"reason", silence.reason},
                        {"entity", silence.entity},
                        {"kind", silence.kind}});
  return json::serialize(json::object{{"halted", brakes.halted},
                                      {"halted_by", brakes.halted_by},
                                      {"halted_at_unix_nano", to_ns(brakes.halted_at)},
                                      {"maintenance", std::move(maintenance)},
                                      {"silences", std::move(silences)}});
}

Result<Brakes> brakes_from_json(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) return std::move(parsed).error();
  // The text is our own; a surprise in it is answered by the caller with the safe side: halted.
  try {
    const json::object& object = parsed->as_object();
    Brakes brakes;
    brakes.halted = object.at("halted").as_bool();
    brakes.halted_by = object.at("halted_by").as_string();
    brakes.halted_at = wall_from_ns(object.at("halted_at_unix_nano").to_number<std::int64_t>());
    for (const json::value& row : object.at("maintenance").as_array()) {
      const json::object& window = row.as_object();
      brakes.maintenance.push_back({.until = wall_from_ns(window.at("until_unix_nano").to_number<std::int64_t>()),
                                    .by = std::string(window.at("by").as_string()),
                                    .reason = std::string(window.at("reason").as_string()),
                                    .entity = std::string(window.at("entity").as_string())});
    }
    // Brakes that an older version kept have none.
    if (const json::value* silences = object.if_contains("silences"))
      for (const json::value& row : silences->as_array()) {
        const json::object& silence = row.as_object();
        brakes.silences.push_back({.until = wall_from_ns(silence.at("until_unix_nano").to_number<std::int64_t>()),
                                   .by = std::string(silence.at("by").as_string()),
                                   .reason = std::string(silence.at("reason").as_string()),
                                   .entity = std::string(silence.at("entity").as_string()),
                                   .kind = std::string(silence.at("kind").as_string())});
      }
    return brakes;
  } catch (const std::exception& error) {
    return make_error(ErrorCode::malformed, std::string("brakes: ") + error.what());
  }
}

std::string expected_to_json(const std::vector<detect::ExpectedEntry>& entries) {
  json::array rows;
  for (const detect::ExpectedEntry& entry : entries)
    rows.push_back({{"name", entry.name},
                    {"entity", entry.entity},
                    {"series", entry.series},
                    {"shadow", entry.shadow},
                    {"factor", entry.factor},
                    {"from_unix_nano", to_ns(entry.schedule.from)},
                    {"until_unix_nano", to_ns(entry.schedule.until)},
                    {"by", entry.by}});
  return json::serialize(rows);
}

Result<std::vector<detect::ExpectedEntry>> expected_from_json(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) return std::move(parsed).error();
  try {
    std::vector<detect::ExpectedEntry> entries;
    for (const json::value& row : parsed->as_array()) {
      const json::object& object = row.as_object();
      detect::ExpectedEntry& entry = entries.emplace_back();
      entry.name = object.at("name").as_string();
      entry.entity = object.at("entity").as_string();
      entry.series = object.at("series").as_string();
      entry.shadow = object.at("shadow").as_bool();
      entry.factor = object.at("factor").to_number<double>();
      entry.schedule.from = wall_from_ns(object.at("from_unix_nano").to_number<std::int64_t>());
      entry.schedule.until = wall_from_ns(object.at("until_unix_nano").to_number<std::int64_t>());
      entry.by = object.at("by").as_string();
    }
    return entries;
  } catch (const std::exception& error) {
    return make_error(ErrorCode::malformed, std::string("expected: ") + error.what());
  }
}

std::string feedback_to_json(const std::vector<Feedback>& all) {
  json::array rows;
  for (const Feedback& one : all) {
    json::array rules;
    for (const std::string& rule : one.rules) rules.push_back(json::string(rule));
    rows.push_back({{"incident_id", one.incident_id},
                    {"root", to_string(one.root)},
                    {"rules", std::move(rules)},
                    {"real", one.real},
                    {"by", one.by},
                    {"note", one.note},
                    {"at_unix_nano", to_ns(one.at)}});
  }
  return json::serialize(rows);
}

Result<std::vector<Feedback>> feedback_from_json(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) return std::move(parsed).error();
  try {
    std::vector<Feedback> all;
    for (const json::value& row : parsed->as_array()) {
      const json::object& object = row.as_object();
      Feedback& one = all.emplace_back();
      one.incident_id = object.at("incident_id").as_string();
      const auto root = entity_from(object.at("root").as_string());
      if (!root) return make_error(ErrorCode::malformed, "feedback: root is no entity");
      one.root = *root;
      for (const json::value& rule : object.at("rules").as_array()) one.rules.emplace_back(rule.as_string());
      one.real = object.at("real").as_bool();
      one.by = object.at("by").as_string();
      one.note = object.at("note").as_string();
      one.at = wall_from_ns(object.at("at_unix_nano").to_number<std::int64_t>());
    }
    return all;
  } catch (const std::exception& error) {
    return make_error(ErrorCode::malformed, std::string("feedback: ") + error.what());
  }
}

}  // namespace hostmedic
