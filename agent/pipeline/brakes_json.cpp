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
  return json::serialize(json::object{{"halted", brakes.halted},
                                      {"halted_by", brakes.halted_by},
                                      {"halted_at_unix_nano", to_ns(brakes.halted_at)},
                                      {"maintenance", std::move(maintenance)}});
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
    return brakes;
  } catch (const std::exception& error) {
    return make_error(ErrorCode::malformed, std::string("brakes: ") + error.what());
  }
}

}  // namespace hostmedic
