// SPDX-License-Identifier: Apache-2.0
// The walk over the running kernel's tasks: sweeps of everyone and of those that ran. It reads, and looks at children
// of its own. Where that is not allowed the tests say why and pass.
#include "probes/bpf/sweep_source.h"

#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <set>

#include "agent/base/clock.h"
#include "probes/source/roots.h"

using namespace hostmedic;
using process::Counter;
using process::Gauge;

namespace {

const ProbeSettings kSettings;

struct Heard final : process::ProcessVisitor {
  void process(const process::ProcessRecord& record) override { records[record.pid] = record; }
  void alive(std::uint32_t pid) override { living.insert(pid); }
  void clear() { records.clear(), living.clear(); }
  const process::ProcessRecord* find(pid_t pid) const {
    const auto found = records.find(static_cast<std::uint32_t>(pid));
    return found == records.end() ? nullptr : &found->second;
  }
  std::map<std::uint32_t, process::ProcessRecord> records;
  std::set<std::uint32_t> living;
};

struct Walk {
  Walk() : roots(std::move(*open_roots("/"))) {
    auto made = bpf::make_sweep_source(ProbeContext{roots, kSettings});
    if (made) {
      source = std::move(*made);
    } else {
      MESSAGE("skipped: " << made.error().message());
      CHECK(made.error().message().starts_with("not here, because "));
    }
  }
  process::Sweep sweep(bool ask_alive = false) {
    heard.clear();
    const auto done = source->sweep(mono_now(), ask_alive ? 0 : followed, heard);
    REQUIRE(done);
    followed = done->tasks.processes();
    return *done;
  }
  Roots roots;
  std::unique_ptr<process::ProcessSource> source;
  Heard heard;
  std::size_t followed = 0;
};

template <class Body>
pid_t child(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that fails leaves nobody behind
    body();
    ::_exit(0);
  }
  return pid;
}
void end(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}
void sleep_ms(long ms) {
  const timespec time{ms / 1000, ms % 1000 * 1'000'000};
  ::nanosleep(&time, nullptr);
}
void burn(std::chrono::milliseconds cpu) {
  const auto used = [] {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  const auto until = used() + cpu;
  while (used() < until) {
  }
}
Duration cpu(const process::ProcessRecord& record) {
  return Duration(static_cast<std::int64_t>(record[Counter::user_time] + record[Counter::system_time]));
}

}  // namespace

TEST_CASE("walk: the first sweep tells of everyone, the next of those that ran") {
  Walk walk;
  if (!walk.source) return;
  const pid_t sleeper = child([] { ::pause(); });
  sleep_ms(50);
  const auto first = walk.sweep();
  CHECK(first.complete);
  CHECK(walk.heard.records.size() == first.tasks.processes());
  CHECK(first.tasks.threads >= first.tasks.processes());
  const auto* own = walk.heard.find(::getpid());
  REQUIRE(own != nullptr);
  CHECK(own->executable() == "privileged_prob");
  CHECK(own->parent_pid == static_cast<std::uint32_t>(::getppid()));
  CHECK(own->uid == ::getuid());
  CHECK(own->state == 'R');
  CHECK(own->known == process::kAllKnown);
  REQUIRE(walk.heard.find(sleeper) != nullptr);
  CHECK(walk.heard.find(sleeper)->state == 'S');

  sleep_ms(50);
  (void)walk.sweep();
  const pid_t later = child([] { ::pause(); });
  sleep_ms(50);
  const auto second = walk.sweep();
  CHECK_FALSE(second.complete);
  CHECK(walk.heard.records.size() < second.tasks.processes());
  CHECK(walk.heard.find(::getpid()) != nullptr);
  CHECK(walk.heard.find(later) != nullptr);
  CHECK(walk.heard.find(sleeper) == nullptr);
  CHECK(walk.heard.living.empty());

  end(later);
  const auto third = walk.sweep(true);
  CHECK(third.complete);
  CHECK(walk.heard.living.contains(static_cast<std::uint32_t>(sleeper)));
  CHECK_FALSE(walk.heard.living.contains(static_cast<std::uint32_t>(later)));
  end(sleeper);
}

