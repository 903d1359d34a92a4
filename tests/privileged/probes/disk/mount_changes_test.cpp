// SPDX-License-Identifier: Apache-2.0
// Mounts and unmounts in a mount namespace of a child of its own, which nobody else sees, while the probe reads that
// child's table of mounts. Where no namespace is to be had it says why and passes.
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/probes/fake_root.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo filesystem_probe;
}

namespace {

// Does one order per byte: 'm'ounts, makes 'r'ead-only, 'u'nmounts; answers with 0 or the errno.
class Mounter {
 public:
  explicit Mounter(std::string point) {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    ours_ = Fd(pair[0]);
    Fd theirs(pair[1]);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ours_.reset();
      serve(theirs.get(), point.c_str());
    }
    theirs.reset();
    error = receive();
  }
  ~Mounter() {
    ours_.reset();
    (void)::waitpid(pid_, nullptr, 0);
  }
  int order(char what) {
    REQUIRE(::write(ours_.get(), &what, 1) == 1);
    return receive();
  }
  pid_t pid() const { return pid_; }
  int error = 0;

 private:
  int receive() {
    int answer = 0;
    REQUIRE(::read(ours_.get(), &answer, sizeof answer) == sizeof answer);
    return answer;
  }
  [[noreturn]] static void serve(int socket, const char* point) {
    int answer = 0;
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) answer = errno;
    (void)!::write(socket, &answer, sizeof answer);
    for (char what = 0; ::read(socket, &what, 1) == 1;) {
      int result = 0;
      if (what == 'm') result = ::mount("volume", point, "tmpfs", 0, nullptr);
      if (what == 'r') result = ::mount(nullptr, point, nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
      if (what == 'u') result = ::umount(point);
      answer = result == 0 ? 0 : errno;
      (void)!::write(socket, &answer, sizeof answer);
    }
    ::_exit(0);
  }
  pid_t pid_ = -1;
  Fd ours_;
};

// Waits until the probe has told one more event.
void wait_for_event(Probe& probe, RecordingSink& sink, std::size_t count, MonoTime now) {
  for (int tries = 0; tries < 50 && sink.told.size() < count; ++tries) {
    std::vector<pollfd> polled;
    for (const int fd : probe.descriptors()) polled.push_back({fd, POLLIN, 0});
    if (::poll(polled.data(), polled.size(), 100) > 0) {
      REQUIRE(probe.on_ready(now, sink));
    }
  }
  REQUIRE(sink.told.size() == count);
}

}  // namespace

TEST_CASE("mount changes: the kernel wakes the probe, which tells them between its reads") {
  FakeRoot root;
  const std::string point = root.path() + "/volume";
  root.mkdir("volume");
  root.mkdir("proc/self");
  Mounter mounter(point);
  if (mounter.error != 0) {
    MESSAGE("skipped: not here, because no mount namespace can be made (errno " << mounter.error << ")");
    return;
  }
  std::filesystem::create_symlink("/proc/" + std::to_string(mounter.pid()) + "/mountinfo",
                                  root.path() + "/proc/self/mountinfo");
  ProbeUnderTest tested(filesystem_probe, root);
  REQUIRE(tested.probe);
  REQUIRE(tested.probe->descriptors().size() == 2);
  RecordingSink sink;
  (void)tested.probe->read(at_second(1), sink);
  CHECK(sink.told.empty());

  struct {
    char order;
    std::string action;
  } const kSteps[] = {{'m', "mounted"}, {'r', "read_only"}, {'u', "unmounted"}, {'m', "mounted"}};
  std::size_t count = 0;
  for (const auto& step : kSteps) {
    CAPTURE(step.action);
    REQUIRE(mounter.order(step.order) == 0);
    ++count;
    wait_for_event(*tested.probe, sink, count, at_second(1 + static_cast<std::int64_t>(count)));
    CHECK(sink.told.back().get("mount.action") == step.action);
    CHECK(sink.told.back().about.name == point);
    CHECK(sink.told.back().get("system.filesystem.type") == "tmpfs");
    CHECK(sink.told.back().get("system.device") == "volume");
  }
  // Nothing changes: the alarm is silent.
  pollfd alarm{tested.probe->descriptors().at(1), POLLIN, 0};
  CHECK(::poll(&alarm, 1, 50) == 0);
}
