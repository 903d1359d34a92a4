// SPDX-License-Identifier: Apache-2.0
// Space and inodes of filesystems. Asking a filesystem can hang for ever (a dead NFS server, a dying disk), so a worker
// asks, with a deadline; those behind a network or a user-space server have a worker each. What is late is unknown.
// Filesystems that come, go or turn read-only are told when it happens.
#include <poll.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/disk/device_chain.h"
#include "probes/disk/mount_changes.h"
#include "probes/disk/select_mounts.h"
#include "probes/parse/mountinfo.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"
#include "probes/source/relations.h"
#include "probes/source/roots.h"
#include "probes/source/table.h"
#include "probes/source/worker.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(1);
constexpr Duration kDeadline = std::chrono::seconds(1);
// A filesystem that goes read-only because of an I/O error does not announce it as a change of the mounts, and since
// ext4 of Linux 6.15 not by statvfs either: the table is read with every question, unless it is a large one.
constexpr Duration kReread = std::chrono::milliseconds(900), kRereadLarge = std::chrono::seconds(10);
constexpr std::size_t kLarge = 64 * 1024;  // some 400 mounts; the kernel takes half a millisecond to write them down
constexpr Duration kLeastReread = std::chrono::milliseconds(200);
// A server that restarts, or a network that fails over, is away for a moment. One that is away for longer is told.
constexpr Duration kUnreachable = std::chrono::seconds(5);
constexpr std::size_t kMostFilesystems = 256;
constexpr std::size_t kMostRemoteWorkers = 16;  // further ones share the last
constexpr std::size_t kMostRelations = 1024;
constexpr Duration kLookAtDevices = std::chrono::minutes(10);  // arrays and volumes change below a mount

struct Answer {
  int error = 0;  // errno, 0: none
  double used_bytes = 0, free_bytes = 0;
  double inodes = 0, inodes_free = 0;  // inodes 0: this filesystem has no fixed number
  bool read_only = false;              // as seen from our own mount namespace
};

struct AskSpace {
  std::string path;
  Answer run() const {
    Answer answer;
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) != 0) {
      answer.error = errno;
      return answer;
    }
    if (info.f_bfree > info.f_blocks || info.f_ffree > info.f_files) {  // a user-space server may say anything
      answer.error = EPROTO;
      return answer;
    }
    const double block = static_cast<double>(info.f_frsize);
    answer.used_bytes = static_cast<double>(info.f_blocks - info.f_bfree) * block;
    answer.free_bytes = static_cast<double>(info.f_bavail) * block;
    answer.inodes = static_cast<double>(info.f_files);
    answer.inodes_free = static_cast<double>(info.f_ffree);
    answer.read_only = (info.f_flag & ST_RDONLY) != 0;
    return answer;
  }
};
using SpaceWorker = ProbeWorker<AskSpace>;

struct Watched {
  std::shared_ptr<const AskSpace> job;
  SpaceWorker* worker = nullptr;  // null: no thread was to be had
  std::unique_ptr<SpaceWorker> own_worker;
  std::size_t slot = 0;
  Filesystem mount;  // as last told
  std::optional<bool> seen_read_only;
  std::optional<MonoTime> silent_since;  // it was asked, and the answer became late
  bool told_unreachable = false;
  EntityId entity = kNoEntity;
  SeriesId used = kNoSeries, free = kNoSeries, limit = kNoSeries, utilization = kNoSeries;
  SeriesId inodes = kNoSeries, read_only_series = kNoSeries;
};

class FilesystemProbe final : public Probe {
 public:
  FilesystemProbe(const Roots& roots, std::shared_ptr<Bell> bell)
      : roots_(roots),
        view_(mount_view(roots)),
        mounts_(roots.proc.get(), view_.mountinfo, KeptFile::Shape::pieces),
        bell_(std::move(bell)),
        alarm_(roots.proc.get(), view_.mountinfo) {}

