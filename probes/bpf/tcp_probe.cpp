// SPDX-License-Identifier: Apache-2.0
// TCP connections as the services of the host have them, from tcp.bpf.c: for the host, for the busiest units by port,
// and for the busiest remotes by the unit that uses them; listening sockets that come and go, networks to which an
// executable connects for the first time, and what each service connects to, as events. Where BPF or BTF is missing
// make() says so.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <map>

#include "detect/model/names.h"
#include "probes/bpf/load.h"
#include "probes/bpf/map_rows.h"
#include "probes/bpf/record/tcp.h"
#include "probes/bpf/tcp_record.h"
#include "probes/bpf/tcp_tally.h"
#include "probes/bpf/text.h"
#include "probes/parse/unit_name.h"
#include "probes/probe.h"
#include "probes/source/told_sockets.h"
#include "tcp.skel.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(2);
constexpr std::size_t kMostUnits = 16, kMostRemotes = 16;
constexpr Duration kIdle = std::chrono::minutes(10);
constexpr int kMostEvents = 40;                             // that are passed on per reading
constexpr Duration kLookAtKnown = std::chrono::minutes(1);  // whether known destinations have to be told again
constexpr std::size_t kMostListeners = 1024;

using bpf::TcpEvent;
using Skeleton = bpf::Handle<tcp_bpf, tcp_bpf__destroy>;

class TcpProbe final : public Probe {
 public:
  static Result<std::unique_ptr<Probe>> make(const ProbeContext& context);
  explicit TcpProbe(Skeleton skeleton)
      : skeleton_(std::move(skeleton)),
        service_rows_(bpf_map__fd(skeleton_->maps.services), bpf_map__max_entries(skeleton_->maps.services)),
        remote_rows_(bpf_map__fd(skeleton_->maps.remotes), bpf_map__max_entries(skeleton_->maps.remotes)),
        per_cpu_(bpf::cpus()) {}

  Status read(MonoTime now, Sink& sink) override;
  Duration interval() const override { return kInterval; }

 private:
  static int handle(void* self, void* data, std::size_t size) {
    static_cast<TcpProbe*>(self)->take({static_cast<const std::byte*>(data), size});
    return 0;
  }
  void take(std::span<const std::byte> bytes);
  bool is_news(const TcpEvent& event);
  void tell_destination(const hm_tcp_remote_key& key, const hm_tcp_remote& row, const std::string& unit, MonoTime now,
                        Sink& sink);
  Status read_rows(MonoTime now, Sink& sink);
  Status read_totals(Sink& sink);
  void name_own(Sink& sink);

  Skeleton skeleton_;
  bpf::Handle<ring_buffer, ring_buffer__free> ring_;
  bpf::MapRows<hm_tcp_service_key, hm_tcp_service> service_rows_;
  bpf::MapRows<hm_tcp_remote_key, hm_tcp_remote> remote_rows_;
  std::vector<hm_tcp_totals> per_cpu_;

  // host_: rows of all units and of none. What LRU took away between two readings is only in the totals of the kernel.
  bpf::TcpTally clients_, servers_;
  bpf::TcpParties units_{EntityKind::service, kMostUnits, kIdle, true};
  bpf::TcpParties remotes_{EntityKind::endpoint, kMostRemotes, kIdle, false};
  std::map<std::uint64_t, std::string> unit_of_group_;
  ToldSockets destinations_{kMostToldSockets};
  MonoTime look_at_known_;
  // Sockets that listen on one address and port of one group, of those that we saw begin.
  std::map<std::tuple<std::uint64_t, std::string, std::uint32_t>, int> listeners_;
  int events_left_ = kMostEvents;
  std::uint64_t held_back_ = 0, places_left_out_ = 0;
  std::optional<MonoTime> begun_;
  SeriesId seen_ = kNoSeries, events_seen_ = kNoSeries, dropped_ = kNoSeries, rate_ = kNoSeries, no_room_ = kNoSeries;
  SeriesId few_ = kNoSeries;
  bool named_ = false;
  // Valid while records are drained.
  MonoTime now_;
  Sink* sink_ = nullptr;
};

// A service that listens with several sockets on one port (SO_REUSEPORT) begins with the first and ends with the last.
bool TcpProbe::is_news(const TcpEvent& event) {
  if (event.kind == HM_TCP_DESTINATION) return true;
  const auto key = std::tuple(event.group, event.address, event.port);
  const auto found = listeners_.find(key);
  if (event.kind == HM_TCP_LISTENING) {
    if (found != listeners_.end()) return ++found->second, false;
    if (listeners_.size() < kMostListeners) listeners_.emplace(key, 1);
    return true;
  }
  if (found == listeners_.end()) return true;  // it listened before us
  if (--found->second > 0) return false;
  listeners_.erase(found);
  return true;
}

