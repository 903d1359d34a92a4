// SPDX-License-Identifier: Apache-2.0
// The probe against files of engines, and against an engine of the test's own on a real socket.
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "detect/model/names.h"
#include "tests/unit/probes/container/engine_texts.h"
#include "tests/unit/probes/fake_root.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo containers_probe;
}

namespace {

const std::string kDocker = "var/lib/docker/containers/";

// As the engine does it: a new file in place of the old one.
void write_config(const FakeRoot& root, char c, const std::string& state, int restarts) {
  const std::string directory = kDocker + id_of(c) + "/";
  root.write(directory + ".tmp", docker_config(c, state, restarts));
  std::filesystem::rename(root.path() + "/" + directory + ".tmp", root.path() + "/" + directory + "config.v2.json");
}

struct Running {
  explicit Running(const FakeRoot& root) : tested(containers_probe, root) { REQUIRE(tested.probe); }
  // Reads and answers to descriptors until the condition holds.
  bool reach(const std::function<bool()>& holds, int seconds = 1) {
    status = tested.probe->read(at_second(second += seconds), sink);
    for (int turn = 0; turn < 100 && !holds(); ++turn) {
      pollfd ready{tested.probe->descriptors().at(0), POLLIN, 0};
      if (::poll(&ready, 1, 50) > 0) (void)tested.probe->on_ready(at_second(second), sink);
    }
    return holds();
  }
  bool told(const std::string& words) {
    std::string all;
    for (const auto& one : sink.told) all += (all.empty() ? "" : " ") + one.get(attr::kContainerEvent);
    return all == words;
  }
  ProbeUnderTest tested;
  RecordingSink sink;
  Status status = ok();
  std::int64_t second = 0;
};

// Answers GET over a Unix socket, one connection after the other; the stream of events stays open.
class FakeEngine {
 public:
  explicit FakeEngine(const FakeRoot& root) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = root.path() + "/run/docker.sock";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 8) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeEngine() {
    stop_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    hang_up();
  }
  void set(const std::string& container) {
    const std::lock_guard lock(mutex_);
    container_ = container;
  }
  void say(const std::string& line) {
    const std::lock_guard lock(mutex_);
    (void)!::write(stream_, line.data(), line.size());
  }
  void hang_up() {
    const std::lock_guard lock(mutex_);
    if (stream_ >= 0) ::close(stream_);
    stream_ = -1;
  }
  std::atomic<int> streams = 0, questions = 0;

 private:
  void serve() {
    while (!stop_) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) continue;
      char request[4096] = {};
      (void)!::read(peer, request, sizeof request - 1);
      const std::string_view asked(request);
      const std::lock_guard lock(mutex_);
      std::string body;
      if (asked.starts_with("GET /events")) {
        if (stream_ >= 0) ::close(stream_);
        stream_ = peer;
        ++streams;
      } else if (asked.starts_with("GET /containers/json")) {
        body = container_.empty() ? "[]" : R"([{"Id":")" + id_of('a') + R"("}])";
      } else {
        body = container_;
        ++questions;
      }
      const std::string status = body.empty() && peer != stream_ ? "404 Not Found" : "200 OK";
      const std::string answer = "HTTP/1.0 " + status + "\r\nContent-Type: application/json\r\n\r\n" + body;
      (void)!::write(peer, answer.data(), answer.size());
      if (peer != stream_) ::close(peer);
    }
  }
  int listener_ = -1, stream_ = -1;
  std::string container_;
  std::mutex mutex_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace

