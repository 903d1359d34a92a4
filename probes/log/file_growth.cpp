// SPDX-License-Identifier: Apache-2.0
#include "probes/log/file_growth.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timerfd.h>

#include <algorithm>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/log/place.h"
#include "probes/parse/mountinfo.h"
#include "probes/source/roots.h"
#include "probes/source/worker.h"

namespace hostmedic {
namespace {

using log::Findings;
using log::GrowingFile;
using log::Hunt;
using log::LogRoot;
using log::Space;

constexpr Duration kInterval = std::chrono::seconds(1);
constexpr Duration kPlaceAgain = std::chrono::seconds(10);
constexpr Duration kDeadline = std::chrono::seconds(10);
constexpr Duration kKeepHunting = std::chrono::seconds(3);  // after the last second of growth
constexpr std::size_t kMostDisks = 8;
constexpr std::size_t kMostRoots = 64;
// A hunt takes at most 1 % of one CPU; but what it found must not grow old while the disk fills.
constexpr int kRestPerWork = 99;
constexpr Duration kLongestRest = std::chrono::seconds(5);
// Slower growth than this, or growth that takes longer to fill what is free, is not worth a look.
constexpr double kLeastGrowth = 64 << 10;
constexpr double kFullWithinSeconds = 3600;

struct HuntJob {
  std::shared_ptr<Hunt> hunt;
  bool fresh = false;  // what is remembered from an earlier hunt is too old to compare with
  Findings run() const {
    if (fresh) hunt->forget();
    return hunt->step();
  }
};
using HuntWorker = ProbeWorker<HuntJob>;

struct Disk {
  std::string name;                   // mount point
  std::vector<std::string> paths;     // of its log roots
  std::vector<std::uint64_t> inodes;  // of the same, to notice that one was replaced
  std::shared_ptr<Hunt> hunt;
  Fd dir;  // one of the roots, to ask for the space
  std::optional<EntityId> entity;
  std::optional<Space> space;
  MonoTime space_at, growing_at, next_look;
  bool hunting = false, looked = false, told_skipped = false;
};

bool fills(const Space& before, const Space& now, Duration passed) {
  if (now.used <= before.used || passed <= Duration::zero()) return false;
  const double rate = static_cast<double>(now.used - before.used) / to_seconds(passed);
  return rate > std::max(kLeastGrowth, static_cast<double>(now.free) / kFullWithinSeconds);
}

std::optional<Space> space_of(int dir) {
  struct statvfs found{};
  if (::fstatvfs(dir, &found) < 0) return std::nullopt;
  return Space{(found.f_blocks - found.f_bfree) * found.f_frsize, found.f_bavail * found.f_frsize};
}

// A walk stays on one filesystem, so what is mounted below a root is a root of its own.
std::vector<std::string> with_mounts_below(std::vector<std::string> roots, const std::vector<Mount>& mounts) {
  const std::size_t given = roots.size();
  for (const Mount& mount : mounts) {
    for (std::size_t i = 0; i < given && roots.size() < kMostRoots; ++i) {
      if (!mount.mount_point.starts_with(roots[i] + "/") || std::ranges::find(roots, mount.mount_point) != roots.end())
        continue;
      roots.push_back(mount.mount_point);
    }
  }
  return roots;
}

std::vector<Attribute> attributes_of(const GrowingFile& file) {
  std::vector<Attribute> attributes;
  const auto add = [&](std::string_view key, std::string value) {
    if (!value.empty()) attributes.push_back({std::string(key), std::move(value)});
  };
  add(attr::kFilePath, file.path);
  add(attr::kFileSize, std::to_string(file.size));
  add(attr::kFileAllocated, std::to_string(file.allocated));
  add(attr::kFileGrowth, strf("%.0f", file.bytes_per_second));
  add(attr::kFileGrowthShare, strf("%.3f", file.share));
  add(attr::kFileRoot, file.root);
  add(attr::kFileLogrotate, file.logrotate_config);
  if (file.writers.count == 0) return attributes;
  add(attr::kWriterPid, std::to_string(file.writers.pid));
  add(attr::kWriterName, file.writers.name);
  add(attr::kWriterUnit, file.writers.unit);
  add(attr::kWriterAppends, file.writers.all_append ? "1" : "0");
  return attributes;
}

class FileGrowthProbe final : public Probe {
 public:
  FileGrowthProbe(const ProbeContext& context, const FileGrowthOptions& options, std::shared_ptr<Bell> bell, Fd timer,
                  Fd ready)
      : roots_(context.roots),
        options_(options),
        bell_(std::move(bell)),
        timer_(std::move(timer)),
        ready_(std::move(ready)) {
    for (const std::string& path : context.settings.log_roots) {
      if (path.starts_with('/') && log_roots_.size() < kMostRoots) log_roots_.push_back(path);
    }
    if (context.settings.log_roots.empty()) log_roots_.emplace_back("/var/log");
  }

