// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/api.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace {
namespace json = boost::json;

// What a list shows of an incident, in the order of its record.
constexpr std::string_view kListed[] = {"id",
                                        "revision",
                                        "root",
                                        "kind",
                                        "severity",
                                        "state",
                                        "confidence",
                                        "suspicion",
                                        "flaps",
                                        "part_of",
                                        "acknowledged_by",
                                        "fault_at_unix_nano",
                                        "opened_at_unix_nano",
                                        "closed_at_unix_nano",
                                        "summary"};

json::array metrics_of(const FleetHost& host) {
  json::array out;
  for (const FleetMetric& metric : host.metrics)
    out.emplace_back(json::object{{"name", metric.name},
                                  {"attributes", metric.attributes},
                                  {"unit", metric.unit},
                                  {"value", metric.value},
                                  {"at_unix_nano", to_ns(metric.at)}});
  return out;
}

Result<FleetQuery> query_of(const Target& target) {
  FleetQuery query;
  for (const auto& [name, value] : target.query) {
    const std::string shown = name + " '" + printable(value, 64) + "'";
    if (name == "host") {
      query.host = value;
    } else if (name == "state") {
      if (value == "unresolved") {
        query.unclosed_only = true;
      } else if (!value.empty()) {
        query.state = incident_state_from(value);
        if (!query.state) return make_error(ErrorCode::malformed, shown + " is not a state of an incident");
      }
    } else if (name == "limit") {
      const Result<std::uint64_t> limit = parse_u64(value);
      if (!limit || *limit == 0 || *limit > FleetStore::kMostListed)
        return make_error(ErrorCode::malformed, shown + strf(" is not 1 to %zu", FleetStore::kMostListed));
      query.limit = static_cast<std::size_t>(*limit);
    } else if (name == "before") {
      const Result<std::int64_t> before = parse_i64(value);
      if (!before) return make_error(ErrorCode::malformed, shown + " is not a time in nanoseconds");
      query.opened_before = wall_from_ns(*before);
    } else {
      return make_error(ErrorCode::malformed, "unknown parameter '" + printable(name, 64) + "'");
    }
  }
  return query;
}
}  // namespace

Result<std::string> hosts_json(FleetStore& store, WallTime now, Duration silent_after) {
  const Result<std::vector<FleetHost>> hosts = store.hosts();
  if (!hosts) return hosts.error();
  const Result<std::vector<FleetLease>> leases = store.leases(now);
  if (!leases) return leases.error();
  const auto lease_of = [&](const std::string& host) -> json::value {
    const auto held = std::ranges::find(*leases, host, &FleetLease::host);
    if (held == leases->end()) return nullptr;
    return json::object{{"action", held->action}, {"entity", held->entity}, {"until_unix_nano", to_ns(held->until)}};
  };
  json::array list;
  for (const FleetHost& host : *hosts)
    list.emplace_back(json::object{
        {"name", host.sender.host},
        {"id", host.sender.host_id},
        {"version", host.sender.version},
        {"fingerprint", host.sender.fingerprint},
        {"state", now - host.last_seen > silent_after ? "silent" : "up"},
        {"first_seen_unix_nano", to_ns(host.first_seen)},
        {"last_seen_unix_nano", to_ns(host.last_seen)},
        {"open_incidents", host.open_incidents},
        {"lost_records", host.lost_records},
        {"lease", lease_of(host.sender.host)},
        {"metrics", metrics_of(host)},
    });
  return json::serialize(json::object{{"now_unix_nano", to_ns(now)}, {"hosts", std::move(list)}});
}

Result<std::string> incidents_json(FleetStore& store, const Target& target, WallTime now) {
  const Result<FleetQuery> query = query_of(target);
  if (!query) return query.error();
  const Result<std::vector<FleetIncident>> found = store.incidents(*query);
  if (!found) return found.error();
  json::array list;
  json::value next = nullptr;
  for (const FleetIncident& one : *found) {
    const Result<json::value> record = parse_json(one.record);
    if (!record || !record->is_object()) continue;  // written by us from a checked incident
    json::object row{{"host", one.host}, {"received_at_unix_nano", to_ns(one.received_at)}};
    for (const std::string_view field : kListed)
      if (const json::value* value = record->get_object().if_contains(field)) row[field] = *value;
    // Text, because a number of this size is not exact in a browser.
    if (const json::value* opened = row.if_contains("opened_at_unix_nano"))
      if (found->size() == query->limit) next = json::string(std::to_string(opened->get_int64()));
    list.emplace_back(std::move(row));
  }
  return json::serialize(
      json::object{{"now_unix_nano", to_ns(now)}, {"incidents", std::move(list)}, {"next_before", std::move(next)}});
}

Result<std::string> incident_json(FleetStore& store, const std::string& id, const Target& target, WallTime now) {
  const auto host = target.query.find("host");
  const Result<FleetIncident> found = store.incident(id, host == target.query.end() ? "" : host->second);
  if (!found) return found.error();
  Result<json::value> record = parse_json(found->record);
  if (!record) return std::move(record.error());
  return json::serialize(json::object{{"now_unix_nano", to_ns(now)},
                                      {"host", found->host},
                                      {"received_at_unix_nano", to_ns(found->received_at)},
                                      {"incident", std::move(*record)}});
}

}  // namespace hostmedic
