// SPDX-License-Identifier: Apache-2.0
#include "agent/config/aggregator_config.h"

#include "agent/config/aggregator_keys.h"
#include "agent/config/files.h"

namespace hostmedic {
namespace {

constexpr Limits kPath{.form = Form::path};
constexpr Limits kAddress{.form = Form::address};
constexpr bool kRestart = true, kReload = false;

#define FIELD(member) [](auto& config) -> auto& { return config.member; }
template <auto Field>
constexpr Key<AggregatorConfig> row(std::string_view name, Limits limits, bool restart, std::string_view doc) {
  return key<AggregatorConfig, Field>("", name, limits, restart, doc);
}

const Key<AggregatorConfig> kKeys[] = {
    row<FIELD(listen)>("listen", kAddress, kRestart,
                       "Where agents report to: OTLP over TLS, both sides with certificates."),
    row<FIELD(page)>("page", kAddress, kRestart,
                     "Where the page and its JSON are shown: plain HTTP, so on a loopback address only."),
    row<FIELD(state_dir)>("state_dir", kPath, kRestart, "Where the store is kept."),
    row<FIELD(ca)>("ca", kPath, kReload, "The authority whose certificates agents must have."),
    row<FIELD(certificate)>("certificate", kPath, kReload, "The aggregator's own certificate."),
    row<FIELD(key)>("key", kPath, kReload, "The key of that certificate."),
    row<FIELD(log_level)>("log_level", {}, kReload, "The most verbose level that is written to the journal."),
    row<FIELD(body_most)>("body_most", {.least = 65536, .most = 64.0 * (1 << 20)}, kRestart,
                          "A larger request is refused; holds before and after unpacking."),
    row<FIELD(connections_most)>("connections_most", {.least = 1, .most = 10000}, kRestart,
                                 "So many agents may be connected at once."),
    row<FIELD(store_size)>("store_size", {.least = 1 << 20, .most = 1099511627776.0}, kReload,
                           "The oldest records are forgotten when the store is larger."),
    row<FIELD(store_age)>("store_age", {.least = 3600, .most = 10 * 365 * 86400.0}, kReload,
                          "Records are forgotten when they are older."),
    row<FIELD(leases_most)>("leases_most", {.least = 1, .most = 1000}, kRestart,
                            "So many hosts may act at once, of those whose policy has need_lease."),
    row<FIELD(leases_share)>("leases_share", {.least = 0, .most = 1}, kRestart,
                             "And at most this share of the hosts that ever reported, though always one."),
};
#undef FIELD

bool is_loopback(const std::string& address) { return address.starts_with("127.") || address.starts_with("[::1]:"); }

void apply(const Node& root, const std::string& file, Diagnostics& diagnostics, AggregatorConfig& config) {
  const Place place{file, diagnostics};
  read_tables<AggregatorConfig>(root, aggregator_keys(), {}, place, config);
  if (!is_loopback(config.page))
    place.error(position_of(root, "page"), "page: expected a loopback address; it is plain HTTP without a password");
}

}  // namespace

std::span<const Key<AggregatorConfig>> aggregator_keys() { return kKeys; }

Loaded<AggregatorConfig> parse_aggregator_config(std::string_view text, const std::string& file) {
  Loaded<AggregatorConfig> loaded;
  Diagnostics diagnostics;
  apply(parse_toml(text, file, diagnostics), file, diagnostics, loaded.config);
  loaded.diagnostics = std::move(diagnostics).take();
  return loaded;
}

Loaded<AggregatorConfig> load_aggregator_config(const std::string& path) {
  Loaded<AggregatorConfig> loaded;
  Diagnostics diagnostics;
  if (path == kAggregatorConfigFile && !file_exists(path)) {
    diagnostics.notice(path, {}, "does not exist; all keys are at their defaults");
  } else {
    apply(load_toml(path, diagnostics), path, diagnostics, loaded.config);
  }
  loaded.diagnostics = std::move(diagnostics).take();
  return loaded;
}

}  // namespace hostmedic
