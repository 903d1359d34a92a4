// SPDX-License-Identifier: Apache-2.0
// Loads the BPF programs into the running kernel and looks at children of its own. It only attaches and reads. Where
// that is not allowed the tests say why and pass.
#include "probes/bpf/process_probe.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "detect/model/names.h"
#include "probes/source/roots.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using hostmedic::test::RecordingSink;

namespace {

const ProbeSettings kSettings;

struct Attached {
  Attached() : roots(std::move(*open_roots("/"))) {
    auto made = process_probe.make(ProbeContext{roots, kSettings});
    if (made) {
      probe = std::move(*made);
    } else {
      MESSAGE("skipped: " << made.error().message());
      CHECK(made.error().code == ErrorCode::unsupported);
      CHECK(made.error().message().starts_with("not here, because "));
    }
  }
  Roots roots;
  std::unique_ptr<Probe> probe;
  RecordingSink sink;
};

template <class Body>
pid_t child(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    body();
    ::_exit(0);
  }
  return pid;
}
const test::Told* about(const RecordingSink& sink, pid_t pid) {
  for (const auto& told : sink.told) {
    if (told.get(attr::kProcessPid) == std::to_string(pid)) return &told;
  }
  return nullptr;
}
int count(const RecordingSink& sink, pid_t pid) {
  int n = 0;
  for (const auto& told : sink.told) n += told.get(attr::kProcessPid) == std::to_string(pid);
  return n;
}

}  // namespace

TEST_CASE("a status waits for the tick, a signal wakes at once, a clean end is only counted") {
  Attached host;
  if (!host.probe) return;
  REQUIRE(host.probe->read(mono_now(), host.sink));
  const std::string seen = "agent:probe.process hostmedic.bpf.events.seen{event=exit}";
  const double before = host.sink.values.at(seen).value();

  const MonoTime begun = mono_now();
  const pid_t clean = child([] { ::_exit(0); });
  const pid_t failing = child([] { ::_exit(3); });
  ::waitpid(clean, nullptr, 0);
  ::waitpid(failing, nullptr, 0);
  REQUIRE(host.probe->read(mono_now(), host.sink));
  const test::Told* failed = about(host.sink, failing);
  REQUIRE(failed != nullptr);
  CHECK(failed->event.kind == EventKind::process_exit);
  CHECK(failed->get(attr::kProcessExitCode) == "3");
  CHECK(failed->get(attr::kProcessExitSignal) == "");
  CHECK(failed->get(attr::kProcessParentPid) == std::to_string(::getpid()));
  CHECK(failed->get(attr::kProcessName) == "privileged_prob");
  CHECK(failed->event.at >= begun);
  CHECK(failed->event.at <= mono_now());
  CHECK(about(host.sink, clean) == nullptr);
  CHECK(host.sink.values.at(seen).value() >= before + 2);

  const pid_t killed = child([] { ::pause(); });
  ::kill(killed, SIGKILL);
  ::waitpid(killed, nullptr, 0);
  pollfd ready{host.probe->descriptors().at(0), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 2000) == 1);
  REQUIRE(host.probe->on_ready(mono_now(), host.sink));
  const test::Told* dead = about(host.sink, killed);
  REQUIRE(dead != nullptr);
  CHECK(dead->get(attr::kProcessExitSignal) == "9");
  CHECK(dead->get(attr::kProcessExitCode) == "");
}

TEST_CASE("a process of several threads ends once") {
  Attached host;
  if (!host.probe) return;
  const pid_t threaded = child([] {
    pthread_t threads[8];
    for (pthread_t& thread : threads) {
      pthread_create(&thread, nullptr, [](void*) -> void* { return ::pause(), nullptr; }, nullptr);
    }
    ::_exit(7);
  });
  ::waitpid(threaded, nullptr, 0);
  REQUIRE(host.probe->read(mono_now(), host.sink));
  REQUIRE(about(host.sink, threaded) != nullptr);
  CHECK(about(host.sink, threaded)->get(attr::kProcessExitCode) == "7");
  CHECK(count(host.sink, threaded) == 1);
}

TEST_CASE("a storm of failing processes is cut, counted, and does not hide a kill") {
  Attached host;
  if (!host.probe) return;
  REQUIRE(host.probe->read(mono_now(), host.sink));
  host.sink.told.clear();
  for (int i = 0; i < 150; ++i) ::waitpid(child([] { ::_exit(1); }), nullptr, 0);
  const pid_t killed = child([] { ::pause(); });
  ::kill(killed, SIGKILL);
  ::waitpid(killed, nullptr, 0);
  REQUIRE(host.probe->on_ready(mono_now(), host.sink));
  CHECK(about(host.sink, killed) != nullptr);
  int plain = 0;
  for (const auto& told : host.sink.told) plain += !told.get(attr::kProcessExitCode).empty();
  CHECK(plain > 0);  // others on this machine may fail meanwhile and use up some of the share
  CHECK(plain <= 100);
  REQUIRE(host.probe->read(mono_now(), host.sink));
  CHECK(host.sink.values.at("agent:probe.process hostmedic.bpf.events.dropped{reason=rate}").value() >= 50);
  CHECK(host.sink.values.at("agent:probe.process hostmedic.bpf.events.dropped{reason=ring_buffer}") == 0.0);
}

TEST_CASE("another tree than the host's own has no kernel to ask") {
  Roots roots = std::move(*open_roots("/"));
  roots.root_path = "/somewhere";
  const auto made = process_probe.make(ProbeContext{roots, kSettings});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == ErrorCode::unsupported);
  CHECK(made.error().message() == "not here, because the tree that is read is not the running host");
}
