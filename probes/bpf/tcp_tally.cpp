// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/tcp_tally.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "detect/model/names.h"

namespace hostmedic::bpf {
namespace {

constexpr std::array<std::string_view, HM_TCP_FAILURES> kFailures = {"refused",       "timeout",   "unreachable",
                                                                     "no_local_port", "abandoned", "other"};

// The kernel's counters are narrow and go round.
std::uint32_t gained(std::uint32_t now, const std::uint32_t* before) {
  return static_cast<std::uint32_t>(now - (before != nullptr ? *before : 0));
}

}  // namespace

std::string_view failure_name(std::size_t failure) { return kFailures.at(failure); }

void TcpTally::add(const hm_tcp_counts& now, const hm_tcp_counts* before) {
  const auto gain = [&](__u32 hm_tcp_counts::* field) {
    return gained(now.*field, before != nullptr ? &(before->*field) : nullptr);
  };
  opened_ += gain(&hm_tcp_counts::opened);
  retransmits_ += gain(&hm_tcp_counts::retransmits);
  resets_sent_ += gain(&hm_tcp_counts::resets_sent);
  resets_received_ += gain(&hm_tcp_counts::resets_received);
  for (std::size_t i = 0; i < failed_.size(); ++i)
    failed_[i] += gained(now.failed[i], before != nullptr ? &before->failed[i] : nullptr);
  connect_.add(now.connect, before != nullptr ? &before->connect : nullptr);
  rtt_us_ += now.rtt_us - (before != nullptr ? before->rtt_us : 0);
  rtt_count_ += gain(&hm_tcp_counts::rtt_count);
}

void TcpTally::define(EntityId entity, std::string_view role_attributes, bool by_failure, Sink& sink) {
  const std::string role(role_attributes);
  opened_series_ = sink.series(entity, metric::kTcpConnections, role);
  retransmits_series_ = sink.series(entity, metric::kTcpRetransmits, role);
  sent_series_ = sink.series(entity, metric::kTcpResets, "network.io.direction=transmit," + role);
  received_series_ = sink.series(entity, metric::kTcpResets, "network.io.direction=receive," + role);
  rtt_series_ = sink.series(entity, metric::kTcpRoundTrip, role);
  if (!role.starts_with("role=client")) return;
  p50_ = sink.series(entity, metric::kTcpConnectP50, role);
  p99_ = sink.series(entity, metric::kTcpConnectP99, role);
  failed_count_ = by_failure ? failed_.size() : 1;
  for (std::size_t i = 0; i < failed_count_; ++i) {
    const std::string kind = by_failure ? "error.type=" + std::string(kFailures[i]) + "," : std::string();
    failed_series_[i] = sink.series(entity, metric::kTcpConnectFailures, kind + role);
  }
}

void TcpTally::sample(bool known, Sink& sink) {
  const auto count = [&](SeriesId id, std::uint64_t value) {
    sink.sample(id, known ? std::optional(static_cast<double>(value)) : std::nullopt);
  };
  count(opened_series_, opened_);
  count(retransmits_series_, retransmits_);
  count(sent_series_, resets_sent_);
  count(received_series_, resets_received_);
  if (failed_count_ == 1) count(failed_series_[0], std::accumulate(failed_.begin(), failed_.end(), std::uint64_t{0}));
  for (std::size_t i = 0; failed_count_ > 1 && i < failed_count_; ++i) count(failed_series_[i], failed_[i]);
  // Gauges have a value only while there is something to measure.
  if (const auto median = connect_.quantile(0.5); median || told_connect_) {
    sink.sample(p50_, median);
    sink.sample(p99_, connect_.quantile(0.99));
    told_connect_ = median.has_value();
  }
  if (rtt_count_ > 0 || told_rtt_) {
    const double mean = static_cast<double>(rtt_us_) * 1e-6 / static_cast<double>(rtt_count_);
    sink.sample(rtt_series_, rtt_count_ > 0 ? std::optional(mean) : std::nullopt);
    told_rtt_ = rtt_count_ > 0;
  }
  connect_ = {};
  rtt_us_ = rtt_count_ = 0;
}

void TcpParties::add_side(Party& party, std::string_view side, const hm_tcp_counts& now, const hm_tcp_counts* before,
                          Sink* sink) {
  auto found = party.sides.find(side);
  if (found == party.sides.end()) {
    if (party.sides.size() >= kMostSides) {
      ++left_out_;
      return;
    }
    found = party.sides.emplace(std::string(side), TcpTally{}).first;
    if (sink != nullptr) found->second.define(party.entity, side, by_failure_, *sink);
  }
  found->second.add(now, before);
}

void TcpParties::add(std::string_view name, std::string_view side, const hm_tcp_counts& now,
                     const hm_tcp_counts* before, MonoTime at, Sink& sink) {
  const std::uint32_t activity = gained(now.activity, before != nullptr ? &before->activity : nullptr);
  if (activity == 0) return;
  if (Party* party = parties_.find(name, at)) return add_side(*party, side, now, before, &sink);
  auto other = others_.find(name);
  if (other == others_.end()) other = others_.emplace(std::string(name), Party{}).first;
  other->second.activity += activity;
  add_side(other->second, side, now, before, nullptr);
}

void TcpParties::finish(bool known, MonoTime at, Sink& sink) {
  std::vector<std::pair<std::uint64_t, const std::string*>> order;
  for (const auto& [name, party] : others_) order.emplace_back(party.activity, &name);
  std::ranges::sort(order, std::ranges::greater{}, &std::pair<std::uint64_t, const std::string*>::first);
  for (const auto& [activity, name] : order) {
    Party* party = parties_.follow(*name, at);
    if (party == nullptr) {
      ++left_out_;
      continue;
    }
    party->entity = sink.entity(kind_, *name);
    party->sides = std::move(others_.find(*name)->second.sides);
    for (auto& [side, tally] : party->sides) tally.define(party->entity, side, by_failure_, sink);
  }
  others_.clear();
  parties_.each([&](Party& party) {
    for (auto& [side, tally] : party.sides) tally.sample(known, sink);
  });
  parties_.expire(at, [&](const Party& party) { sink.retire(party.entity); });
}

}  // namespace hostmedic::bpf
