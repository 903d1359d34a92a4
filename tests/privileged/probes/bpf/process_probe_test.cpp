// SPDX-License-Identifier: Apache-2.0
// Loads the BPF programs into the running kernel and looks at children of its own. It only attaches and reads. Where
// that is not allowed the tests say why and pass.
#include "probes/bpf/process_probe.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/parse.h"
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
    for (int signal = 1; signal < 32; ++signal) ::signal(signal, SIG_DFL);  // not the handlers of the test's framework
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    body();
    ::_exit(0);
  }
  return pid;
}
const test::Told* about(const RecordingSink& sink, pid_t pid, EventKind kind = EventKind::process_exit) {
  for (const auto& told : sink.told) {
    if (told.event.kind == kind && told.get(attr::kProcessPid) == std::to_string(pid)) return &told;
  }
  return nullptr;
}
int count(const RecordingSink& sink, pid_t pid, EventKind kind = EventKind::process_exit) {
  int n = 0;
  for (const auto& told : sink.told) n += told.event.kind == kind && told.get(attr::kProcessPid) == std::to_string(pid);
  return n;
}
double seconds(const std::string& text) {
  const auto value = parse_double(text);
  return value ? *value : -1;
}

// A memory control group of our own, so small that its only member is killed for memory, and nobody else.
class SmallGroup {
 public:
  static constexpr long kLimit = 16 << 20;
  SmallGroup() {
    const std::string name = "/hostmedic-test-" + std::to_string(::getpid());
    for (const char* root : {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"}) {
      path_ = root + name;
      if (::mkdir(path_.c_str(), 0755) != 0) continue;
      if (write("memory.limit_in_bytes", kLimit) || write("memory.max", kLimit)) return;
      ::rmdir(path_.c_str());
    }
    path_.clear();
  }
  ~SmallGroup() {
    if (!path_.empty()) ::rmdir(path_.c_str());
  }
  bool there() const { return !path_.empty(); }
  bool write(const char* file, long value) const {
    const Fd fd(::open((path_ + "/" + file).c_str(), O_WRONLY | O_CLOEXEC));
    const std::string text = std::to_string(value);
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }
  std::string name() const { return path_.substr(path_.rfind('/') + 1); }

 private:
  std::string path_;
};

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

TEST_CASE("a fatal signal is told with who sent it, an end with how long the process lived") {
  Attached host;
  if (!host.probe) return;
  const pid_t killed = child([] { ::pause(); });
  ::usleep(60'000);
  const pid_t killer = child([&] {
    ::prctl(PR_SET_NAME, "the-killer");
    ::kill(killed, SIGTERM);
    ::_exit(0);
  });
  ::waitpid(killer, nullptr, 0);
  ::waitpid(killed, nullptr, 0);
  const pid_t aborting = child([] { ::abort(); });
  ::waitpid(aborting, nullptr, 0);
  const pid_t faulting = child([] {
    ::signal(SIGSEGV, SIG_DFL);  // a sanitizer handles it
    void* nobodys = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *static_cast<volatile char*>(nobodys) = 1;
  });
  ::waitpid(faulting, nullptr, 0);
  const pid_t handling = child([] {
    ::signal(SIGTERM, [](int) { ::_exit(0); });
    ::kill(::getpid(), SIGTERM);
  });
  ::waitpid(handling, nullptr, 0);
  const pid_t blocking = child([] {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    ::kill(::getpid(), SIGTERM);
    ::_exit(0);
  });
  ::waitpid(blocking, nullptr, 0);
  const pid_t harmless = child([] { ::kill(::getpid(), SIGWINCH); });
  ::waitpid(harmless, nullptr, 0);
  REQUIRE(host.probe->read(mono_now(), host.sink));

  const test::Told* sent = about(host.sink, killed, EventKind::fatal_signal);
  REQUIRE(sent != nullptr);
  CHECK(sent->get(attr::kSignalNumber) == "15");
  CHECK(sent->get(attr::kSignalCause) == "process");
  CHECK(sent->get(attr::kSignalSenderPid) == std::to_string(killer));
  CHECK(sent->get(attr::kSignalSenderName) == "the-killer");
  const test::Told* dead = about(host.sink, killed);
  REQUIRE(dead != nullptr);
  CHECK(dead->get(attr::kProcessExitSignal) == "15");
  CHECK(seconds(dead->get(attr::kProcessUptime)) >= 0.06);
  CHECK(seconds(dead->get(attr::kProcessUptime)) < 10);

  const test::Told* aborted = about(host.sink, aborting, EventKind::fatal_signal);
  REQUIRE(aborted != nullptr);
  CHECK(aborted->get(attr::kSignalNumber) == "6");
  CHECK(aborted->get(attr::kSignalCause) == "itself");
  CHECK(aborted->get(attr::kSignalSenderPid).empty());
  const test::Told* faulted = about(host.sink, faulting, EventKind::fatal_signal);
  REQUIRE(faulted != nullptr);
  CHECK(faulted->get(attr::kSignalNumber) == "11");
  CHECK(faulted->get(attr::kSignalCause) == "kernel");
  for (const pid_t pid : {handling, blocking, harmless}) CHECK(count(host.sink, pid, EventKind::fatal_signal) == 0);
}

TEST_CASE("an OOM kill names the group whose limit was hit and who asked for memory") {
  Attached host;
  if (!host.probe) return;
  const SmallGroup group;
  if (!group.there()) {
    MESSAGE("skipped: no memory control group can be made here");
    return;
  }
  const pid_t hungry = child([&] {
    if (!group.write("cgroup.procs", ::getpid())) ::_exit(9);
    constexpr std::size_t kMuch = 64 << 20;
    void* memory = ::mmap(nullptr, kMuch, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(memory, 1, kMuch);
  });
  int status = 0;
  ::waitpid(hungry, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(host.probe->read(mono_now(), host.sink));
  const test::Told* killed = about(host.sink, hungry, EventKind::oom_kill);
  REQUIRE(killed != nullptr);
  if (!killed->get(attr::kProcessName).empty()) {  // a kernel that hands over the task
    CHECK(killed->get(attr::kOomGroup) == group.name());
    CHECK(killed->get(attr::kOomLimit) == std::to_string(SmallGroup::kLimit));
  }
  CHECK(killed->get(attr::kOomRequesterPid) == std::to_string(hungry));
  const test::Told* sent = about(host.sink, hungry, EventKind::fatal_signal);
  REQUIRE(sent != nullptr);
  CHECK(sent->get(attr::kSignalCause) == "kernel");
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

TEST_CASE("of programs that start again and again one is told, with path, parent and user; another user's is another") {
  Attached host;
  if (!host.probe) return;
  const std::string path = "/tmp/hostmedic-start-" + std::to_string(::getpid());
  REQUIRE(::symlink("/bin/true", path.c_str()) == 0);
  const auto run = [&](uid_t user) {
    const pid_t pid = child([&] {
      if (::setuid(user) == 0) ::execl(path.c_str(), "x", nullptr);
      ::_exit(127);
    });
    ::waitpid(pid, nullptr, 0);
  };
  for (int i = 0; i < 5; ++i) run(0);
  run(65534);
  ::unlink(path.c_str());
  REQUIRE(host.probe->read(mono_now(), host.sink));
  std::vector<std::string> users;
  for (const auto& told : host.sink.told) {
    if (told.event.kind != EventKind::process_exec || told.get(attr::kProcessPath) != path) continue;
    CHECK(told.get(attr::kProcessParentName) == "privileged_prob");
    CHECK(told.get(attr::kProcessName) == path.substr(5, 15));
    users.push_back(told.get(attr::kProcessUser));
  }
  CHECK(users == std::vector<std::string>{"0", "65534"});
}
