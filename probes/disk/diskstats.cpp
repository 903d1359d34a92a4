// SPDX-License-Identifier: Apache-2.0
// I/O of whole block devices. Loop, RAM, compressed-RAM, optical and floppy devices only once they did some I/O.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "detect/model/names.h"
#include "probes/parse/diskstats.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"
#include "probes/source/table.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(2);
constexpr std::size_t kMostDisks = 256;

using Value = std::optional<double>;
constexpr double kSecondsPerMs = 1e-3;
Value scaled(std::optional<std::uint64_t> count, double scale = 1) {
  if (!count) return std::nullopt;
  return static_cast<double>(*count) * scale;
}

// What is said of each disk. What this kernel does not print becomes no series.
struct Item {
  const MetricInfo* metric;
  std::string_view attributes;
  Value (*value)(const DiskStats& row);
};
constexpr Item kItems[] = {
    {&metric::kDiskIo, "disk.io.direction=read", [](const DiskStats& r) { return scaled(r.read_bytes); }},
    {&metric::kDiskIo, "disk.io.direction=write", [](const DiskStats& r) { return scaled(r.written_bytes); }},
    {&metric::kDiskOperations, "disk.io.direction=read", [](const DiskStats& r) { return scaled(r.reads); }},
    {&metric::kDiskOperations, "disk.io.direction=write", [](const DiskStats& r) { return scaled(r.writes); }},
    {&metric::kDiskOperationTime, "disk.io.direction=read",
     [](const DiskStats& r) { return scaled(r.read_ms, kSecondsPerMs); }},
    {&metric::kDiskOperationTime, "disk.io.direction=write",
     [](const DiskStats& r) { return scaled(r.write_ms, kSecondsPerMs); }},
    {&metric::kDiskMerged, "disk.io.direction=read", [](const DiskStats& r) { return scaled(r.reads_merged); }},
    {&metric::kDiskMerged, "disk.io.direction=write", [](const DiskStats& r) { return scaled(r.writes_merged); }},
    {&metric::kDiskIoTime, "", [](const DiskStats& r) { return scaled(r.busy_ms, kSecondsPerMs); }},
    {&metric::kDiskPending, "", [](const DiskStats& r) { return scaled(r.in_flight); }},
    {&metric::kDiskQueueTime, "", [](const DiskStats& r) { return scaled(r.queue_ms, kSecondsPerMs); }},
    {&metric::kDiskOther, "operation=discard", [](const DiskStats& r) { return scaled(r.discards); }},
    {&metric::kDiskOtherTime, "operation=discard",
     [](const DiskStats& r) { return scaled(r.discard_ms, kSecondsPerMs); }},
    {&metric::kDiskDiscarded, "", [](const DiskStats& r) { return scaled(r.discarded_bytes); }},
    {&metric::kDiskOther, "operation=flush", [](const DiskStats& r) { return scaled(r.flushes); }},
    {&metric::kDiskOtherTime, "operation=flush", [](const DiskStats& r) { return scaled(r.flush_ms, kSecondsPerMs); }},
};

struct Disk {
  bool whole = false;  // not a partition
  bool quiet = false;  // of a kind that is there without being used
  EntityId entity = kNoEntity;
  std::array<SeriesId, std::size(kItems)> series;
};

class DiskProbe final : public Probe {
 public:
  explicit DiskProbe(const Roots& roots)
      : stats_(roots.proc.get(), "diskstats", KeptFile::Shape::pieces), sys_(roots.sys.get()) {}

  Status read(MonoTime, Sink& sink) override {
    const auto text = stats_.read();
    if (!text) return fail(sink, text.error());
    if (auto parsed = parse_diskstats(*text, rows_); !parsed) return fail(sink, parsed.error());
    disks_.align(rows_, [&](const DiskStats& row) { return judge(row); }, [&](Disk& gone) { drop(gone, sink); });
    bool refused = false;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      Disk& disk = disks_[i];
      if (!disk.whole || (disk.quiet && rows_[i].reads + rows_[i].writes == 0)) continue;
      if (disk.entity == kNoEntity && followed_ < kMostDisks) define(rows_[i], disk, sink);
      if (disk.entity == kNoEntity) {
        refused = true;
        continue;
      }
      emit(rows_[i], disk, sink);
    }
    if (refused) return make_error(ErrorCode::limit, "more block devices than are followed");
    return ok();
  }
  Duration interval() const override { return kInterval; }

 private:
  Disk judge(const DiskStats& row) const {
    Disk disk;
    std::string name(row.name);
    std::replace(name.begin(), name.end(), '/', '!');  // as the device tree spells it
    disk.whole = ::faccessat(sys_, ("block/" + name).c_str(), F_OK, 0) == 0;
    disk.quiet = name.starts_with("loop") || name.starts_with("ram") || name.starts_with("zram") ||
                 name.starts_with("sr") || name.starts_with("fd");
    return disk;
  }
  void define(const DiskStats& row, Disk& disk, Sink& sink) {
    disk.entity = sink.entity(EntityKind::block_device, row.name);
    if (disk.entity == kNoEntity) return;
    ++followed_;
    for (std::size_t i = 0; i < std::size(kItems); ++i) {
      const Item& item = kItems[i];
      disk.series[i] = item.value(row) ? sink.series(disk.entity, *item.metric, item.attributes) : kNoSeries;
    }
  }
  void drop(Disk& disk, Sink& sink) {
    if (disk.entity == kNoEntity) return;
    sink.retire(disk.entity);
    --followed_;
  }
  static void emit(const DiskStats& row, const Disk& disk, Sink& sink) {
    for (std::size_t i = 0; i < std::size(kItems); ++i) sink.sample(disk.series[i], kItems[i].value(row));
  }
  Error fail(Sink& sink, const Error& error) {
    for (std::size_t i = 0; i < disks_.size(); ++i) {
      if (disks_[i].entity == kNoEntity) continue;
      for (const SeriesId series : disks_[i].series) sink.sample(series, std::nullopt);
    }
    return Error(error).in("diskstats");
  }

  KeptFile stats_;
  int sys_;
  std::vector<DiskStats> rows_;
  FollowedTable<Disk> disks_;
  std::size_t followed_ = 0;
};

constexpr const MetricInfo* kMetrics[] = {
    &metric::kDiskIo,        &metric::kDiskOperations, &metric::kDiskOperationTime, &metric::kDiskIoTime,
    &metric::kDiskPending,   &metric::kDiskMerged,     &metric::kDiskQueueTime,     &metric::kDiskOther,
    &metric::kDiskOtherTime, &metric::kDiskDiscarded};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return std::unique_ptr<Probe>(std::make_unique<DiskProbe>(context.roots));
}

}  // namespace

extern const ProbeInfo disk_probe;
const ProbeInfo disk_probe{"disk",
                           "I/O of block devices",
                           kInterval,
                           "",
                           "52 us per read with 10 devices on a 2-core VM, Linux 6.18",
                           kMetrics,
                           make};

}  // namespace hostmedic
