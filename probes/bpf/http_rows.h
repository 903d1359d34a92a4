// SPDX-License-Identifier: Apache-2.0
// What is known of each HTTP server on this host: totals since it was first seen, and the latencies of the present
// interval. A row is a port of a systemd service, of a container, or of the host where it is neither. At most kMostRows
// rows, and at most kMostPorts of one owner; its further ports share a row, because a program that opens a port at
// random for each run must not add series for ever. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "probes/bpf/record/http.h"
#include "probes/probe.h"

namespace hostmedic::bpf {

// The latency in seconds that the given share of the interval's requests did not exceed; inside a bucket it is taken to
// grow evenly. nullopt without requests.
std::optional<double> latency_quantile(std::span<const std::uint32_t> buckets, double share);

class HttpRows {
 public:
  static constexpr std::size_t kMostRows = 128, kMostPorts = 16;
  static constexpr Duration kMayGo = std::chrono::minutes(10);  // a row that was idle so long may give way
  static constexpr std::uint64_t kManyHellos = 16;

  // Adds an interval's counts.
  void take(std::uint32_t port, const hm_http_service& counts, MonoTime now, Sink& sink);
  // Says what all rows know, and begins a new interval.
  void sample(Sink& sink);
  // Whether something answered with server errors since the last call, and not between that and the one before.
  bool errors_begin();
  // Ports that have had kManyHellos TLS handshakes or more and no request in clear since look_again().
  void list_encrypted(std::vector<std::uint16_t>& ports) const;
  void look_again();
  std::uint64_t held_back() const { return held_back_; }  // heads that found no row
  std::size_t size() const { return rows_.size(); }

 private:
  static constexpr std::size_t kClasses = 6;  // first digit of the status; 0: not visible
  struct Row {
    std::string owner;       // unit, or id of a container; empty: the host
    std::uint32_t port = 0;  // 0: several
    EntityId about{};
    MonoTime last;
    SeriesId requests = kNoSeries, p50 = kNoSeries, p99 = kNoSeries, h2 = kNoSeries;
    std::array<SeriesId, kClasses> by_class{};
    std::array<SeriesId, 2> by_grpc{};
    hm_http_service total{};                               // latency: of the interval only
    std::uint64_t hellos_before = 0, requests_before = 0;  // at look_again()
    std::uint64_t errors_before = 0;                       // at errors_begin()
    bool erring = false;                                   // then
  };
  Row* find(std::string_view owner, std::uint32_t port);
  Row* row_for(std::string_view owner, std::uint32_t port, MonoTime now, Sink& sink);
  void name(Row& row, Sink& sink);

  std::vector<Row> rows_;
  std::uint64_t held_back_ = 0;
};

}  // namespace hostmedic::bpf