  Status read(MonoTime now, Sink& sink) override {
    collect(now, sink);
    Status status = ok();
    if (must_reread(now)) status = reread(now, sink);
    bool late = false;
    for (std::size_t i = 0; i < watched_.size(); ++i) {
      Watched& one = watched_[i];
      if (one.worker == nullptr) {
        unknown(one, sink);
      } else if (one.worker->late(one.slot, now)) {
        unknown(one, sink);
        tell_silence(one, now, sink);
        late = true;
        if (status) status = make_error(ErrorCode::timeout, watched_.name(i) + " does not answer").in("filesystem");
      } else {
        // Refused while the last question is still within its deadline.
        const bool asked = one.worker->submit(one.slot, one.job, now + kDeadline);
        if (asked && one.own_worker) one.own_worker->start();
      }
    }
    if (local_) local_->start();
    if (remote_) remote_->start();
    stored_on_.tell(now, sink, [](const Entity& one) { return one.kind == EntityKind::filesystem; });
    if (!status) return status;
    return problem_ && !late ? Status(*problem_) : ok();
  }

  std::vector<int> descriptors() const override {
    std::vector<int> polled{bell_->fd()};
    if (alarm_.fd() >= 0) polled.push_back(alarm_.fd());
    return polled;
  }
  Status on_ready(MonoTime now, Sink& sink) override {
    bell_->quiet();
    collect(now, sink);
    // A host that mounts without end has to wait for the next read.
    const bool soon = read_at_ && now - *read_at_ < kLeastReread;
    return alarm_.fd() >= 0 && !soon && mounts_changed() ? reread(now, sink) : ok();
  }
  Duration interval() const override { return kInterval; }

 private:
  bool must_reread(MonoTime now) const {
    return !read_at_ || read_only_changed_ || now - *read_at_ >= (large_ ? kRereadLarge : kReread) || mounts_changed();
  }
  bool mounts_changed() const {
    pollfd change{mounts_.fd(), POLLPRI, 0};
    return ::poll(&change, 1, 0) != 0 && (change.revents & (POLLPRI | POLLERR)) != 0;
  }

  Status reread(MonoTime now, Sink& sink) {
    read_at_ = now;  // also after a failure: not again at once
    read_only_changed_ = false;
    auto text = mounts_.read();
    if (!text) return std::move(text).error();
    large_ = text->size() > kLarge;
    const std::size_t hash = std::hash<std::string_view>()(*text);
    const bool look_at_devices = !devices_at_ || now - *devices_at_ >= kLookAtDevices;
    if (known_ && hash == seen_ && !look_at_devices) return ok();
    auto mounts = parse_mountinfo(*text);
    if (!mounts) return std::move(mounts).error().in(view_.mountinfo);
    const bool first = !std::exchange(known_, true);
    seen_ = hash;
    const std::vector<Filesystem> found = select_filesystems(*mounts, kMostFilesystems);
    watched_.align(
        found,
        [&](const Filesystem& row) {
          Watched one = watch(row, sink);
          devices_at_.reset();
          if (!first) sink.event(mount_event("mounted", one.entity, now, row));
          return one;
        },
        [&](Watched& gone) {
          sink.event(mount_event("unmounted", gone.entity, now, gone.mount));
          devices_at_.reset();
          drop(gone, sink);
        });
    for (std::size_t i = 0; i < found.size(); ++i) tell_changes(found[i], watched_[i], now, sink);
    if (!devices_at_ || now - *devices_at_ >= kLookAtDevices) {
      devices_at_ = now;
      find_devices(found);
    }
    return ok();
  }
  // From each filesystem down to the disks. What is no longer mounted is forgotten; who follows it forgets it in time.
  void find_devices(const std::vector<Filesystem>& found) {
    const int sys = roots_.sys.get();
    std::set<Entity> seen;
    std::vector<std::string> next;
    const auto note = [&](Entity from, std::vector<std::string> below) {
      std::vector<Related> related;
      for (const std::string& device : below) related.push_back({"stored_on", {EntityKind::block_device, device}});
      stored_on_.replace(from, std::move(related));
      seen.insert(std::move(from));
      std::ranges::move(below, std::back_inserter(next));
    };
    for (const Filesystem& one : found) {
      const std::string device = device_of(one, sys, roots_.root.get());
      if (!device.empty()) note({EntityKind::filesystem, one.name}, {device});
    }
    while (!next.empty() && seen.size() < kMostRelations) {
      Entity device{EntityKind::block_device, std::move(next.back())};
      next.pop_back();
      if (!seen.contains(device)) note(device, devices_below(device.name, sys));
    }
    stored_on_.forget_if([&](const Entity& one) { return !seen.contains(one); });
  }
  // Of one with a worker of its own: behind others in a queue it may be their silence.
  void tell_silence(Watched& one, MonoTime now, Sink& sink) {
    if (!one.own_worker || one.told_unreachable) return;
    if (!one.silent_since) one.silent_since = now;
    if (now - *one.silent_since < kUnreachable - kDeadline) return;
    one.told_unreachable = true;
    sink.event(mount_event("unreachable", one.entity, now, one.mount));
  }
  void tell_changes(const Filesystem& found, Watched& one, MonoTime now, Sink& sink) {
    if (found.source != one.mount.source || found.type != one.mount.type) {
      sink.event(mount_event("replaced", one.entity, now, found));
      devices_at_.reset();
    }
    if (found.read_only != one.mount.read_only)
      sink.event(mount_event(found.read_only ? "read_only" : "read_write", one.entity, now, found));
    one.mount = found;
  }

