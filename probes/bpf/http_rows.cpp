// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/http_rows.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "detect/model/names.h"
#include "probes/parse/container_cgroup.h"

namespace hostmedic::bpf {
namespace {

constexpr std::array<std::string_view, 6> kClassNames = {"unknown", "1xx", "2xx", "3xx", "4xx", "5xx"};
constexpr std::array<std::string_view, 2> kGrpcNames = {"ok", "error"};

// Where a bucket of hm_http_bucket() begins.
double bucket_begin_s(std::size_t bucket) {
  const double units = bucket < 4 ? static_cast<double>(bucket)
                                  : static_cast<double>((4 + bucket % 4) * (std::uint64_t{1} << (bucket / 4 - 1)));
  return units * 1024e-9;
}
// The unit, or the id of the container that the unit is; empty for the host.
std::string_view owner_of(const hm_http_service& counts) {
  const std::string_view unit(counts.unit, ::strnlen(counts.unit, sizeof counts.unit));
  if (!unit.ends_with(".service")) return parse_container_cgroup(unit).id;
  const bool plain = std::ranges::all_of(unit, [](unsigned char c) { return c > ' ' && c < 0x7f && c != '/'; });
  return plain ? unit : std::string_view();
}
EntityKind kind_of(std::string_view owner) {
  if (owner.empty()) return EntityKind::host;
  return owner.ends_with(".service") ? EntityKind::service : EntityKind::container;
}
std::uint64_t answered(const hm_http_service& counts) {
  return std::accumulate(std::begin(counts.responses), std::end(counts.responses), std::uint64_t{0});
}

}  // namespace

std::optional<double> latency_quantile(std::span<const std::uint32_t> buckets, double share) {
  const std::uint64_t all = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
  if (all == 0) return std::nullopt;
  const double wanted = share * static_cast<double>(all);
  double below = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i] == 0) continue;
    last = i;
    if (below + buckets[i] >= wanted) break;
    below += buckets[i];
  }
  const double begin = bucket_begin_s(last), end = bucket_begin_s(last + 1);
  return begin + (end - begin) * std::clamp((wanted - below) / buckets[last], 0.0, 1.0);
}

HttpRows::Row* HttpRows::find(std::string_view owner, std::uint32_t port) {
  const auto found =
      std::ranges::find_if(rows_, [&](const Row& row) { return row.port == port && row.owner == owner; });
  return found == rows_.end() ? nullptr : &*found;
}

HttpRows::Row* HttpRows::row_for(std::string_view owner, std::uint32_t port, MonoTime now, Sink& sink) {
  if (Row* row = find(owner, port)) return row;
  const auto same = [&](const Row& row) { return row.owner == owner; };
  if (std::ranges::count_if(rows_, same) >= static_cast<std::ptrdiff_t>(kMostPorts)) {
    port = 0;
    if (Row* row = find(owner, port)) return row;
  }
  if (rows_.size() == kMostRows) {
    const auto oldest = std::ranges::min_element(rows_, {}, &Row::last);
    if (now - oldest->last < kMayGo) return nullptr;
    const Row gone = std::move(*oldest);
    rows_.erase(oldest);
    const bool last = std::ranges::none_of(rows_, [&](const Row& row) { return row.owner == gone.owner; });
    if (last && !gone.owner.empty() && gone.requests != kNoSeries) sink.retire(gone.about);
  }
  Row& row = rows_.emplace_back();
  row.owner = owner;
  row.port = port;
  row.by_class.fill(kNoSeries);
  row.by_grpc.fill(kNoSeries);
  return &row;
}

void HttpRows::take(std::uint32_t port, const hm_http_service& counts, MonoTime now, Sink& sink) {
  if (counts.state != HM_HTTP_OURS) return;
  Row* row = row_for(owner_of(counts), port, now, sink);
  if (row == nullptr) {
    held_back_ += std::max<std::uint64_t>(counts.requests, answered(counts));
    return;
  }
  row->last = now;
  row->total.requests += counts.requests;
  row->total.hellos += counts.hellos;
  row->total.h2_connections += counts.h2_connections;
  for (std::size_t i = 0; i < kClasses; ++i) row->total.responses[i] += counts.responses[i];
  for (std::size_t i = 0; i < kGrpcNames.size(); ++i) row->total.grpc[i] += counts.grpc[i];
  for (std::size_t i = 0; i < HM_HTTP_BUCKETS; ++i) row->total.latency[i] += counts.latency[i];
}

