// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/http_probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "detect/model/names.h"
#include "probes/bpf/http_programs.h"
#include "probes/bpf/http_rows.h"
#include "probes/bpf/load.h"
#include "probes/bpf/record/http.h"

namespace hostmedic {
namespace {

// Packets with data that are looked at in a second, about 1 % of one core. Above it fewer connections are.
constexpr double kMostPackets = 100'000;
constexpr std::uint32_t kMostShift = 10;  // one connection of 1,024
// When errors begin, the counts are looked at so often before the next second: whether it goes on is known at once.
constexpr int kSoonLooks = 2;
constexpr Duration kSoon = std::chrono::milliseconds(200);
constexpr Duration kLookAgain = std::chrono::minutes(5);  // at ports that were left alone

class HttpProbe final : public Probe {
 public:
  explicit HttpProbe(bpf::HttpPrograms programs)
      : programs_(std::move(programs)),
        soon_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
        per_cpu_(static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus()))) {}

  Status read(MonoTime now, Sink& sink) override;
  std::vector<int> descriptors() const override { return soon_ ? std::vector<int>{soon_.get()} : std::vector<int>{}; }
  Status on_ready(MonoTime now, Sink& sink) override;
  Duration interval() const override { return std::chrono::seconds(1); }

 private:
  Status take_services(MonoTime now, Sink& sink);
  Status take_counts(MonoTime now, Sink& sink);
  void leave_encrypted_alone(MonoTime now);
  void look_soon();

  struct Names {
    SeriesId seen, no_room, held_back, sampling, encrypted;
  };

  // Constant after construction.
  bpf::HttpPrograms programs_;
  const Fd soon_;  // without it the next second has to do

  // Touched only as far as there are services.
  std::unique_ptr<hm_http_key[]> keys_ = std::make_unique_for_overwrite<hm_http_key[]>(HM_HTTP_SERVICES);
  std::unique_ptr<hm_http_service[]> values_ = std::make_unique_for_overwrite<hm_http_service[]>(HM_HTTP_SERVICES);
  std::vector<hm_http_counts> per_cpu_;
  std::optional<Names> names_;
  bpf::HttpRows rows_;
  std::vector<std::uint16_t> encrypted_;
  std::optional<MonoTime> looked_again_, counted_;
  std::uint64_t packets_ = 0;
  int soon_looks_ = 0;  // left
};

// The kernel gives each service away with what it counted, so that it needs no table of its own of those that ended. A
// program that holds a service in the same instant may lose one count.
Status HttpProbe::take_services(MonoTime now, Sink& sink) {
  __u32 next = 0, count = HM_HTTP_SERVICES;
  const int result =
      bpf_map_lookup_and_delete_batch(programs_.services, nullptr, &next, keys_.get(), values_.get(), &count, nullptr);
  if (result != 0 && result != -ENOENT) return errno_error(-result, "counts of HTTP services");
  for (__u32 i = 0; i < count; ++i) rows_.take(keys_[i].port, values_[i], now, sink);
  return ok();
}

Status HttpProbe::take_counts(MonoTime now, Sink& sink) {
  const __u32 zero = 0;
  const int result = bpf_map_lookup_elem(programs_.counts, &zero, per_cpu_.data());
  if (result != 0) {
    sink.sample(names_->seen, std::nullopt);
    sink.sample(names_->no_room, std::nullopt);
    return errno_error(-result, "counts of the BPF programs");
  }
  std::uint64_t looked = 0, no_room = 0;
  for (const hm_http_counts& one : per_cpu_) {
    looked += one.looked;
    no_room += one.no_room;
  }
  sink.sample(names_->seen, static_cast<double>(looked));
  sink.sample(names_->no_room, static_cast<double>(no_room));
  std::uint32_t& shift = *programs_.sample_shift;
  sink.sample(names_->sampling, 1.0 / (1U << shift));
  if (counted_ && now > *counted_) {
    const double rate = static_cast<double>(looked - packets_) / std::chrono::duration<double>(now - *counted_).count();
    if (rate > kMostPackets && shift < kMostShift) ++shift;
    if (rate < kMostPackets / 4 && shift > 0) --shift;
  }
  counted_ = now;
  packets_ = looked;
  return ok();
}

