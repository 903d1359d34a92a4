// SPDX-License-Identifier: Apache-2.0
// The whole probe process against a fake host: the socket, first frames, reconnecting, stopping.
#include "agent/probe/run.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <thread>

#include <fcntl.h>
#include "../fake_root.h"

#include <algorithm>

#include "agent/base/file.h"
#include "detect/model/codec.h"
#include "detect/model/host_view.h"
#include "probes/probe.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

void fill(const FakeRoot& root) {
  root.write("proc/stat", "cpu 100 0 0 100\ncpu0 1\n");
  root.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 250 kB\n");
}

Fd listen_at(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 1) == 0);
  return fd;
}
Fd accept_one(const Fd& listener) {
  pollfd polled{listener.get(), POLLIN, 0};
  REQUIRE(::poll(&polled, 1, 20'000) == 1);
  return Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
}
Frame receive(const Fd& connection) {
  pollfd polled{connection.get(), POLLIN, 0};
  REQUIRE(::poll(&polled, 1, 20'000) == 1);
  std::string bytes(kMostFrameBytes, '\0');
  const ssize_t n = ::recv(connection.get(), bytes.data(), bytes.size(), 0);
  REQUIRE(n > 0);
  Frame frame;
  REQUIRE(decode_frame({bytes.data(), static_cast<std::size_t>(n)}, frame));
  return frame;
}

// A running probe process as a thread; stopped at the end.
struct Running {
  explicit Running(ProbeOptions given) : options(std::move(given)) {
    thread = std::thread([this] { result = run_probe(options, stop.get()); });
  }
  ~Running() {
    (void)::eventfd_write(stop.get(), 1);
    thread.join();
  }
  ProbeOptions options;
  Fd stop{::eventfd(0, EFD_CLOEXEC)};
  Status result = ok();
  std::thread thread;
};

const Entity kHostEntity{EntityKind::host, ""};

}  // namespace

TEST_CASE("run: a first frame with everything, and again for the next agent") {
  FakeRoot root;
  fill(root);
  const std::string path = root.path() + "/run/probe.sock";
  const Fd listener = listen_at(path);
  ProbeOptions options;
  options.probes = all_probes();
  options.prefix = root.path();
  options.socket = path;
  options.enabled = {"cpu", "memory"};
  Running running(std::move(options));
  for (int round = 0; round < 2; ++round) {
    const Fd connection = accept_one(listener);
    HostView view;
    const Frame frame = receive(connection);
    CHECK(frame.first);
    CHECK(frame.sequence == 0);
    view.apply(frame);
    CHECK(view.value(kHostEntity, "system.cpu.time", "cpu.mode=user") == 1.0);
    CHECK(*view.value(kHostEntity, "system.memory.utilization") == doctest::Approx(0.75));
    const Frame second = receive(connection);
    CHECK(!second.first);
    CHECK(second.sequence == 1);
    CHECK(second.entities.empty());
    CHECK(second.mono > frame.mono);
  }
}

TEST_CASE("run: a given connection ends the run when its peer closes it") {
  FakeRoot root;
  fill(root);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  Fd peer(ends[0]);
  ProbeOptions options;
  options.probes = all_probes();
  options.prefix = root.path();
  options.connection = Fd(ends[1]);
  const Fd never(::eventfd(0, EFD_CLOEXEC));
  std::thread closer([&] {
    char byte = 0;
    (void)::recv(peer.get(), &byte, 1, 0);  // the first frame
    peer.reset();
  });
  const Status status = run_probe(options, never.get());
  closer.join();
  CHECK(status);
}

TEST_CASE("run: a recorded host is said again to an agent, as if it happened now") {
  FakeRoot root;
  fill(root);
  ProbeOptions options;
  options.probes = all_probes();
  options.prefix = root.path();
  options.enabled = {"cpu", "memory"};
  const Fd never(::eventfd(0, EFD_CLOEXEC));
  const std::string recording = root.path() + "/recording";
  {
    const Fd file(::open(recording.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(record_frames(std::move(options), 2, never.get(), file.get()));
  }
  const std::string path = root.path() + "/run/probe.sock";
  const Fd listener = listen_at(path);
  Status replayed = ok();
  std::thread replaying([&] { replayed = replay_frames(recording, path, 100, never.get()); });
  const Fd connection = accept_one(listener);
  HostView view;
  const Frame first = receive(connection), second = receive(connection);
  replaying.join();
  CHECK(replayed);
  view.apply(first);
  view.apply(second);
  CHECK(view.value(kHostEntity, "system.cpu.time", "cpu.mode=user") == 1.0);
  CHECK(second.mono > first.mono);
  CHECK(second.mono - first.mono < std::chrono::milliseconds(500));  // recorded a second apart
  CHECK(!replay_frames(recording, root.path() + "/nobody", 1, never.get()));
  CHECK(!replay_frames(root.path() + "/nothing", path, 1, never.get()));
}

TEST_CASE("run: what cannot work is refused at once") {
  FakeRoot root;
  const Fd never(::eventfd(0, EFD_CLOEXEC));
  ProbeOptions options;
  options.probes = all_probes();
  options.prefix = root.path();
  options.settings.disable = {"memroy"};
  CHECK(run_probe(options, never.get()).error().message() == "no probe is called 'memroy'; did you mean 'memory'?");
  options.settings.disable.clear();
  options.prefix = root.path() + "/nowhere";
  CHECK(run_probe(options, never.get()).error().code == ErrorCode::not_found);
}

TEST_CASE("run: frames as text") {
  FakeRoot root;
  fill(root);
  ProbeOptions options;
  options.probes = all_probes();
  options.prefix = root.path();
  options.enabled = {"cpu", "pressure"};
  const Fd never(::eventfd(0, EFD_CLOEXEC));
  root.write("out", "");
  auto out = open_at(AT_FDCWD, root.path() + "/out", O_WRONLY);
  REQUIRE(out);
  REQUIRE(print_frames(std::move(options), 1, never.get(), out->get()));
  const auto text = read_file(root.path() + "/out", kib(64));
  REQUIRE(text);
  CHECK(text->find("frame 0 ") == 0);
  CHECK(text->find("\n  host system.cpu.time{cpu.mode=user} 1 s\n") != std::string::npos);
  CHECK(text->find("\n  host system.cpu.time{cpu.mode=steal} unknown s\n") != std::string::npos);
  CHECK(text->find("probe.name=\"pressure\" probe.state=\"unavailable\" probe.reason=\"not here, because") !=
        std::string::npos);
}

TEST_CASE("registry: names are unique, metrics belong to their table, intervals are whole seconds") {
  std::vector<std::string_view> names;
  for (const ProbeInfo* info : all_probes()) {
    CAPTURE(std::string(info->name));
    CHECK(std::find(names.begin(), names.end(), info->name) == names.end());
    names.push_back(info->name);
    CHECK(!info->summary.empty());
    CHECK(info->interval % std::chrono::seconds(1) == Duration(0));
    CHECK(info->interval >= std::chrono::seconds(1));
  }
  CHECK(names.size() >= 9);
}