void TcpProbe::take(std::span<const std::byte> bytes) {
  const auto event = bpf::decode_tcp_record(bytes);
  if (!event || !is_news(*event)) return;
  if (events_left_ == 0) {
    ++held_back_;
    return;
  }
  --events_left_;
  const bool destination = event->kind == HM_TCP_DESTINATION;
  const bool service = event->unit.ends_with(".service");
  if (destination && service) (void)destinations_.is_due({false, event->unit, event->ip, event->port}, now_);
  const EntityId about =
      service ? sink_->entity(EntityKind::service, event->unit) : sink_->entity(EntityKind::host, "");
  sink_->event({destination ? EventKind::destination : EventKind::listener, about, std::min(event->at, now_),
                bpf::tcp_attributes(*event, destination && now_ - *begun_ < kSocketsInitial)});
  if (service) sink_->retire(about);  // who else knows the unit keeps it
}

// The kernel's side tells the first connection of an executable to a network, and nothing of this host itself. Who
// depends on whom goes by services, and most of it happens on the host.
void TcpProbe::tell_destination(const hm_tcp_remote_key& key, const hm_tcp_remote& row, const std::string& unit,
                                MonoTime now, Sink& sink) {
  ToldSocket socket{false, unit, {}, static_cast<std::uint32_t>(key.port)};
  std::ranges::copy(key.address, socket.address.begin());
  if (!is_followed_service(unit) || !destinations_.is_due(socket, now)) return;
  const bool own = row.own != 0 && !is_loopback(socket.address), initial = now - *begun_ < kSocketsInitial;
  tell_of({EntityKind::service, unit}, false, sink,
          [&](EntityId id) { return socket_event(id, socket, own, initial, now); });
}

Status TcpProbe::read_rows(MonoTime now, Sink& sink) {
  const bool known_too = now >= look_at_known_;
  if (known_too) look_at_known_ = now + kLookAtKnown;
  const auto services = service_rows_.read();
  const auto remotes = remote_rows_.read();
  unit_of_group_.clear();
  service_rows_.each([&](const hm_tcp_service_key& key, const hm_tcp_service& row, const hm_tcp_service* before) {
    if (row.inside == 0) return;
    if (before != nullptr && before->made_ns != row.made_ns) before = nullptr;  // given away and made anew
    const hm_tcp_counts* old = before != nullptr ? &before->counts : nullptr;
    (key.port == 0 ? clients_ : servers_).add(row.counts, old);
    const std::string_view unit = bpf::text_of(row.unit);
    if (!unit.ends_with(".service") || !bpf::is_unit(unit)) return;
    unit_of_group_.emplace(key.group, unit);
    const std::string side = key.port == 0 ? "role=client" : "role=server,server.port=" + std::to_string(key.port);
    units_.add(unit, side, row.counts, old, now, sink);
  });
  remote_rows_.each([&](const hm_tcp_remote_key& key, const hm_tcp_remote& row, const hm_tcp_remote* before) {
    if (before != nullptr && before->made_ns != row.made_ns) before = nullptr;
    const auto unit = unit_of_group_.find(key.group);
    const std::string side = "role=client" + (unit == unit_of_group_.end() ? "" : ",service.name=" + unit->second);
    remotes_.add(bpf::remote_url(key.address, key.port), side, row.counts,
                 before != nullptr ? &before->counts : nullptr, now, sink);
    const bool active = before == nullptr || before->counts.activity != row.counts.activity;
    if (active && (known_too || before == nullptr) && unit != unit_of_group_.end())
      tell_destination(key, row, unit->second, now, sink);
  });
  const bool known = services.has_value();
  clients_.sample(known, sink);
  servers_.sample(known, sink);
  units_.finish(known, now, sink);
  remotes_.finish(remotes.has_value(), now, sink);
  return services ? remotes : services;
}

void TcpProbe::name_own(Sink& sink) {
  if (named_) return;
  named_ = true;
  const EntityId host = sink.entity(EntityKind::host, "");
  clients_.define(host, "role=client", true, sink);
  servers_.define(host, "role=server", true, sink);
  const EntityId self = sink.entity(EntityKind::agent, "probe.tcp");
  seen_ = sink.series(self, metric::kBpfSeen, "event=tcp");
  events_seen_ = sink.series(self, metric::kBpfSeen, "event=socket");
  dropped_ = sink.series(self, metric::kBpfDropped, "reason=ring_buffer");
  rate_ = sink.series(self, metric::kBpfDropped, "reason=rate");
  no_room_ = sink.series(self, metric::kBpfDropped, "reason=no_room");
  few_ = sink.series(self, metric::kBpfDropped, "reason=not_followed");
}

