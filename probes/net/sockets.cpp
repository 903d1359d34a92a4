// SPDX-License-Identifier: Apache-2.0
// Sockets and their memory, tracked connections and neighbours, each against the kernel's limit.
#include <unistd.h>

#include <array>
#include <memory>

#include "detect/model/names.h"
#include "probes/parse/numbers.h"
#include "probes/probe.h"
#include "probes/source/limit.h"
#include "probes/source/number_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(10);

// The rows that others are computed from.
enum Row { kTcpMemory, kUdpMemory, kTcpOrphans, kTcpTimeWait };
constexpr NumberRow kSockstat[] = {
    {"TCP:mem"},  // pages
    {"UDP:mem"},  // pages
    {"TCP:orphan", &metric::kSockets, "protocol=tcp,state=orphan"},
    {"TCP:tw", &metric::kSockets, "protocol=tcp,state=time_wait"},
    {"sockets:used", &metric::kSockets, "protocol=all,state=used"},
    {"TCP:inuse", &metric::kSockets, "protocol=tcp,state=used"},
    {"TCP:alloc", &metric::kSockets, "protocol=tcp,state=allocated"},
    {"UDP:inuse", &metric::kSockets, "protocol=udp,state=used"},
    {"UDPLITE:inuse", &metric::kSockets, "protocol=udplite,state=used"},
    {"RAW:inuse", &metric::kSockets, "protocol=raw,state=used"},
    {"FRAG:inuse", &metric::kSockets, "protocol=fragments,state=used"},
    {"FRAG:memory", &metric::kSocketMemory, "protocol=fragments"},
};
constexpr NumberRow kSockstat6[] = {
    {"TCP6:inuse", &metric::kSockets, "protocol=tcp6,state=used"},
    {"UDP6:inuse", &metric::kSockets, "protocol=udp6,state=used"},
    {"UDPLITE6:inuse", &metric::kSockets, "protocol=udplite6,state=used"},
    {"RAW6:inuse", &metric::kSockets, "protocol=raw6,state=used"},
    {"FRAG6:inuse", &metric::kSockets, "protocol=fragments6,state=used"},
    {"FRAG6:memory", &metric::kSocketMemory, "protocol=fragments6"},
};
enum NeighbourRow { kEntries };
constexpr NumberRow kArp[] = {
    {"entries"},
    {"res_failed", &metric::kNeighbourEvents, "event=resolve_failed,network.type=ipv4"},
    {"unresolved_discards", &metric::kNeighbourEvents, "event=unresolved_discard,network.type=ipv4"},
    {"forced_gc_runs", &metric::kNeighbourEvents, "event=forced_collection,network.type=ipv4"},
    {"table_fulls", &metric::kNeighbourEvents, "event=table_full,network.type=ipv4"},
};
constexpr NumberRow kNdp[] = {
    {"entries"},
    {"res_failed", &metric::kNeighbourEvents, "event=resolve_failed,network.type=ipv6"},
    {"unresolved_discards", &metric::kNeighbourEvents, "event=unresolved_discard,network.type=ipv6"},
    {"forced_gc_runs", &metric::kNeighbourEvents, "event=forced_collection,network.type=ipv6"},
    {"table_fulls", &metric::kNeighbourEvents, "event=table_full,network.type=ipv6"},
};
enum File { kSockets, kSockets6, kArpTable, kNdpTable, kFiles };

// A number of /proc/sys; nothing while it cannot be read. Limits are not looked at alone, so that is no fault.
class Setting {
 public:
  Setting(int proc, const char* path, std::size_t index = 0)
      : file_(proc, path, KeptFile::Shape::small), index_(index) {}
  std::optional<double> read() {
    std::array<std::uint64_t, 3> numbers{};
    const auto text = file_.read();
    if (!text || !parse_numbers(*text, std::span(numbers).first(index_ + 1))) return std::nullopt;
    return static_cast<double>(numbers[index_]);
  }

 private:
  KeptFile file_;
  std::size_t index_;
};