// A series begins with the first thing to count, so that a port has few. A port that only asks and never answers does
// not speak HTTP.
void HttpRows::name(Row& row, Sink& sink) {
  const std::string port = "network.local.port=" + (row.port == 0 ? "other" : std::to_string(row.port));
  const bool fresh = row.requests == kNoSeries;
  if (fresh) {
    row.about = sink.entity(kind_of(row.owner), row.owner);
    row.requests = sink.series(row.about, metric::kHttpRequestsBegun, port);
    row.p50 = sink.series(row.about, metric::kHttpDurationP50, port);
    row.p99 = sink.series(row.about, metric::kHttpDurationP99, port);
  }
  for (std::size_t i = 0; i < kClasses; ++i) {
    if (row.by_class[i] != kNoSeries || row.total.responses[i] == 0) continue;
    row.by_class[i] = sink.series(row.about, metric::kHttpRequests,
                                  "http.response.status_code=" + std::string(kClassNames[i]) + "," + port);
  }
  for (std::size_t i = 0; i < kGrpcNames.size(); ++i) {
    if (row.by_grpc[i] != kNoSeries || row.total.grpc[i] == 0) continue;
    row.by_grpc[i] =
        sink.series(row.about, metric::kGrpcRequests, port + ",rpc.response.status_code=" + std::string(kGrpcNames[i]));
  }
  if (row.h2 == kNoSeries && row.total.h2_connections != 0) {
    row.h2 = sink.series(row.about, metric::kHttp2Connections, port);
  }
}

void HttpRows::sample(Sink& sink) {
  const auto number = [](std::uint64_t value) { return std::optional(static_cast<double>(value)); };
  for (Row& row : rows_) {
    if (answered(row.total) == 0 && row.total.h2_connections == 0) continue;
    name(row, sink);
    sink.sample(row.requests, number(row.total.requests));
    for (std::size_t i = 0; i < kClasses; ++i) sink.sample(row.by_class[i], number(row.total.responses[i]));
    for (std::size_t i = 0; i < kGrpcNames.size(); ++i) sink.sample(row.by_grpc[i], number(row.total.grpc[i]));
    sink.sample(row.h2, number(row.total.h2_connections));
    sink.sample(row.p50, latency_quantile(row.total.latency, 0.5));
    sink.sample(row.p99, latency_quantile(row.total.latency, 0.99));
    std::ranges::fill(row.total.latency, 0U);
  }
}

bool HttpRows::errors_begin() {
  constexpr std::size_t kServerErrors = 5;
  bool begin = false;
  for (Row& row : rows_) {
    const bool erring = row.total.responses[kServerErrors] != row.errors_before;
    begin = begin || (erring && !row.erring);
    row.erring = erring;
    row.errors_before = row.total.responses[kServerErrors];
  }
  return begin;
}

void HttpRows::list_encrypted(std::vector<std::uint16_t>& ports) const {
  const auto in_clear = [](const Row& row) { return row.total.requests != row.requests_before; };
  ports.clear();
  for (const Row& row : rows_) {
    const bool elsewhere =
        std::ranges::any_of(rows_, [&](const Row& other) { return other.port == row.port && in_clear(other); });
    const bool encrypted = row.total.hellos - row.hellos_before >= kManyHellos && !elsewhere;
    if (encrypted && row.port != 0) ports.push_back(static_cast<std::uint16_t>(row.port));
  }
}

void HttpRows::look_again() {
  for (Row& row : rows_) {
    row.hellos_before = row.total.hellos;
    row.requests_before = row.total.requests;
  }
}

}  // namespace hostmedic::bpf
