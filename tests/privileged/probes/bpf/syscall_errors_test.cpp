// SPDX-License-Identifier: Apache-2.0
// Counts failing system calls of children of its own on the running kernel. Where that is not allowed the tests say why
// and pass.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <string>

#include "agent/base/clock.h"
#include "probes/bpf/syscall_sampler.h"
#include "probes/source/roots.h"
#include "tests/unit/probes/recording_sink.h"

namespace hostmedic {
extern const ProbeInfo syscall_errors_probe;
}

using namespace hostmedic;
using hostmedic::test::RecordingSink;

namespace {

const ProbeSettings kSettings;

void no_more_files() {
  const rlimit none{3, 3};
  ::setrlimit(RLIMIT_NOFILE, &none);
}
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
std::uint64_t count(const bpf::FailureWindow& window, std::string_view call, std::string_view error) {
  std::uint64_t sum = 0;
  for (const auto& failure : window.failures)
    if (failure.call == call && failure.error == error) sum += failure.count;
  return sum;
}
void skipped(const Error& error) {
  MESSAGE("skipped: " << error.message());
  CHECK(error.code == ErrorCode::unsupported);
  CHECK(error.message().starts_with("not here, because "));
}

}  // namespace

TEST_CASE("within a window every failure is counted, by kind of call and error") {
  const Roots roots = std::move(*open_roots("/"));
  const auto made = bpf::SyscallSampler::make(ProbeContext{roots, kSettings});
  if (!made) return skipped(made.error());
  bpf::SyscallSampler& sampler = **made;
  REQUIRE(sampler.start());
  const pid_t opening = child([] {
    no_more_files();
    for (int i = 0; i < 1000; ++i) (void)!::open("/dev/null", O_RDONLY);  // EMFILE
  });
  const pid_t connecting = child([] {
    sockaddr_in nobody{};
    nobody.sin_family = AF_INET;
    nobody.sin_port = htons(1);
    nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int i = 0; i < 500; ++i) (void)!::connect(fd, reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody);
  });
  for (const pid_t pid : {opening, connecting}) ::waitpid(pid, nullptr, 0);
  auto window = sampler.stop();
  REQUIRE(window);
  CHECK(window->length > Duration::zero());
  CHECK(window->dropped == 0);
  CHECK(count(*window, "open", "EMFILE") == 1000);
  CHECK(count(*window, "connect", "ECONNREFUSED") >= 500);

  // Outside of a window nothing is counted, and a window begins with nothing.
  ::waitpid(child([] {
              no_more_files();
              for (int i = 0; i < 1000; ++i) (void)!::open("/dev/null", O_RDONLY);
            }),
            nullptr, 0);
  REQUIRE(sampler.start());
  window = sampler.stop();
  REQUIRE(window);
  CHECK(count(*window, "open", "EMFILE") == 0);
}

TEST_CASE("a steady failure is estimated from the windows") {
  const Roots roots = std::move(*open_roots("/"));
  auto made = syscall_errors_probe.make(ProbeContext{roots, kSettings});
  if (!made) return skipped(made.error());
  Probe& probe = **made;
  RecordingSink sink;
  void* shared = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& truth = *new (shared) std::atomic<std::uint64_t>(0);
  const pid_t failing = child([&] {
    no_more_files();
    for (;;) {
      (void)!::open("/dev/null", O_RDONLY);
      ++truth;
      ::usleep(100);
    }
  });
  const std::string name = "host hostmedic.syscall.errors{hostmedic.syscall.kind=open,error.type=EMFILE}";
  const auto look = [&] {
    REQUIRE(probe.read(mono_now(), sink));
    pollfd ready{probe.descriptors().at(0), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 5000) == 1);
    REQUIRE(probe.on_ready(mono_now(), sink));
    return sink.values.contains(name) ? sink.values.at(name).value_or(0) : 0;
  };
  double estimated = -look(), happened = -static_cast<double>(truth.load());
  for (int i = 0; i < 4; ++i) {
    ::usleep(400'000);
    const double now = look();
    if (i == 3) estimated += now;
  }
  happened += static_cast<double>(truth.load());
  ::kill(failing, SIGKILL);
  ::waitpid(failing, nullptr, 0);
  ::munmap(shared, 4096);
  MESSAGE("estimated " << estimated << ", happened " << happened);
  CHECK(estimated > 0.6 * happened);
  CHECK(estimated < 1.6 * happened);
  const double sampled = sink.values.at("agent:probe.syscall-errors hostmedic.syscall.sampled").value_or(0);
  CHECK(sampled > 0.02);
  CHECK(sampled < 0.5);
}
