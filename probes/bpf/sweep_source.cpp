// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/sweep_source.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "probes/bpf/load.h"
#include "probes/bpf/sweep_record.h"
#include "sweep.skel.h"

namespace hostmedic::bpf {
namespace {

using namespace std::chrono_literals;

// The walk alone may use this share of a CPU; on hosts with so many processes that it would use more it comes less
// often. The sweep of everyone has a share of its own.
constexpr double kShare = 0.003, kShareOfEveryone = 0.0005;
constexpr Duration kShortest = 1s, kLongest = 10s, kShortestEveryone = 30s, kLongestEveryone = 300s;
// At least what the kernel gathers for one read, so that most reads end with a whole record.
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

using Skeleton = Handle<sweep_bpf, sweep_bpf__destroy>;

Duration spread(Duration cost, double share, Duration shortest, Duration longest) {
  return std::clamp(Duration(static_cast<Duration::rep>(static_cast<double>(cost.count()) / share)), shortest, longest);
}

class SweepSource final : public process::ProcessSource {
 public:
  static Result<std::unique_ptr<process::ProcessSource>> make(const ProbeContext& context);
  SweepSource(Skeleton skeleton, bpf_link* link)
      : skeleton_(std::move(skeleton)), link_(link), page_bytes_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) {}

  Result<process::Sweep> sweep(MonoTime now, std::size_t followed, process::ProcessVisitor& visitor) override;
  Duration interval() const override { return interval_; }

 private:
  struct DropLink {
    void operator()(bpf_link* link) const { (void)bpf_link__destroy(link); }  // gone either way
  };
  Result<std::size_t> read_all(process::ProcessVisitor& visitor);

  const Skeleton skeleton_;
  const std::unique_ptr<bpf_link, DropLink> link_;
  const std::uint64_t page_bytes_;
  std::array<std::byte, kReadBytes> buffer_;
  std::uint64_t last_ns_ = 0;  // the scheduler's clock at the last sweep; 0: it does not tell who ran
  std::uint64_t processes_ = 0;
  MonoTime everyone_at_;
  Duration interval_ = kShortest;
};

Result<std::size_t> SweepSource::read_all(process::ProcessVisitor& visitor) {
  const Fd reader(bpf_iter_create(bpf_link__fd(link_.get())));
  if (!reader) return errno_error(errno, "walk over the tasks");
  std::size_t have = 0, total = 0;
  for (;;) {
    const ssize_t n = ::read(reader.get(), buffer_.data() + have, buffer_.size() - have);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return errno_error(errno, "walk over the tasks");
    if (n == 0) break;
    total += static_cast<std::size_t>(n);
    have += static_cast<std::size_t>(n);
    auto used = decode_sweep(std::span(buffer_).first(have), page_bytes_, visitor);
    if (!used) return std::move(used).error();
    have -= *used;
    if (have > 0) std::memmove(buffer_.data(), buffer_.data() + *used, have);
  }
  if (have != 0) return make_error(ErrorCode::malformed, "the walk over the tasks ended inside a record");
  return total;
}

Result<process::Sweep> SweepSource::sweep(MonoTime now, std::size_t followed, process::ProcessVisitor& visitor) {
  hm_sweep_ask& ask = skeleton_->bss->ask;
  hm_sweep_answer& answer = skeleton_->bss->answer;
  const bool everyone = last_ns_ == 0 || now >= everyone_at_;
  ask.since_ns = last_ns_;
  ++ask.number;
  ask.everyone = everyone;
  ask.alive = followed != processes_;
  answer = {};
  const Duration begin = thread_cpu_time();
  if (auto read = read_all(visitor); !read) {
    last_ns_ = 0;  // who ran meanwhile is found by the next sweep of everyone
    return std::move(read).error();
  }
  const Duration cost = thread_cpu_time() - begin;
  last_ns_ = answer.now_ns;
  process::Sweep done{decode_answer(answer), everyone || ask.alive != 0};
  processes_ = done.tasks.processes();
  if (everyone) everyone_at_ = now + spread(cost, kShareOfEveryone, kShortestEveryone, kLongestEveryone);
  if (!everyone || last_ns_ == 0) interval_ = spread(cost, kShare, kShortest, kLongest);
  return done;
}

// The hierarchy in which most of what runs here has a group of its own.
unsigned choose_groups(int sys) {
  const auto has = [&](const char* path) {
    struct stat found{};
    return sys >= 0 && ::fstatat(sys, path, &found, 0) == 0;
  };
  enum { kV2, kPids, kMemory, kCpuacct };  // as sweep.bpf.c has them
  if (has("fs/cgroup/cgroup.controllers")) return kV2;
  if (has("fs/cgroup/pids/system.slice")) return kPids;
  if (has("fs/cgroup/unified/system.slice")) return kV2;
  if (has("fs/cgroup/pids/cgroup.procs")) return kPids;
  if (has("fs/cgroup/memory/cgroup.procs")) return kMemory;
  return has("fs/cgroup/cpuacct/cgroup.procs") ? kCpuacct : kV2;
}

Result<std::unique_ptr<process::ProcessSource>> SweepSource::make(const ProbeContext& context) {
  if (auto allowed = begin(context); !allowed) return std::move(allowed).error();
  Skeleton skeleton(sweep_bpf__open());
  if (!skeleton) return not_here("the programs cannot be opened", errno);
  // Any kind of program may call it, and this kind cannot be asked about.
  const bool loops = libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_loop, nullptr) == 1;
  bpf_program* program = loops ? skeleton->progs.sweep_looping : skeleton->progs.sweep_unrolled;
  (void)bpf_program__set_autoload(loops ? skeleton->progs.sweep_unrolled : skeleton->progs.sweep_looping, false);
  constexpr std::uint32_t kFirstPidNamespace = 0xEFFFFFFC;  // part of the kernel's stable interface
  const std::uint32_t own = own_place(context.roots).pid_namespace_inum;
  skeleton->rodata->pid_namespace_inum = own == kFirstPidNamespace ? 0 : own;
  skeleton->rodata->cpus = static_cast<unsigned>(std::max(1, libbpf_num_possible_cpus()));
  skeleton->rodata->groups_of = choose_groups(context.roots.sys.get());
  if (const int r = sweep_bpf__load(skeleton.get()); r != 0) return load_error(r);
  bpf_link* link = bpf_program__attach_iter(program, nullptr);
  if (link == nullptr) return not_here("the kernel cannot walk its tasks for a program", errno);
  return std::unique_ptr<process::ProcessSource>(std::make_unique<SweepSource>(std::move(skeleton), link));
}

}  // namespace

Result<std::unique_ptr<process::ProcessSource>> make_sweep_source(const ProbeContext& context) {
  return SweepSource::make(context);
}

}  // namespace hostmedic::bpf