TEST_CASE("containers from Docker's files: found, died, restarted by policy, removed") {
  FakeRoot root;
  root.write("sys/fs/cgroup/cgroup.controllers", "");
  root.write("sys/fs/cgroup/system.slice/docker-" + id_of('a') + ".scope/cpu.stat", "usage_usec 1500000\n");
  root.write("sys/fs/cgroup/system.slice/docker-" + id_of('a') + ".scope/memory.current", "4096\n");
  write_config(root, 'a', R"("Running":true)", 0);
  Running probe(root);
  REQUIRE(probe.reach([&] { return probe.told("found"); }));
  REQUIRE(probe.tested.probe->read(at_second(3), probe.sink));
  CHECK(*probe.sink.values.at("container:web container.cpu.time") == doctest::Approx(1.5));
  CHECK(probe.sink.values.at("container:web container.memory.usage") == 4096);
  CHECK(probe.sink.values.at("container:web hostmedic.container.restarts") == 0);

  write_config(root, 'a', R"("Restarting":true,"ExitCode":3)", 0);
  REQUIRE(probe.reach([&] { return probe.told("found die"); }));
  CHECK(probe.sink.told[1].get(attr::kContainerExitCode) == "3");
  write_config(root, 'a', R"("Running":true)", 1);
  REQUIRE(probe.reach([&] { return probe.told("found die restart"); }));
  CHECK(probe.sink.told[2].get(attr::kContainerRestarts) == "1");

  write_config(root, 'b', R"("Running":true)", 0);
  REQUIRE(probe.reach([&] { return probe.told("found die restart start"); }));
  root.remove(kDocker + id_of('a'));
  root.remove("sys/fs/cgroup/system.slice/docker-" + id_of('a') + ".scope");
  REQUIRE(probe.reach([&] { return probe.told("found die restart start destroy"); }));
  REQUIRE(probe.tested.probe->read(at_second(100), probe.sink));
  CHECK(std::ranges::count(probe.sink.retired, "container:web") >= 1);
}

TEST_CASE("containers need the service of their engine, where it is there and they need one") {
  FakeRoot root;
  root.write("sys/fs/cgroup/cgroup.controllers", "");
  root.mkdir("sys/fs/cgroup/system.slice/docker.service");
  root.mkdir("sys/fs/cgroup/system.slice/podman.service");
  root.mkdir("sys/fs/cgroup/system.slice/docker-" + id_of('a') + ".scope");
  root.mkdir("sys/fs/cgroup/machine.slice/libpod-" + id_of('c') + ".scope");
  root.mkdir("sys/fs/cgroup/system.slice/cri-containerd-" + id_of('d') + ".scope");
  write_config(root, 'a', R"("Running":true)", 0);
  Running probe(root);
  REQUIRE(probe.reach([&] { return !probe.sink.told.empty(); }));
  for (const int second : {11, 12, 23, 24}) (void)probe.tested.probe->read(at_second(second), probe.sink);
  std::vector<std::string> told;
  for (const Told& one : probe.sink.told) {
    if (one.event.kind == EventKind::relation)
      told.push_back(to_string(one.about) + " " + one.get(attr::kRelationType) + " " + one.get(attr::kRelationTarget));
  }
  CHECK(told == std::vector<std::string>{"container:web runs_in service:docker.service"});
}

TEST_CASE("containers over a socket: the stream of events, and questions for what it does not say") {
  FakeRoot root;
  root.write("sys/fs/cgroup/cgroup.controllers", "");
  root.mkdir("sys/fs/cgroup/system.slice");
  FakeEngine engine(root);
  engine.set(inspected('a', "running", 0));
  Running probe(root);
  REQUIRE(probe.reach([&] { return probe.told("found"); }));
  CHECK(engine.questions == 1);

  engine.set(inspected('a', "restarting", 0, 3));
  engine.say(news('a', "die", R"(,"exitCode":"3")"));
  REQUIRE(probe.reach([&] { return probe.told("found die") && engine.questions == 2; }));
  engine.set(inspected('a', "running", 1));
  const std::string line = news('a', "start");
  engine.say(line.substr(0, 30));
  engine.say(line.substr(30));
  REQUIRE(probe.reach([&] { return probe.told("found die restart"); }));
  CHECK(engine.streams == 1);

  // The engine restarts: what happened meanwhile is seen afterwards.
  engine.set(inspected('a', "exited", 1, 9));
  engine.hang_up();
  CHECK_FALSE(probe.reach([&] { return engine.streams == 2; }));  // a pause first
  REQUIRE(probe.reach([&] { return engine.streams == 2 && probe.told("found die restart die"); }, 5));
  CHECK(probe.sink.told[3].get(attr::kContainerExitCode) == "9");
  engine.set("");
  engine.say(news('a', "destroy"));
  REQUIRE(probe.reach([&] { return probe.told("found die restart die destroy"); }));
}

