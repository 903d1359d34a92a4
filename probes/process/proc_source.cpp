// SPDX-License-Identifier: Apache-2.0
#include "probes/process/proc_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "probes/parse/process_files.h"

namespace hostmedic::process {
namespace {

using namespace std::chrono_literals;

constexpr Duration kInterval = 2s;
// The list of all processes may use this share of a CPU.
constexpr double kShareOfList = 0.0002;
constexpr Duration kShortestList = 2s, kLongestList = 60s;
constexpr std::uint32_t kKernelThread = 0x00200000;  // PF_KTHREAD, part of the stable interface
constexpr std::size_t kMostProcesses = 32768;

struct Known {
  std::uint32_t pid = 0;
  char state = '?';  // '?': not read yet
  bool busy = false;
  std::uint64_t start_ticks = 0, cpu_ticks = 0, threads = 0, group = 0;
  std::uint64_t sweep = 0;  // in which it was last read
  MonoTime blocked_since;
};

struct CloseDir {
  void operator()(DIR* dir) const { (void)::closedir(dir); }  // a directory that was read has nothing to flush
};

class ProcSource final : public ProcessSource {
 public:
  explicit ProcSource(int proc)
      : proc_(proc),
        tick_ns_(1'000'000'000 / static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)))),
        page_bytes_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))),
        counts_descriptors_(descriptors("self").value_or(0) > 0) {}

  Result<Sweep> sweep(MonoTime now, std::size_t followed, ProcessVisitor& visitor) override;
  Duration interval() const override { return kInterval; }

 private:
  Status list(ProcessVisitor& visitor);
  void merge_listed();
  void read_some(MonoTime now, ProcessVisitor& visitor);
  bool read_one(Known& known, bool full, MonoTime now, ProcessVisitor& visitor);
  void read_rest(Known& known, ProcessRecord& record);
  void read_group(Known& known, const char* pid);
  Result<std::string_view> text(const char* pid, const char* file);
  std::optional<std::uint64_t> descriptors(const char* pid) const;
  HostTasks tasks(MonoTime now) const;

  const int proc_;
  const std::uint64_t tick_ns_, page_bytes_;
  std::array<char, 16384> buffer_;
  std::unique_ptr<DIR, CloseDir> listing_;
  std::vector<std::uint32_t> listed_;
  std::vector<Known> known_, merged_;  // by pid
  std::size_t next_stat_ = 0, next_full_ = 0;
  std::uint64_t sweeps_ = 0;
  MonoTime list_at_;
  const bool counts_descriptors_;
};

