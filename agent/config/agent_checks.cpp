// SPDX-License-Identifier: Apache-2.0
// [[check]] and [[scrape]]: what is asked over the network.
#include <algorithm>

#include "agent/config/agent_keys.h"
#include "probes/settings/target.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostChecks = 200, kMostScrapes = 50;
constexpr Limits kName{.form = Form::name}, kPath{.form = Form::path};
constexpr Limits kInterval{.least = 1, .most = 86400}, kTimeout{.least = 0.1, .most = 60};

template <auto Field>
constexpr Key<ActiveCheck> check_key(std::string_view name, Limits limits, std::string_view doc) {
  return key<ActiveCheck, Field>("", name, limits, true, doc);
}
template <auto Field>
constexpr Key<Scrape> scrape_key(std::string_view name, Limits limits, std::string_view doc) {
  return key<Scrape, Field>("", name, limits, true, doc);
}
#define FIELD(member) [](auto& row) -> auto& { return row.member; }

const Key<ActiveCheck> kCheckKeys[] = {
    check_key<FIELD(id)>("id", kName, "Names the check."),
    check_key<FIELD(url)>("url", {},
                          "What is asked: http://HOST/PATH, https://HOST/PATH, tcp://HOST:PORT, tls://HOST:PORT, "
                          "dns://SERVER/NAME (or dns:///NAME: as the host resolves), or exec:PLUGIN, a file in "
                          "/etc/hostmedic/plugins that ends with 0 and may print series as OpenMetrics."),
    check_key<FIELD(interval)>("interval", kInterval,
                               "How often; and once more at once when an answer differs from the one before."),
    check_key<FIELD(timeout)>("timeout", kTimeout, "How long an answer may take, from the look-up of the name on."),
    check_key<FIELD(status)>("status", {.least = 0, .most = 599}, "Status of HTTP that is expected; 0: 200 to 399."),
    check_key<FIELD(contains)>("contains", {}, "Text that the first 64 KiB of the answer must contain."),
    check_key<FIELD(ca)>("ca", kPath, "Certificates that may sign the endpoint's; empty: the system's."),
    check_key<FIELD(service)>("service", {}, "The unit that answers; the check then is a signal about it."),
};

const Key<Scrape> kScrapeKeys[] = {
    scrape_key<FIELD(id)>("id", kName, "Names the exporter."),
    scrape_key<FIELD(url)>("url", {},
                           "Where it shows its series, http or https, in the Prometheus or OpenMetrics format."),
    scrape_key<FIELD(interval)>("interval", kInterval, "How often."),
    scrape_key<FIELD(timeout)>("timeout", kTimeout, "How long an answer may take."),
    scrape_key<FIELD(allow)>("allow", {}, "Patterns of the series that are taken over; of each exporter 200 at most."),
    scrape_key<FIELD(service)>("service", {}, "The unit whose series they are."),
};
#undef FIELD

// Whether the address of the table is of a form that is allowed; reported if not.
bool check_url(const Node& table, const std::string& url, bool web_only, const Place& place) {
  const auto target = parse_target(url);
  const bool web = target && (target->scheme == Target::Scheme::http || target->scheme == Target::Scheme::https);
  if (target && (web || !web_only)) return true;
  place.error(position_of(table, "url"),
              "url: " + (target ? "expected http:// or https://" : target.error().message()));
  return false;
}

// Puts the row into the list, in place of one with the same id.
template <class Row>
void put(std::vector<Row>& rows, Row row, std::size_t most, const Node& table, const Place& place) {
  const auto old = std::ranges::find_if(rows, [&](const Row& other) { return other.id == row.id; });
  if (old != rows.end()) {
    *old = std::move(row);
  } else if (rows.size() == most) {
    place.error(table.at, "more than " + std::to_string(most) + " of these tables");
  } else {
    rows.push_back(std::move(row));
  }
}

}  // namespace

std::span<const Key<ActiveCheck>> active_check_keys() { return kCheckKeys; }
std::span<const Key<Scrape>> scrape_keys() { return kScrapeKeys; }

void read_check(const Node& table, const Place& place, ProbeSettings& settings) {
  ActiveCheck check;
  read_table<ActiveCheck>(table, "", active_check_keys(), {}, place, check);
  if (check.id.empty()) return place.error(table.at, "a check needs an id");
  if (!check_url(table, check.url, false, place)) return;
  put(settings.checks, std::move(check), kMostChecks, table, place);
}

void read_scrape(const Node& table, const Place& place, ProbeSettings& settings) {
  Scrape scrape;
  read_table<Scrape>(table, "", scrape_keys(), {}, place, scrape);
  if (scrape.id.empty()) return place.error(table.at, "an exporter needs an id");
  if (!check_url(table, scrape.url, true, place)) return;
  if (scrape.allow.empty())
    return place.error(table.at, "allow: name the series that are wanted, such as \"pg_stat_*\"");
  put(settings.scrapes, std::move(scrape), kMostScrapes, table, place);
}

std::string row_text(const ActiveCheck& check) {
  std::string text;
  for (const Key<ActiveCheck>& key : kCheckKeys) text += key.show(check) + " ";
  return text;
}
std::string row_text(const Scrape& scrape) {
  std::string text;
  for (const Key<Scrape>& key : kScrapeKeys) text += key.show(scrape) + " ";
  return text;
}

}  // namespace hostmedic