  Watched watch(const Filesystem& row, Sink& sink) {
    Watched one;
    one.mount = row;
    one.job = std::make_shared<const AskSpace>(AskSpace{view_.prefix + row.name});
    assign_worker(row.may_hang, one);
    one.entity = sink.entity(EntityKind::filesystem, row.name);
    one.used = sink.series(one.entity, metric::kFilesystemUsage, "system.filesystem.state=used");
    one.free = sink.series(one.entity, metric::kFilesystemUsage, "system.filesystem.state=free");
    one.limit = sink.series(one.entity, metric::kFilesystemLimit);
    one.utilization = sink.series(one.entity, metric::kFilesystemUtilization);
    one.read_only_series = sink.series(one.entity, metric::kFilesystemReadOnly);
    return one;
  }
  void assign_worker(bool may_hang, Watched& one) {
    if (may_hang && remote_workers_ < kMostRemoteWorkers) {
      auto made = SpaceWorker::make(1, bell_);
      if (!made) return;
      one.own_worker = std::move(*made);
      one.worker = one.own_worker.get();
      ++remote_workers_;
      return;
    }
    std::unique_ptr<SpaceWorker>& shared = may_hang ? remote_ : local_;
    std::vector<bool>& taken = may_hang ? remote_taken_ : local_taken_;
    if (!shared) {
      auto made = SpaceWorker::make(kMostFilesystems, bell_);
      if (!made) return;
      shared = std::move(*made);
      taken.assign(kMostFilesystems, false);
    }
    // A slot whose last owner is gone but whose call still hangs is no use.
    for (std::size_t slot = 0; slot < taken.size(); ++slot) {
      if (taken[slot] || shared->busy(slot)) continue;
      (void)shared->take(slot);  // an answer for the slot's last owner
      taken[slot] = true;
      one.worker = shared.get();
      one.slot = slot;
      return;
    }
  }
  void drop(Watched& gone, Sink& sink) {
    if (gone.own_worker) --remote_workers_;
    if (gone.worker == local_.get() && local_) local_taken_[gone.slot] = false;
    if (gone.worker == remote_.get() && remote_) remote_taken_[gone.slot] = false;
    sink.retire(gone.entity);
  }