  Status read(MonoTime now, Sink& sink) override;
  Status on_ready(MonoTime now, Sink& sink) override;
  std::vector<int> descriptors() const override { return {ready_.get()}; }
  Duration interval() const override { return kInterval; }

  Status place(MonoTime now, Sink* sink);  // finds out where the roots lie
  bool watches() const { return !disks_.empty(); }

 private:
  void look(std::size_t slot, MonoTime now);
  void take(std::size_t slot, MonoTime now, Sink& sink);
  void arm(Duration pause);

  const Roots& roots_;
  const FileGrowthOptions options_;
  const std::shared_ptr<Bell> bell_;
  const Fd timer_, ready_;  // ready_: the set of the bell and the timer
  std::vector<std::string> log_roots_;

  std::vector<Disk> disks_;  // the index is the worker's slot
  std::unique_ptr<HuntWorker> worker_;
  std::optional<MonoTime> placed_at_;
};

Status FileGrowthProbe::place(MonoTime now, Sink* sink) {
  placed_at_ = now;
  const MountView view = mount_view(roots_);
  const auto text = read_file_at(roots_.proc.get(), view.mountinfo, mib(4));
  if (!text) return text.error();
  const auto mounts = parse_mountinfo(*text);
  if (!mounts) return mounts.error();

  std::vector<Disk> found;
  std::vector<std::vector<LogRoot>> dirs;
  for (const std::string& path : with_mounts_below(log_roots_, *mounts)) {
    const auto name = log::local_filesystem_of(path, *mounts);
    if (!name) continue;
    auto dir = open_dir(view.prefix + path);
    if (!dir) continue;  // not there now, or not ours to read
    struct stat itself{};
    if (::fstat(dir->get(), &itself) < 0) continue;
    auto disk = std::ranges::find(found, *name, &Disk::name);
    if (disk == found.end()) {
      if (found.size() == kMostDisks) continue;
      found.push_back({});
      found.back().name = *name;
      dirs.emplace_back();
      disk = std::prev(found.end());
    }
    disk->paths.push_back(path);
    disk->inodes.push_back(itself.st_ino);
    dirs[static_cast<std::size_t>(disk - found.begin())].push_back({path, std::move(*dir)});
  }
  const auto same = [](const Disk& a, const Disk& b) {
    return a.name == b.name && a.paths == b.paths && a.inodes == b.inodes;
  };
  if (std::ranges::equal(found, disks_, same)) return ok();

  for (const Disk& old : disks_) {
    if (old.entity && sink != nullptr) sink->retire(*old.entity);
  }
  disks_.clear();
  worker_.reset();
  if (found.empty()) return ok();
  auto worker = HuntWorker::make(found.size(), bell_);
  if (!worker) return std::move(worker).error();
  for (std::size_t i = 0; i < found.size(); ++i) {
    auto dir = open_at(dirs[i].front().dir.get(), ".", O_RDONLY | O_DIRECTORY);
    auto proc = open_at(roots_.proc.get(), ".", O_RDONLY | O_DIRECTORY);
    if (!dir || !proc) return make_error(ErrorCode::io, "a directory cannot be opened again");
    auto etc = open_at(roots_.etc.get(), ".", O_RDONLY | O_DIRECTORY);
    found[i].dir = std::move(*dir);
    found[i].hunt =
        std::make_shared<Hunt>(std::move(dirs[i]), std::move(*proc), etc ? std::move(*etc) : Fd(), options_.read_space);
  }
  worker_ = std::move(*worker);
  disks_ = std::move(found);
  return ok();
}

Status FileGrowthProbe::read(MonoTime now, Sink& sink) {
  Status status = ok();
  // Its last second is of no use when the directories were opened anew, so not while something fills.
  const bool hunting = std::ranges::any_of(disks_, &Disk::hunting);
  if (!placed_at_ || (!hunting && now - *placed_at_ >= kPlaceAgain)) status = place(now, &sink);
  for (std::size_t slot = 0; slot < disks_.size(); ++slot) {
    Disk& disk = disks_[slot];
    take(slot, now, sink);
    const auto space = options_.read_space(disk.dir.get());
    if (space && disk.space && fills(*disk.space, *space, now - disk.space_at)) {
      disk.growing_at = now;
      if (!disk.hunting) {
        disk.hunting = true;
        disk.looked = disk.told_skipped = false;
        look(slot, now);
      }
    }
    disk.space = space;
    disk.space_at = now;
    if (disk.hunting && now - disk.growing_at > kKeepHunting) disk.hunting = false;
    if (disk.hunting && disk.looked && now >= disk.next_look) look(slot, now);
    if (worker_->late(slot, now)) {
      status = make_error(ErrorCode::timeout,
                          "a look into the log roots on " + printable(disk.name, 256) + " does not come back");
    }
  }
  return status;
}

void FileGrowthProbe::look(std::size_t slot, MonoTime now) {
  const Disk& disk = disks_[slot];
  // Refused while the last look is under way; the next tick asks again.
  if (worker_->submit(slot, std::make_shared<const HuntJob>(HuntJob{disk.hunt, !disk.looked}), now + kDeadline)) {
    worker_->start();
  }
}

void FileGrowthProbe::take(std::size_t slot, MonoTime now, Sink& sink) {
  Disk& disk = disks_[slot];
  const auto findings = worker_->take(slot);
  if (!findings || !disk.hunting) return;
  disk.looked = true;
  if (!findings->compared) {
    arm(options_.first_pause);
    disk.next_look = now;  // by the timer, or by the tick if that comes first
    return;
  }
  disk.next_look =
      now + std::max<Duration>(kInterval / 2, std::min<Duration>(findings->cpu * kRestPerWork, kLongestRest));
  for (const GrowingFile& file : findings->files) {
    if (!disk.entity) disk.entity = sink.entity(EntityKind::filesystem, disk.name);
    sink.event({EventKind::file_growth, *disk.entity, std::min(findings->ended, now), attributes_of(file)});
  }
  if (findings->names_skipped > 0 && !disk.told_skipped) {
    disk.told_skipped = true;
    sink.event({EventKind::samples_lost,
                sink.entity(EntityKind::agent, "probe.file-growth"),
                now,
                {{std::string(attr::kCount), std::to_string(findings->names_skipped)}}});
  }
}

void FileGrowthProbe::arm(Duration pause) {
  itimerspec at{};
  at.it_value.tv_sec = pause / std::chrono::seconds(1);
  at.it_value.tv_nsec = (pause % std::chrono::seconds(1)).count();
  (void)::timerfd_settime(timer_.get(), 0, &at, nullptr);  // without the timer the next tick looks
}

Status FileGrowthProbe::on_ready(MonoTime now, Sink& sink) {
  bell_->quiet();
  std::uint64_t expired = 0;
  const bool rang = ::read(timer_.get(), &expired, sizeof expired) == sizeof expired;
  for (std::size_t slot = 0; slot < disks_.size(); ++slot) {
    const Disk& disk = disks_[slot];
    if (rang && disk.hunting && disk.looked && now >= disk.next_look) look(slot, now);
    take(slot, now, sink);
  }
  return ok();
}

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  return make_file_growth_probe(context, {space_of, std::chrono::milliseconds(500)});
}

}  // namespace

