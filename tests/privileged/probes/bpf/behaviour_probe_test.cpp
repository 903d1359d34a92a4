// SPDX-License-Identifier: Apache-2.0
// Loads the BPF programs into the running kernel and does itself what they look for, in children of its own and on a
// filesystem of its own in a file. Where that is not allowed the tests say why and pass.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "detect/model/names.h"
#include "probes/probe.h"
#include "probes/source/roots.h"
#include "tests/unit/probes/recording_sink.h"

namespace hostmedic {
extern const ProbeInfo behaviour_probe;
}

using namespace hostmedic;
using hostmedic::test::RecordingSink;

namespace {

const ProbeSettings kSettings;

struct Attached {
  Attached() : roots(std::move(*open_roots("/"))) {
    auto made = behaviour_probe.make(ProbeContext{roots, kSettings});
    if (made) {
      probe = std::move(*made);
    } else {
      MESSAGE("skipped: " << made.error().message());
      CHECK(made.error().code == ErrorCode::unsupported);
    }
  }
  double seen(const std::string& event) const {
    const auto found = sink.values.find("agent:probe.behaviour hostmedic.bpf.events.seen{event=" + event + "}");
    return found == sink.values.end() ? -1 : found->second.value_or(-2);
  }
  Roots roots;
  std::unique_ptr<Probe> probe;
  RecordingSink sink;
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
const test::Told* find(const RecordingSink& sink, pid_t pid, std::string_view kind) {
  for (const auto& told : sink.told) {
    if (told.get(attr::kBehaviourKind) == kind && told.get(attr::kProcessPid) == std::to_string(pid)) return &told;
  }
  return nullptr;
}

// A copy of true(1) in a directory of our own, with these owner and mode.
class Program {
 public:
  Program(uid_t owner, mode_t mode) {
    char name[] = "/var/tmp/hostmedic-test-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    directory_ = name;
    REQUIRE(::chmod(name, 0755) == 0);
    path_ = directory_ + "/program";
    const auto content = read_file("/bin/true", Bytes{1 << 22});
    REQUIRE(content);
    REQUIRE(write_file_atomic(path_, *content, 0755));
    there_ = ::chown(path_.c_str(), owner, owner) == 0 && ::chmod(path_.c_str(), mode) == 0;
  }
  ~Program() {
    ::unlink(path_.c_str());
    ::rmdir(directory_.c_str());
  }
  const std::string& path() const { return path_; }
  bool there() const { return there_; }