  void collect(MonoTime now, Sink& sink) {
    for (std::size_t i = 0; i < watched_.size(); ++i) {
      Watched& one = watched_[i];
      if (one.worker == nullptr) continue;
      const std::optional<Answer> answer = one.worker->take(one.slot);
      if (!answer) continue;
      one.silent_since.reset();
      if (std::exchange(one.told_unreachable, false)) sink.event(mount_event("reachable", one.entity, now, one.mount));
      if (answer->error != 0) {
        unknown(one, sink);
        if (answer->error == ENOENT) continue;  // hidden below another mount: nobody can reach it, so nothing is wrong
        if (!problem_ || problem_of_ == watched_.name(i))
          problem_ = errno_error(answer->error, watched_.name(i)).in("filesystem");
        problem_of_ = watched_.name(i);
        continue;
      }
      if (problem_ && problem_of_ == watched_.name(i)) problem_.reset();
      emit(one, *answer, sink);
    }
    if (problem_ && !is_watched(problem_of_)) problem_.reset();
  }
  bool is_watched(const std::string& name) const {
    for (std::size_t i = 0; i < watched_.size(); ++i) {
      if (watched_.name(i) == name) return true;
    }
    return false;
  }

  void emit(Watched& one, const Answer& answer, Sink& sink) {
    if (one.seen_read_only && *one.seen_read_only != answer.read_only) read_only_changed_ = true;
    one.seen_read_only = answer.read_only;
    const double limit = answer.used_bytes + answer.free_bytes;
    sink.sample(one.used, answer.used_bytes);
    sink.sample(one.free, answer.free_bytes);
    sink.sample(one.limit, limit);
    sink.sample(one.utilization, limit > 0 ? std::optional(answer.used_bytes / limit) : std::nullopt);
    sink.sample(one.read_only_series, one.mount.read_only ? 1 : 0);
    if (answer.inodes > 0 && one.inodes == kNoSeries)
      one.inodes = sink.series(one.entity, metric::kFilesystemInodesUtilization);
    sink.sample(one.inodes,
                answer.inodes > 0 ? std::optional((answer.inodes - answer.inodes_free) / answer.inodes) : std::nullopt);
  }
  static void unknown(const Watched& one, Sink& sink) {
    for (const SeriesId series : {one.used, one.free, one.limit, one.utilization, one.inodes})
      sink.sample(series, std::nullopt);
    sink.sample(one.read_only_series, std::nullopt);
  }

  const Roots& roots_;
  const MountView view_;
  KeptFile mounts_;
  const std::shared_ptr<Bell> bell_;
  const MountAlarm alarm_;
  std::unique_ptr<SpaceWorker> local_, remote_;
  std::vector<bool> local_taken_, remote_taken_;
  std::size_t remote_workers_ = 0;
  FollowedTable<Watched> watched_;
  std::optional<MonoTime> read_at_;
  bool known_ = false;  // the table was read once: what is new now was mounted now
  bool read_only_changed_ = false;
  bool large_ = false;            // the table of mounts is
  std::size_t seen_ = 0;          // hash of the table as last understood
  std::optional<Error> problem_;  // the last one that is not over
  std::string problem_of_;
  RelationBook stored_on_{kMostRelations};
  std::optional<MonoTime> devices_at_;  // when they were looked for; empty: look at once
};

constexpr const MetricInfo* kMetrics[] = {&metric::kFilesystemUsage, &metric::kFilesystemLimit,
                                          &metric::kFilesystemUtilization, &metric::kFilesystemInodesUtilization,
                                          &metric::kFilesystemReadOnly};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  auto bell = Bell::make();
  if (!bell) return std::move(bell).error();
  return std::unique_ptr<Probe>(std::make_unique<FilesystemProbe>(context.roots, std::move(*bell)));
}

}  // namespace

extern const ProbeInfo filesystem_probe;
const ProbeInfo filesystem_probe{
    "filesystem",
    "space and inodes of filesystems; mounts as they change",
    kInterval,
    "",
    "17 us per read and a wake-up of the worker, with 6 filesystems on a 2-core VM, Linux 6.18",
    kMetrics,
    make};

}  // namespace hostmedic