void HttpProbe::leave_encrypted_alone(MonoTime now) {
  std::uint8_t* const ports = programs_.ports;
  if (!looked_again_) looked_again_ = now;
  if (now - *looked_again_ >= kLookAgain) {
    for (const std::uint16_t port : encrypted_) ports[port] = HM_HTTP_PORT_OPEN;
    rows_.look_again();
    looked_again_ = now;
  }
  rows_.list_encrypted(encrypted_);
  for (const std::uint16_t port : encrypted_) ports[port] = HM_HTTP_PORT_ENCRYPTED;
}

Status HttpProbe::read(MonoTime now, Sink& sink) {
  if (!names_) {
    const EntityId self = sink.entity(EntityKind::agent, "probe.http");
    names_ = {sink.series(self, metric::kBpfSeen, "event=packet"),
              sink.series(self, metric::kBpfDropped, "reason=services"),
              sink.series(self, metric::kBpfDropped, "reason=rows"), sink.series(self, metric::kHttpSampling),
              sink.series(self, metric::kHttpPortsEncrypted)};
  }
  auto taken = take_services(now, sink);
  rows_.sample(sink);
  if (rows_.errors_begin()) {
    soon_looks_ = kSoonLooks;
    look_soon();
  }
  leave_encrypted_alone(now);
  sink.sample(names_->held_back, static_cast<double>(rows_.held_back()));
  sink.sample(names_->encrypted, static_cast<double>(encrypted_.size()));
  auto counted = take_counts(now, sink);
  return taken ? counted : taken;
}

void HttpProbe::look_soon() {
  itimerspec at{};
  at.it_value.tv_nsec = kSoon.count();
  (void)::timerfd_settime(soon_.get(), 0, &at, nullptr);
}

Status HttpProbe::on_ready(MonoTime now, Sink& sink) {
  std::uint64_t expired = 0;
  if (::read(soon_.get(), &expired, sizeof expired) != sizeof expired) return ok();
  auto taken = take_services(now, sink);
  rows_.sample(sink);
  if (--soon_looks_ > 0) look_soon();
  return taken;
}

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  if (auto allowed = bpf::begin(context); !allowed) return std::move(allowed).error();
  const std::uint64_t root = bpf::own_place(context.roots).root_cgroup_id;
  auto programs = bpf::load_on_tracepoints(root);
  if (!programs) programs = bpf::load_on_group(context.roots, root);
  if (!programs) return std::move(programs).error();
  return make_http_probe(std::move(*programs));
}

constexpr const MetricInfo* kMetrics[] = {
    &metric::kHttpRequests,     &metric::kHttpRequestsBegun, &metric::kHttpDurationP50,    &metric::kHttpDurationP99,
    &metric::kHttp2Connections, &metric::kGrpcRequests,      &metric::kHttpPortsEncrypted, &metric::kHttpSampling,
    &metric::kBpfSeen,          &metric::kBpfDropped};

}  // namespace

std::unique_ptr<Probe> make_http_probe(bpf::HttpPrograms programs) {
  return std::make_unique<HttpProbe>(std::move(programs));
}

const ProbeInfo http_probe{
    "http",
    "Rate, status and latency of HTTP servers from the first bytes of TCP packets, by eBPF",
    std::chrono::seconds(1),
    "BTF, CAP_BPF and CAP_PERFMON; on kernels whose tracepoints may not read packets, CAP_NET_ADMIN",
    "0.2 us per packet with HTTP or without, 60 us per read (bpf_stats, 2-core VM, Linux 6.18)",
    kMetrics,
    make};

}  // namespace hostmedic