Result<std::string_view> ProcSource::text(const char* pid, const char* file) {
  char path[48];
  (void)std::snprintf(path, sizeof path, "%s/%s", pid, file);  // both are short
  const Fd fd(::openat(proc_, path, O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error(errno, file);
  // The kernel hands out each of these files in one piece.
  const ssize_t n = ::read(fd.get(), buffer_.data(), buffer_.size());
  if (n < 0) return errno_error(errno, file);
  return std::string_view(buffer_.data(), static_cast<std::size_t>(n));
}

// Since 6.2 the size of the directory of descriptors is their number; before it is 0.
std::optional<std::uint64_t> ProcSource::descriptors(const char* pid) const {
  char path[48];
  (void)std::snprintf(path, sizeof path, "%s/fd", pid);  // as above
  struct stat found{};
  if (::fstatat(proc_, path, &found, 0) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(found.st_size);
}

Status ProcSource::list(ProcessVisitor& visitor) {
  if (!listing_) {
    auto fd = open_at(proc_, ".", O_RDONLY | O_DIRECTORY);
    if (!fd) return std::move(fd).error();
    listing_.reset(::fdopendir(fd->get()));
    if (!listing_) return errno_error(errno, "list of processes");
    (void)fd->release();  // the listing owns it now
  }
  ::rewinddir(listing_.get());
  listed_.clear();
  while (const dirent* entry = ::readdir(listing_.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || listed_.size() == kMostProcesses) continue;
    const auto pid = parse_u64(entry->d_name);
    if (pid && *pid <= UINT32_MAX) listed_.push_back(static_cast<std::uint32_t>(*pid));
  }
  std::ranges::sort(listed_);
  for (const std::uint32_t pid : listed_) visitor.alive(pid);
  merge_listed();
  return ok();
}

void ProcSource::merge_listed() {
  // Both at once, for they change places.
  known_.reserve(listed_.capacity());
  merged_.reserve(listed_.capacity());
  merged_.clear();
  auto old = known_.begin();
  for (const std::uint32_t pid : listed_) {
    while (old != known_.end() && old->pid < pid) ++old;
    if (old != known_.end() && old->pid == pid) {
      merged_.push_back(*old);
    } else {
      merged_.push_back({});
      merged_.back().pid = pid;
    }
  }
  known_.swap(merged_);
}

void ProcSource::read_group(Known& known, const char* pid) {
  const auto groups = text(pid, "cgroup");
  known.group = groups ? fnv1a(*groups) : 0;
}

void ProcSource::read_rest(Known& known, ProcessRecord& record) {
  char pid[16];
  (void)std::snprintf(pid, sizeof pid, "%u", known.pid);  // fits
  const auto set = [&](auto what, std::optional<std::uint64_t> value) {
    if (!value) return;
    record[what] = *value;
    record.known |= bit(what);
  };
  read_group(known, pid);
  const bool single = known.threads == 1;
  if (const auto file = text(pid, "status")) {
    if (const auto status = parse_process_status(*file)) {
      record.uid = status->uid.value_or(0);
      set(Gauge::swap_bytes, status->swap_bytes);
      if (single) set(Counter::voluntary_switches, status->voluntary_switches);
      if (single) set(Counter::involuntary_switches, status->involuntary_switches);
    }
  }
  if (const auto file = text(pid, "io")) {
    if (const auto io = parse_process_io(*file)) {
      set(Counter::read_bytes, io->read_bytes);
      set(Counter::written_bytes, io->written_bytes);
    }
  }
  if (const auto file = single ? text(pid, "schedstat") : make_error(ErrorCode::unsupported, "")) {
    if (const auto delay = parse_process_run_delay(*file)) set(Counter::run_delay, *delay);
  }
  if (counts_descriptors_) set(Gauge::descriptors, descriptors(pid));
}

// False if the process has gone.
bool ProcSource::read_one(Known& known, bool full, MonoTime now, ProcessVisitor& visitor) {
  known.sweep = sweeps_;
  char pid[16];
  (void)std::snprintf(pid, sizeof pid, "%u", known.pid);  // fits
  const auto file = text(pid, "stat");
  const auto stat = file ? parse_process_stat(*file) : Result<ProcessStat>(file.error());
  if (!stat) {
    known.state = '?';
    return false;
  }
  const bool fresh = known.state == '?' || known.start_ticks != stat->start_ticks;
  const std::uint64_t cpu_ticks = stat->user_ticks + stat->system_ticks;
  known.busy = !fresh && cpu_ticks != known.cpu_ticks;
  if (stat->state != 'D' || known.state != 'D' || fresh || known.busy) known.blocked_since = now;
  known.state = stat->state;
  known.threads = stat->threads;
  known.start_ticks = stat->start_ticks;
  known.cpu_ticks = cpu_ticks;
  ProcessRecord record;
  record.pid = known.pid;
  record.parent_pid = stat->parent_pid;
  record.state = stat->state;
  record.kernel = (stat->flags & kKernelThread) != 0;
  record.started = Duration(static_cast<Duration::rep>(stat->start_ticks * tick_ns_));
  record[Counter::user_time] = stat->user_ticks * tick_ns_;
  record[Counter::system_time] = stat->system_ticks * tick_ns_;
  record[Counter::minor_faults] = stat->minor_faults;
  record[Counter::major_faults] = stat->major_faults;
  record[Gauge::threads] = stat->threads;
  record[Gauge::rss_bytes] = stat->rss_pages * page_bytes_;
  record[Gauge::zombies] = stat->state == 'Z' ? 1 : 0;
  record.known = bit(Counter::user_time) | bit(Counter::system_time) | bit(Counter::minor_faults) |
                 bit(Counter::major_faults) | bit(Gauge::threads) | bit(Gauge::rss_bytes) | bit(Gauge::zombies);
  if (stat->state == 'D') record.blocked = now - known.blocked_since;
  stat->name.copy(record.name.data(), record.name.size() - 1);
  if (full) {
    read_rest(known, record);  // the text of stat is gone after this
  } else if (fresh) {
    read_group(known, pid);
  }
  record.group = known.group;
  visitor.process(record);
  return true;
}

void ProcSource::read_some(MonoTime now, ProcessVisitor& visitor) {
  std::size_t left = kStatsPerSweep;
  const auto in_turn = [&](std::size_t& next, std::size_t most, bool full) {
    for (std::size_t looked = 0; looked < known_.size() && most > 0 && left > 0; ++looked) {
      Known& known = known_[next++ % known_.size()];
      if (known.sweep == sweeps_) continue;
      (void)read_one(known, full, now, visitor);  // one that has gone leaves with the next list
      --most, --left;
    }
    next %= std::max<std::size_t>(1, known_.size());
  };
  in_turn(next_full_, kFullPerSweep, true);
  const auto all_that = [&](std::size_t most, auto wanted) {
    for (Known& known : known_) {
      if (most == 0 || left == 0) return;
      if (known.sweep == sweeps_ || !wanted(known)) continue;
      (void)read_one(known, false, now, visitor);  // as above
      --most, --left;
    }
  };
  all_that(kStatsPerSweep / 2, [](const Known& known) { return known.sweep == 0; });
  all_that(kStatsPerSweep / 4, [](const Known& known) { return known.busy; });
  in_turn(next_stat_, left, false);
}

HostTasks ProcSource::tasks(MonoTime now) const {
  HostTasks tasks;
  for (const Known& known : known_) {
    switch (known.state) {
      case '?': continue;
      case 'R': ++tasks.running; break;
      case 'D': ++tasks.blocked, ++tasks.blocked_threads; break;
      case 'T':
      case 't': ++tasks.stopped; break;
      case 'Z':
      case 'X': ++tasks.zombie; break;
      case 'I': ++tasks.idle; break;
      default: ++tasks.sleeping; break;
    }
    tasks.threads += known.threads;
    if (known.state == 'D') tasks.longest_blocked = std::max(tasks.longest_blocked, now - known.blocked_since);
  }
  return tasks;
}

Result<Sweep> ProcSource::sweep(MonoTime now, std::size_t, ProcessVisitor& visitor) {
  ++sweeps_;
  Sweep done;
  if (now >= list_at_) {
    const Duration begin = thread_cpu_time();
    if (auto status = list(visitor); !status) return std::move(status).error();
    const double cost = static_cast<double>((thread_cpu_time() - begin).count());
    list_at_ = now + std::clamp(Duration(static_cast<Duration::rep>(cost / kShareOfList)), kShortestList, kLongestList);
    done.complete = true;
  }
  read_some(now, visitor);
  done.tasks = tasks(now);
  return done;
}

}  // namespace

std::unique_ptr<ProcessSource> make_proc_source(int proc) { return std::make_unique<ProcSource>(proc); }

}  // namespace hostmedic::process