TEST_CASE("containers: an engine that does not speak HTTP is a reason, and its files still serve") {
  FakeRoot root;
  root.write("sys/fs/cgroup/cgroup.controllers", "");
  root.write("run/docker.sock", "");  // nobody listens
  Running probe(root);
  REQUIRE(probe.reach([&] { return false; }) == false);
  CHECK_FALSE(probe.tested.probe->read(at_second(2), probe.sink));
  write_config(root, 'a', R"("Running":true)", 0);
  REQUIRE(probe.reach([&] { return probe.told("found"); }, 20));
  CHECK(probe.tested.probe->read(at_second(40), probe.sink));
}

TEST_CASE("containers of Podman: names and images from its storage, ends from control groups") {
  FakeRoot root;
  root.write("sys/fs/cgroup/cgroup.controllers", "");
  const std::string group = "sys/fs/cgroup/machine.slice/libpod-" + id_of('c') + ".scope";
  root.write(group + "/cpu.stat", "usage_usec 7000000\n");
  root.mkdir("sys/fs/cgroup/system.slice");
  root.write("var/lib/containers/storage/overlay-containers/containers.json",
             R"([{"id":")" + id_of('c') +
                 R"(","names":["web"],"metadata":"{\"image-name\":\"docker.io/library/nginx:1\"}"}])");
  root.write("run/libpod/exits/" + id_of('c'), "42");
  Running probe(root);
  CHECK_FALSE(probe.reach([&] { return !probe.sink.told.empty(); }));  // names first
  REQUIRE(probe.reach([&] { return probe.told("found"); }));
  CHECK(to_string(probe.sink.told[0].about) == "container:web");
  CHECK(probe.sink.told[0].get(attr::kContainerImage) == "docker.io/library/nginx:1");
  CHECK(probe.sink.told[0].get(attr::kContainerRuntime) == "podman");
  CHECK(probe.sink.values.at("container:web container.cpu.time") == 7);
  root.remove(group);
  REQUIRE(probe.reach([&] { return probe.told("found die"); }, 20));
  CHECK(probe.sink.told[1].get(attr::kContainerExitCode) == "42");
}

TEST_CASE("containers: by control groups alone where no engine is known to us") {
  FakeRoot root;
  root.write("run/containerd/containerd.sock", "");
  root.write("sys/fs/cgroup/cgroup.controllers", "");
  root.write("sys/fs/cgroup/kubepods/besteffort/pod1/" + id_of('d') + "/cpu.stat", "usage_usec 1000000\n");
  root.write("sys/fs/cgroup/cgroup.procs", "");
  Running probe(root);
  REQUIRE(probe.reach([&] { return probe.told("found"); }));
  CHECK(probe.sink.values.at("container:dddddddddddd container.cpu.time") == 1);
}

TEST_CASE("containers: a host without an engine is stated, and one that is installed later is found") {
  FakeRoot root;
  ProbeUnderTest tested(containers_probe, root);
  RecordingSink sink;
  const Status none = tested.probe->read(at_second(1), sink);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::unsupported);
  CHECK(none.error().message() == "not here, because there is no container engine");
  CHECK(tested.probe->interval() == std::chrono::seconds(30));
  root.mkdir("var/lib/docker");
  CHECK(tested.probe->read(at_second(31), sink));
  CHECK(tested.probe->interval() == std::chrono::seconds(2));
}

TEST_CASE("containers: without control groups the engine still tells") {
  FakeRoot root;
  write_config(root, 'a', R"("Running":true)", 0);
  Running probe(root);
  REQUIRE(probe.reach([&] { return probe.told("found"); }));
  CHECK(probe.tested.probe->read(at_second(5), probe.sink));
}