class SocketsProbe final : public Probe {
 public:
  explicit SocketsProbe(int proc)
      : files_{NumberFile::of<KeyedPairs>({proc, "net/sockstat", KeptFile::Shape::whole}, kSockstat),
               NumberFile::of<KeyedPairs>({proc, "net/sockstat6", KeptFile::Shape::whole}, kSockstat6),
               NumberFile::of<KeyedHexTable>({proc, "net/stat/arp_cache", KeptFile::Shape::pieces}, kArp),
               NumberFile::of<KeyedHexTable>({proc, "net/stat/ndisc_cache", KeptFile::Shape::pieces}, kNdp)},
        tcp_memory_most_(proc, "sys/net/ipv4/tcp_mem", 2),
        udp_memory_most_(proc, "sys/net/ipv4/udp_mem", 2),
        orphans_most_(proc, "sys/net/ipv4/tcp_max_orphans"),
        time_wait_most_(proc, "sys/net/ipv4/tcp_max_tw_buckets"),
        arp_most_(proc, "sys/net/ipv4/neigh/default/gc_thresh3"),
        ndp_most_(proc, "sys/net/ipv6/neigh/default/gc_thresh3"),
        conntrack_count_(proc, "sys/net/netfilter/nf_conntrack_count"),
        conntrack_most_(proc, "sys/net/netfilter/nf_conntrack_max"),
        page_size_(static_cast<double>(::sysconf(_SC_PAGESIZE))) {}

  Status read(MonoTime, Sink& sink) override {
    auto status = read_all(files_, sink);
    const NumberFile& sockets = files_[kSockets];
    emit_memory(tcp_memory_bytes_, "protocol=tcp", sockets.value(kTcpMemory), sink);
    emit_memory(udp_memory_bytes_, "protocol=udp", sockets.value(kUdpMemory), sink);
    tcp_memory_.emit(sockets.value(kTcpMemory), tcp_memory_most_.read(), sink);
    udp_memory_.emit(sockets.value(kUdpMemory), udp_memory_most_.read(), sink);
    orphans_.emit(sockets.value(kTcpOrphans), orphans_most_.read(), sink);
    time_wait_.emit(sockets.value(kTcpTimeWait), time_wait_most_.read(), sink);
    arp_.emit(files_[kArpTable].value(kEntries), arp_most_.read(), sink);
    ndp_.emit(files_[kNdpTable].value(kEntries), ndp_most_.read(), sink);
    conntrack_.emit(conntrack_count_.read(), conntrack_most_.read(), sink);
    return status;
  }
  Duration interval() const override { return kInterval; }

 private:
  void emit_memory(SeriesId& series, std::string_view attributes, std::optional<double> pages, Sink& sink) {
    if (pages && series == kNoSeries)
      series = sink.series(sink.entity(EntityKind::host, ""), metric::kSocketMemory, attributes);
    if (pages) pages = *pages * page_size_;
    sink.sample(series, pages);
  }

  std::array<NumberFile, kFiles> files_;
  Setting tcp_memory_most_, udp_memory_most_, orphans_most_, time_wait_most_, arp_most_, ndp_most_, conntrack_count_,
      conntrack_most_;
  LimitSeries tcp_memory_{"resource=tcp_memory"}, udp_memory_{"resource=udp_memory"}, orphans_{"resource=tcp_orphans"},
      time_wait_{"resource=tcp_time_wait"}, arp_{"resource=neighbours_ipv4"}, ndp_{"resource=neighbours_ipv6"},
      conntrack_{"resource=conntrack"};
  SeriesId tcp_memory_bytes_ = kNoSeries, udp_memory_bytes_ = kNoSeries;
  double page_size_;
};

constexpr const MetricInfo* kMetrics[] = {&metric::kSockets,    &metric::kSocketMemory, &metric::kNeighbourEvents,
                                          &metric::kLimitUsage, &metric::kLimitMaximum, &metric::kLimitUtilization};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  const int proc = context.roots.proc.get();
  if (!KeptFile(proc, "net/sockstat", KeptFile::Shape::whole).open())
    return make_error(ErrorCode::unsupported, "not here, because the kernel does not count sockets (net/sockstat)");
  return std::unique_ptr<Probe>(std::make_unique<SocketsProbe>(proc));
}

}  // namespace

extern const ProbeInfo sockets_probe;
const ProbeInfo sockets_probe{"sockets",
                              "sockets, tracked connections and neighbours against their limits",
                              kInterval,
                              "",
                              "80 us per read on a 2-core VM, Linux 6.18",
                              kMetrics,
                              make};

}  // namespace hostmedic