Status TcpProbe::read_totals(Sink& sink) {
  const auto sum = bpf::sum_per_cpu(bpf_map__fd(skeleton_->maps.totals), std::span(per_cpu_));
  const auto sample = [&](SeriesId id, __u64 hm_tcp_totals::* field) {
    sink.sample(id, sum ? std::optional(static_cast<double>((*sum).*field)) : std::nullopt);
  };
  sample(seen_, &hm_tcp_totals::seen);
  sample(events_seen_, &hm_tcp_totals::events_seen);
  sample(dropped_, &hm_tcp_totals::events_dropped);
  sample(no_room_, &hm_tcp_totals::no_room);
  sink.sample(rate_, static_cast<double>(held_back_));
  places_left_out_ += destinations_.take_left_out();
  sink.sample(few_, static_cast<double>(units_.left_out() + remotes_.left_out() + places_left_out_));
  return sum ? ok() : Status(sum.error());
}

Status TcpProbe::read(MonoTime now, Sink& sink) {
  if (!begun_) begun_ = now;
  name_own(sink);
  events_left_ = kMostEvents;
  destinations_.begin_turn();
  now_ = now;
  sink_ = &sink;
  const int drained = ring_buffer__consume(ring_.get());
  sink_ = nullptr;
  const auto rows = read_rows(now, sink);
  const auto totals = read_totals(sink);
  if (drained < 0) return errno_error(-drained, "ring buffer");
  return rows ? totals : rows;
}

// Which of the programs fit this kernel: a test of what its tracepoints hand over, not of its version.
Status choose_programs(tcp_bpf& skeleton) {
  const auto types = bpf::KernelTypes::load();
  if (!types) return types.error();
  const auto begins = [&](const char* name, std::string_view arguments) {
    const auto found = types->tracepoint_arguments(name);
    return found && found->starts_with(arguments);
  };
  if (!begins("inet_sock_set_state", "pvv"))
    return bpf::not_here("the kernel does not tell of changes of state of sockets", 0);
  (void)bpf_program__set_autoload(skeleton.progs.on_retransmit, begins("tcp_retransmit_skb", "pp"));
  (void)bpf_program__set_autoload(skeleton.progs.on_send_reset, begins("tcp_send_reset", "pp"));
  (void)bpf_program__set_autoload(skeleton.progs.on_receive_reset, begins("tcp_receive_reset", "p"));
  return ok();
}

Result<std::unique_ptr<Probe>> TcpProbe::make(const ProbeContext& context) {
  if (auto allowed = bpf::begin(context); !allowed) return std::move(allowed).error();
  Skeleton skeleton(tcp_bpf__open());
  if (!skeleton) return bpf::not_here("the programs cannot be opened", errno);
  if (auto chosen = choose_programs(*skeleton); !chosen) return std::move(chosen).error();
  const bpf::OwnPlace place = bpf::own_place(context.roots);
  skeleton->rodata->root_cgroup_id = place.root_cgroup_id;
  skeleton->rodata->pid_namespace_inum = place.pid_namespace_inum;
  if (const int r = tcp_bpf__load(skeleton.get()); r != 0) return bpf::load_error(r);
  auto probe = std::make_unique<TcpProbe>(std::move(skeleton));
  probe->ring_.reset(ring_buffer__new(bpf_map__fd(probe->skeleton_->maps.records), handle, probe.get(), nullptr));
  if (!probe->ring_) return bpf::not_here("the ring buffer cannot be mapped", errno);
  if (const int r = tcp_bpf__attach(probe->skeleton_.get()); r != 0)
    return bpf::not_here("the kernel refused to attach the programs", -r);
  return std::unique_ptr<Probe>(std::move(probe));
}

constexpr const MetricInfo* kMetrics[] = {
    &metric::kTcpConnections, &metric::kTcpConnectFailures, &metric::kTcpConnectP50, &metric::kTcpConnectP99,
    &metric::kTcpRoundTrip,   &metric::kTcpRetransmits,     &metric::kTcpResets,     &metric::kBpfSeen,
    &metric::kBpfDropped};

}  // namespace

extern const ProbeInfo tcp_probe;
const ProbeInfo tcp_probe{
    "tcp",
    "TCP connections by service and remote, new destinations and listeners, from eBPF programs",
    kInterval,
    "BTF, CAP_BPF and CAP_PERFMON",
    "0.4 us per change of state, 80 us per read, 537 KiB of maps (bpf_stats, busy 2-core VM, Linux 6.18)",
    kMetrics,
    TcpProbe::make};

}  // namespace hostmedic
