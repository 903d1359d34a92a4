// SPDX-License-Identifier: Apache-2.0
// As many ends of processes as the machine gives for a few seconds, all with a bad status. What crosses to the frames
// is a small part; the rest must be in the counters. Only children of the test's own are made.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "detect/model/names.h"
#include "probes/bpf/process_probe.h"
#include "tests/privileged/probes/bpf/attached.h"

using namespace hostmedic;
using hostmedic::test::AttachedProbe;

namespace {

constexpr auto kFlood = std::chrono::seconds(3);

struct Flood {
  long ends = 0, starts = 0;  // of processes with a bad status, of programs
};

// With exec: programs that end with 1. Without: forks that end with 1, which come faster.
Flood flood(bool exec) {
  Flood done;
  const auto end = std::chrono::steady_clock::now() + kFlood;
  while (std::chrono::steady_clock::now() < end) {
    const pid_t pid = ::vfork();
    if (pid == 0) {
      if (exec) ::execl("/bin/false", "false", nullptr);
      ::_exit(1);
    }
    if (pid < 0) continue;
    ::waitpid(pid, nullptr, 0);
    ++done.ends;
    done.starts += exec ? 1 : 0;
  }
  return done;
}

struct Flooder {
  explicit Flooder(bool exec) {
    if (::pipe(ends.data()) != 0) return;
    pid = ::fork();
    if (pid != 0) return;
    const Flood done = flood(exec);
    (void)!::write(ends[1], &done, sizeof done);
    ::_exit(0);
  }
  Flood wait() const {
    Flood done;
    (void)!::read(ends[0], &done, sizeof done);
    ::waitpid(pid, nullptr, 0);
    ::close(ends[0]);
    ::close(ends[1]);
    return done;
  }
  std::array<int, 2> ends{};
  pid_t pid = -1;
};

}  // namespace

TEST_CASE("a flood of failing processes loses nothing silently") {
  AttachedProbe host(process_probe);
  if (!host.probe) return;
  const std::string own = "agent:probe.process hostmedic.bpf.events.";
  const auto lost = [&] {
    return host.last(own + "dropped{reason=ring_buffer}") + host.last(own + "dropped{reason=rate}");
  };
  const double lost_before = lost(), exits_before = host.last(own + "seen{event=exit}");
  const double execs_before = host.last(own + "seen{event=exec}");
  host.sink.told.clear();

  const Flooder forks(false), programs(true);
  const auto end = std::chrono::steady_clock::now() + kFlood;
  while (std::chrono::steady_clock::now() < end) {  // as the agent does it
    std::this_thread::sleep_for(std::chrono::seconds(1));
    REQUIRE(host.probe->read(mono_now(), host.sink));
  }
  const Flood first = forks.wait(), second = programs.wait();
  (void)host.value("");

  const double ends = static_cast<double>(first.ends + second.ends);
  double told = 0;
  for (const auto& one : host.sink.told) told += one.event.kind == EventKind::process_exit;
  const double accounted = told + lost() - lost_before;
  const double seconds = std::chrono::duration<double>(kFlood).count(), dropped = lost() - lost_before;
  const double ends_a_minute = 60 * ends / seconds, starts_a_minute = 60 * static_cast<double>(second.starts) / seconds;
  MESSAGE(ends_a_minute << " ends and " << starts_a_minute << " program starts a minute; " << told << " told, "
                        << dropped << " counted as dropped or held back");
  REQUIRE(ends > 1000);
  CHECK(told > 0);
  CHECK(told <= 100 * (seconds + 2));
  // Others on this machine end too, so the count may be higher, but by no more than the ends that were seen. A reading
  // takes the records first and the counters then, so a few ends fall between.
  CHECK(accounted >= ends);
  CHECK(accounted <= 1.01 * (host.last(own + "seen{event=exit}") - exits_before) + 10);
  CHECK(host.last(own + "seen{event=exec}") - execs_before >= static_cast<double>(second.starts));
}