Result<std::unique_ptr<Probe>> make_file_growth_probe(const ProbeContext& context, const FileGrowthOptions& options) {
  auto bell = Bell::make();
  if (!bell) return std::move(bell).error();
  Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  Fd ready(::epoll_create1(EPOLL_CLOEXEC));
  if (!timer || !ready) return errno_error(errno, "file growth");
  epoll_event event{};
  event.events = EPOLLIN;
  for (const int fd : {(*bell)->fd(), timer.get()}) {
    if (::epoll_ctl(ready.get(), EPOLL_CTL_ADD, fd, &event) < 0) return errno_error(errno, "file growth");
  }
  auto probe =
      std::make_unique<FileGrowthProbe>(context, options, std::move(*bell), std::move(timer), std::move(ready));
  if (auto placed = probe->place(MonoTime{}, nullptr); !placed) return std::move(placed).error();
  if (!probe->watches()) {
    return make_error(ErrorCode::unsupported, "not here, because no log root lies on a local filesystem");
  }
  return std::unique_ptr<Probe>(std::move(probe));
}

const ProbeInfo file_growth_probe{
    "file-growth",
    "Which file fills a filesystem that holds logs, and who writes it",
    kInterval,
    "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for the files and writers of others",
    "1 us per second while nothing fills; while something does, at most 2 % of one CPU (2-core VM)",
    {},
    make};

}  // namespace hostmedic
