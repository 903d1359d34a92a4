// SPDX-License-Identifier: Apache-2.0
// What is known of the connections of one side, added up over readings, and its series. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "probes/bpf/followed_few.h"
#include "probes/bpf/latency.h"
#include "probes/bpf/record/tcp.h"
#include "probes/probe.h"

namespace hostmedic::bpf {

// "refused", "timeout", ... of enum hm_tcp_failure.
std::string_view failure_name(std::size_t failure);

class TcpTally {
 public:
  // What a row gained since the reading before; before: nullptr for a new one.
  void add(const hm_tcp_counts& now, const hm_tcp_counts* before);
  // What is only about connections that this host opens is defined for the role client alone. role_attributes:
  // "role=client", or with further attributes that sort after it. by_failure: a series for each kind of failure instead
  // of one for all.
  void define(EntityId entity, std::string_view role_attributes, bool by_failure, Sink& sink);
  // Ends the interval. known: false after a failed reading.
  void sample(bool known, Sink& sink);

 private:
  std::uint64_t opened_ = 0, retransmits_ = 0, resets_sent_ = 0, resets_received_ = 0;
  std::array<std::uint64_t, HM_TCP_FAILURES> failed_{};
  // Of this interval.
  Latencies connect_;
  std::uint64_t rtt_us_ = 0, rtt_count_ = 0;
  bool told_connect_ = false, told_rtt_ = false;

  std::array<SeriesId, HM_TCP_FAILURES> failed_series_{};
  std::size_t failed_count_ = 0;  // series of failures in use
  SeriesId opened_series_ = kNoSeries, retransmits_series_ = kNoSeries, sent_series_ = kNoSeries;
  SeriesId received_series_ = kNoSeries, p50_ = kNoSeries, p99_ = kNoSeries, rtt_series_ = kNoSeries;
};

// Entities of one kind with a tally for each of a few sides: a service with its ports, a remote with its users.
class TcpParties {
 public:
  static constexpr std::size_t kMostSides = 4;

  TcpParties(EntityKind kind, std::size_t most, Duration idle, bool by_failure)
      : kind_(kind), by_failure_(by_failure), parties_(most, idle) {}

  // A row with something new about a party. A side beyond kMostSides is left out and counted.
  void add(std::string_view party, std::string_view side, const hm_tcp_counts& now, const hm_tcp_counts* before,
           MonoTime at, Sink& sink);
  // After all rows: lets the busiest of the new parties in, gives the samples, lets go of who was idle.
  void finish(bool known, MonoTime at, Sink& sink);
  std::uint64_t left_out() const { return left_out_; }

 private:
  struct Party {
    EntityId entity = kNoEntity;
    std::map<std::string, TcpTally, std::less<>> sides;
    std::uint64_t activity = 0;  // of this interval, while it is not followed
  };
  void add_side(Party& party, std::string_view side, const hm_tcp_counts& now, const hm_tcp_counts* before, Sink* sink);

  const EntityKind kind_;
  const bool by_failure_;
  FollowedFew<Party> parties_;
  std::map<std::string, Party, std::less<>> others_;  // with something new and not followed, of this interval
  std::uint64_t left_out_ = 0;
};

}  // namespace hostmedic::bpf