TEST_CASE("walk: a process is told when only one of its threads ran, with the sum of all, ended ones included") {
  Walk walk;
  if (!walk.source) return;
  int to_child[2], from_child[2];
  REQUIRE(::pipe(to_child) == 0);
  REQUIRE(::pipe(from_child) == 0);
  const pid_t threaded = child([&] {
    pthread_t ended, idle[4], working;
    pthread_create(
        &ended, nullptr, [](void*) -> void* { return burn(std::chrono::milliseconds(120)), nullptr; }, nullptr);
    pthread_join(ended, nullptr);
    for (pthread_t& thread : idle) {
      pthread_create(&thread, nullptr, [](void*) -> void* { return ::pause(), nullptr; }, nullptr);
    }
    static int in, out;
    in = to_child[0], out = from_child[1];
    pthread_create(
        &working, nullptr,
        [](void*) -> void* {
          char byte = 0;
          while (::read(in, &byte, 1) == 1) {
            burn(std::chrono::milliseconds(100));
            (void)!::write(out, &byte, 1);
          }
          return nullptr;
        },
        nullptr);
    ::pause();
  });
  char byte = 'x';
  const auto work = [&] {
    REQUIRE(::write(to_child[1], &byte, 1) == 1);
    REQUIRE(::read(from_child[0], &byte, 1) == 1);
  };
  work();
  (void)walk.sweep();
  REQUIRE(walk.heard.find(threaded) != nullptr);
  const auto before = *walk.heard.find(threaded);
  CHECK(before[Gauge::threads] == 6);
  CHECK(cpu(before) >= std::chrono::milliseconds(220));
  CHECK(cpu(before) <= std::chrono::milliseconds(300));
  sleep_ms(50);
  (void)walk.sweep();
  (void)walk.sweep();
  CHECK(walk.heard.find(threaded) == nullptr);
  work();
  sleep_ms(20);
  (void)walk.sweep();
  REQUIRE(walk.heard.find(threaded) != nullptr);
  const Duration ran = cpu(*walk.heard.find(threaded)) - cpu(before);
  CHECK(ran >= std::chrono::milliseconds(95));
  CHECK(ran <= std::chrono::milliseconds(130));
  end(threaded);
  for (const int fd : {to_child[0], to_child[1], from_child[0], from_child[1]}) ::close(fd);
}

TEST_CASE("walk: one that held its CPU through a sweep and then went to sleep is told once more") {
  Walk walk;
  if (!walk.source) return;
  for (int round = 0; round < 3; ++round) {
    int done[2];
    REQUIRE(::pipe(done) == 0);
    const pid_t busy = child([&] {
      burn(std::chrono::milliseconds(150));
      (void)!::write(done[1], "x", 1);
      ::pause();
    });
    sleep_ms(60);
    (void)walk.sweep();
    const auto* during = walk.heard.find(busy);
    REQUIRE(during != nullptr);
    const Duration then = cpu(*during);
    char byte = 0;
    REQUIRE(::read(done[0], &byte, 1) == 1);
    sleep_ms(50);
    (void)walk.sweep();
    const auto* after = walk.heard.find(busy);
    REQUIRE(after != nullptr);
    CHECK(cpu(*after) > then);
    CHECK(cpu(*after) >= std::chrono::milliseconds(150));
    end(busy);
    ::close(done[0]), ::close(done[1]);
  }
}

TEST_CASE("walk: descriptors and memory follow what a process does, and a zombie is one") {
  Walk walk;
  if (!walk.source) return;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t holder = child([&] {
    for (int i = 0; i < 700; ++i) (void)!::dup(ready[1]);
    const std::size_t size = 32 << 20;
    volatile char* memory = static_cast<char*>(std::malloc(size));
    for (std::size_t i = 0; i < size; i += 4096) memory[i] = 1;
    (void)!::write(ready[1], "x", 1);
    ::pause();
  });
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  (void)walk.sweep();
  const auto* found = walk.heard.find(holder);
  REQUIRE(found != nullptr);
  CHECK((*found)[Gauge::descriptors] >= 702);
  CHECK((*found)[Gauge::descriptors] <= 740);
  CHECK((*found)[Gauge::rss_bytes] >= 32U << 20);
  CHECK((*found)[Counter::minor_faults] >= 8192);
  ::kill(holder, SIGKILL);
  sleep_ms(50);
  const auto sweep = walk.sweep();
  REQUIRE(walk.heard.find(holder) != nullptr);
  CHECK(walk.heard.find(holder)->state == 'Z');
  CHECK((*walk.heard.find(holder))[Gauge::rss_bytes] == 0);
  CHECK(sweep.tasks.zombie >= 1);
  ::waitpid(holder, nullptr, 0);
  ::close(ready[0]), ::close(ready[1]);
}

TEST_CASE("walk: who waits and cannot be woken is counted, with how long it has been so") {
  Walk walk;
  if (!walk.source) return;
  const MonoTime begun = mono_now();
  // One that called vfork() waits like that until its child is done.
  const pid_t blocked = child([] {
    if (::vfork() == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) ::pause();
    }
  });
  sleep_ms(300);
  (void)walk.sweep();
  sleep_ms(300);
  const auto sweep = walk.sweep();
  const Duration most = mono_now() - begun;
  CHECK(sweep.tasks.blocked_threads >= 1);
  CHECK(sweep.tasks.blocked >= 1);
  CHECK(sweep.tasks.longest_blocked >= std::chrono::milliseconds(500));
  (void)walk.source->sweep(mono_now() + std::chrono::hours(1), 0, walk.heard);
  const auto* found = walk.heard.find(blocked);
  REQUIRE(found != nullptr);
  CHECK(found->state == 'D');
  CHECK(found->blocked >= std::chrono::milliseconds(500));
  CHECK(found->blocked <= most + std::chrono::milliseconds(500));
  end(blocked);
}

TEST_CASE("walk: another tree than the host's own has no kernel to ask") {
  Roots roots = std::move(*open_roots("/"));
  roots.root_path = "/somewhere";
  const auto made = bpf::make_sweep_source(ProbeContext{roots, kSettings});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == ErrorCode::unsupported);
}