 private:
  std::string directory_, path_;
  bool there_ = false;
};

void run(const std::string& path) { ::execl(path.c_str(), path.c_str(), static_cast<char*>(nullptr)); }

}  // namespace

TEST_CASE("a program that gains another user's rights is told, one that gains nothing is not") {
  Attached host;
  if (!host.probe) return;
  const Program program(65534, 04755), same(0, 04755);
  if (!program.there() || ::getuid() != 0) {
    MESSAGE("skipped: only root can make a setuid program");
    return;
  }
  const pid_t gaining = child([&] { run(program.path()); });
  const pid_t not_gaining = child([&] { run(same.path()); });
  const pid_t plain = child([] { run("/bin/true"); });
  for (const pid_t pid : {gaining, not_gaining, plain}) ::waitpid(pid, nullptr, 0);
  REQUIRE(host.probe->read(mono_now(), host.sink));
  const test::Told* told = find(host.sink, gaining, "setuid_exec");
  REQUIRE(told != nullptr);
  CHECK(told->event.kind == EventKind::behaviour);
  CHECK(told->get(attr::kBehaviourObject) == program.path());
  CHECK(told->get(attr::kProcessUser) == "0");
  CHECK(told->get(attr::kProcessParentPid) == std::to_string(::getpid()));
  CHECK(find(host.sink, not_gaining, "setuid_exec") == nullptr);
  CHECK(find(host.sink, plain, "setuid_exec") == nullptr);
  CHECK(host.seen("setuid_exec") >= 1);
}

TEST_CASE("a program that is only in memory is told by its name") {
  Attached host;
  if (!host.probe) return;
  const pid_t hidden = child([] {
    const int fd = ::memfd_create("secret", MFD_CLOEXEC);
    const auto content = read_file("/bin/true", Bytes{1 << 22});
    if (!content || ::write(fd, content->data(), content->size()) < 0) ::_exit(9);
    char* const arguments[] = {const_cast<char*>("innocent"), nullptr};
    char* const environment[] = {nullptr};
    ::fexecve(fd, arguments, environment);
  });
  ::waitpid(hidden, nullptr, 0);
  REQUIRE(host.probe->read(mono_now(), host.sink));
  const test::Told* told = find(host.sink, hidden, "memfd_exec");
  REQUIRE(told != nullptr);
  CHECK(told->get(attr::kBehaviourObject) == "memfd:secret");
}

TEST_CASE("tracing is told, by attaching and by starting a program") {
  Attached host;
  if (!host.probe) return;
  const pid_t target = child([] { ::pause(); });
  if (::ptrace(PTRACE_ATTACH, target, nullptr, nullptr) != 0) {
    MESSAGE("skipped: ptrace is not allowed here");
    ::kill(target, SIGKILL);
    ::waitpid(target, nullptr, 0);
    return;
  }
  ::waitpid(target, nullptr, 0);
  ::ptrace(PTRACE_DETACH, target, nullptr, nullptr);
  ::kill(target, SIGSTOP);  // an ordinary stop is no tracing
  ::kill(target, SIGKILL);
  ::waitpid(target, nullptr, 0);
  const pid_t started = child([] {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    run("/bin/true");
  });
  ::waitpid(started, nullptr, 0);  // stopped by its exec
  ::ptrace(PTRACE_CONT, started, nullptr, nullptr);
  ::waitpid(started, nullptr, 0);
  REQUIRE(host.probe->read(mono_now(), host.sink));
  const test::Told* attached = find(host.sink, ::getpid(), "ptrace_attach");
  REQUIRE(attached != nullptr);
  CHECK(attached->get(attr::kBehaviourObjectPid) == std::to_string(target));
  int times = 0;
  for (const auto& told : host.sink.told) times += told.get(attr::kBehaviourObjectPid) == std::to_string(target);
  CHECK(times == 1);
  const test::Told* traced = find(host.sink, started, "traced_exec");
  REQUIRE(traced != nullptr);
  CHECK(traced->get(attr::kBehaviourObjectPid) == std::to_string(::getpid()));
  CHECK(traced->get(attr::kBehaviourObject) == "privileged_prob");
}

TEST_CASE("of a storm of one kind some are told and all are counted") {
  Attached host;
  if (!host.probe) return;
  REQUIRE(host.probe->read(mono_now(), host.sink));
  const double before = host.seen("memfd_exec");
  constexpr int kMany = 300;
  const pid_t parent = child([] {
    const int fd = ::memfd_create("storm", 0);
    const auto content = read_file("/bin/true", Bytes{1 << 22});
    if (!content || ::write(fd, content->data(), content->size()) < 0) ::_exit(9);
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    // A copy that nobody has open for writing can be run.
    const int readable = ::open(path.c_str(), O_RDONLY);
    ::close(fd);
    char* const arguments[] = {const_cast<char*>("storm"), nullptr};
    char* const environment[] = {nullptr};
    for (int i = 0; i < kMany; ++i) ::waitpid(child([&] { ::fexecve(readable, arguments, environment); }), nullptr, 0);
  });
  ::waitpid(parent, nullptr, 0);
  host.sink.told.clear();
  REQUIRE(host.probe->read(mono_now(), host.sink));
  int told = 0;
  for (const auto& one : host.sink.told) told += one.get(attr::kBehaviourKind) == "memfd_exec";
  CHECK(host.seen("memfd_exec") - before >= kMany);
  CHECK(told >= 20);
  CHECK(told <= 20 * 30);  // per second, for as long as it took
  const auto dropped = [&](const std::string& reason) {
    return host.sink.value("agent:probe.behaviour", "hostmedic.bpf.events.dropped", "reason=" + reason).value_or(0);
  };
  CHECK(told + dropped("rate") + dropped("ring_buffer") >= kMany);
}

TEST_CASE("modules are watched where the kernel has them") {
  Attached host;
  if (!host.probe) return;
  REQUIRE(host.probe->read(mono_now(), host.sink));
  if (host.seen("module_load") == -1) MESSAGE("skipped: this kernel has no modules");
  // Loading one is not ours to do; that the hook is there is what can be said.
  CHECK((::access("/proc/modules", F_OK) == 0) == (host.seen("module_load") >= 0));
}

namespace {

bool run_quiet(const std::string& command) { return ::system((command + " >/dev/null 2>&1").c_str()) == 0; }

// Makes an ext4 in a file on a tmpfs that is too small for it, in a mount namespace of its own, has ext4 report an
// error and writes more than there is room for. Returns 1 and 2 for what came about of that, 77 when what it takes is
// not here.
int break_filesystem(const std::string& directory, int told_fd) {
  const std::string tmpfs = directory + "/tmpfs", mount_point = directory + "/ext4", image = tmpfs + "/image";
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
  ::mkdir(tmpfs.c_str(), 0755);
  ::mkdir(mount_point.c_str(), 0755);
  if (::mount("none", tmpfs.c_str(), "tmpfs", 0, "size=12m") != 0) return 77;
  const int file = ::open(image.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::ftruncate(file, 64 << 20) != 0) return 77;  // sparse: more than there is room for
  if (!run_quiet("mkfs.ext4 -q -O ^has_journal -E lazy_itable_init=1,nodiscard -N 64 " + image)) return 77;
  const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  const int number = control < 0 ? -1 : ::ioctl(control, LOOP_CTL_GET_FREE);
  if (number < 0) return 77;
  const std::string device = "/dev/loop" + std::to_string(number);
  const int loop = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
  loop_config config{};
  config.fd = static_cast<__u32>(file);
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;  // gone with its last user
  if (loop < 0 || ::ioctl(loop, LOOP_CONFIGURE, &config) != 0) return 77;
  if (::mount(device.c_str(), mount_point.c_str(), "ext4", 0, "errors=continue") != 0) return 77;

  const std::string line = "loop" + std::to_string(number) + "\n";
  const bool said = ::write(told_fd, line.data(), line.size()) > 0;
  const int trigger = ::open(("/sys/fs/ext4/loop" + std::to_string(number) + "/trigger_fs_error").c_str(), O_WRONLY);
  const bool triggered = trigger >= 0 && ::write(trigger, "1", 1) == 1;
  // More than the tmpfs has room for: what was written cannot reach the "device".
  const int victim = ::open((mount_point + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 40; ++i) (void)!::write(victim, block.data(), block.size());
  const bool lost = ::fsync(victim) != 0;
  ::close(victim);
  ::umount2(mount_point.c_str(), MNT_DETACH);
  ::close(loop);
  return said ? (triggered ? 1 : 0) | (lost ? 2 : 0) : 9;
}

}  // namespace

TEST_CASE("damage of a filesystem and data that did not reach the device are told at once") {
  Attached host;
  if (!host.probe) return;
  char directory[] = "/var/tmp/hostmedic-test-XXXXXX";
  REQUIRE(::mkdtemp(directory) != nullptr);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  int status = 0;
  ::waitpid(child([&] { ::_exit(break_filesystem(directory, ends[1])); }), &status, 0);
  for (const char* inside : {"/tmpfs", "/ext4", ""}) ::rmdir((directory + std::string(inside)).c_str());
  ::close(ends[1]);
  char device[32] = {};
  const ssize_t n = ::read(ends[0], device, sizeof device - 1);
  ::close(ends[0]);
  REQUIRE(WIFEXITED(status));
  const int did = WEXITSTATUS(status);
  if (did == 77) {
    MESSAGE("skipped: no filesystem in a file can be made here");
    return;
  }
  REQUIRE(n > 1);
  device[n - 1] = 0;
  pollfd ready{host.probe->descriptors().at(0), POLLIN, 0};
  CHECK(::poll(&ready, 1, 0) == 1);
  REQUIRE(host.probe->on_ready(mono_now(), host.sink));
  const auto about = [&](std::string_view kind) -> const test::Told* {
    for (const auto& told : host.sink.told) {
      if (told.get(attr::kFilesystemErrorKind) == kind && told.get(attr::kFilesystemDeviceName) == device) return &told;
    }
    return nullptr;
  };
  if ((did & 1) != 0) {
    const test::Told* damage = about("damage");
    REQUIRE(damage != nullptr);
    CHECK(damage->event.kind == EventKind::filesystem_error);
    CHECK(damage->get(attr::kFilesystemType) == "ext4");
    CHECK(damage->get(attr::kFilesystemErrorPlace).starts_with("trigger_test_error:"));
  }
  if ((did & 2) != 0) {
    const test::Told* lost = about("writeback");
    REQUIRE(lost != nullptr);
    CHECK(lost->get(attr::kFilesystemType) == "ext4");
    CHECK(lost->get(attr::kErrorType) == "ENOSPC");
  }
  CHECK(did == 3);
}
