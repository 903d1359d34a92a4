// SPDX-License-Identifier: Apache-2.0
// The probe over a tree of files: what becomes of the sums. The kernel's walk is not for a tree that is not its own.
#include <doctest/doctest.h>

#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo processes_probe;
}

namespace {

void write(const FakeRoot& root, int pid, const std::string& name, int ticks, const std::string& group,
           int start = 10) {
  const std::string at = "proc/" + std::to_string(pid);
  root.write(at + "/stat", std::to_string(pid) + " (" + name + ") S 1 1 1 0 -1 0 11 0 2 0 " + std::to_string(ticks) +
                               " 0 0 0 20 0 2 0 " + std::to_string(start) + " 1000 25\n");
  root.write(at + "/cgroup", group + "\n");
}
const std::string kId(64, 'c');

}  // namespace

TEST_CASE("processes: services, containers and executables have series, sessions do not") {
  FakeRoot root;
  write(root, 10, "nginx", 0, "0::/system.slice/nginx.service");
  write(root, 11, "redis", 0, "0::/system.slice/docker-" + kId + ".scope");
  write(root, 12, "bash", 0, "0::/user.slice/user-0.slice/session-3.scope");
  ProbeUnderTest tested(processes_probe, root);
  REQUIRE(tested.probe);
  CHECK(tested.probe->note() ==
        "reads the process tree in turn, because the tree that is read is not the running host");
  RecordingSink sink;
  REQUIRE(tested.probe->read(at_second(1000), sink));
  write(root, 10, "nginx", 500, "0::/system.slice/nginx.service");
  REQUIRE(tested.probe->read(at_second(1002), sink));
  const auto value = [&](const std::string& series) { return sink.values.at(series); };
  CHECK(value("service:nginx.service process.cpu.time{cpu.mode=user}") == 5.0);
  CHECK(value("process:nginx process.cpu.time{cpu.mode=user}") == 5.0);
  CHECK(value("service:nginx.service process.memory.usage").value() > 0);
  CHECK(value("service:nginx.service hostmedic.process.count") == 1.0);
  CHECK(value("service:nginx.service process.thread.count") == 2.0);
  CHECK(value("container:" + kId + " hostmedic.process.count") == 1.0);
  CHECK(value("process:bash hostmedic.process.count") == 1.0);
  CHECK(value("host hostmedic.process.total") == 3.0);
  CHECK(value("host hostmedic.thread.total") == 6.0);
  CHECK(value("host hostmedic.thread.blocked") == 0.0);
  CHECK(value("host system.process.count{process.state=sleeping}") == 3.0);
  for (const auto& entity : sink.entities) {
    if (entity.kind == EntityKind::service) CHECK(entity.name == "nginx.service");
  }
  // Nobody tells bytes here, so there is no series that would say 0.
  CHECK_FALSE(sink.values.contains("process:bash process.disk.io{disk.io.direction=read}"));
}

TEST_CASE("processes: the dead that nobody asked for are told of their unit") {
  FakeRoot root;
  write(root, 10, "shop", 0, "0::/system.slice/shop.service");
  write(root, 11, "true", 0, "0::/system.slice/shop.service");
  root.write("proc/11/stat", "11 (true) Z 10 1 1 0 -1 0 11 0 2 0 0 0 0 0 20 0 1 0 10 0 0\n");
  ProbeUnderTest tested(processes_probe, root);
  REQUIRE(tested.probe);
  RecordingSink sink;
  REQUIRE(tested.probe->read(at_second(1000), sink));
  const std::string dead = "service:shop.service hostmedic.process.count{process.state=defunct}";
  CHECK(sink.values.at(dead) == 1.0);
  root.remove("proc/11");
  for (int second = 1062; second < 1070; second += 2) REQUIRE(tested.probe->read(at_second(second), sink));
  CHECK(sink.values.at(dead) == 0.0);
  CHECK(sink.values.at("service:shop.service hostmedic.process.count") == 1.0);
}

TEST_CASE("processes: a group that is empty for long goes, its processes before") {
  FakeRoot root;
  write(root, 10, "nginx", 0, "0::/system.slice/nginx.service");
  write(root, 11, "cron", 0, "0::/system.slice/cron.service");
  ProbeUnderTest tested(processes_probe, root);
  REQUIRE(tested.probe);
  RecordingSink sink;
  REQUIRE(tested.probe->read(at_second(1000), sink));
  root.remove("proc/10");
  for (int second = 1040; second < 1070; second += 2) REQUIRE(tested.probe->read(at_second(second), sink));
  CHECK(sink.values.at("service:nginx.service hostmedic.process.count") == 0.0);
  CHECK(sink.values.at("service:nginx.service process.memory.usage") == 0.0);
  CHECK(sink.retired.empty());
  REQUIRE(tested.probe->read(at_second(1400), sink));
  CHECK(sink.retired == std::vector<std::string>{"service:nginx.service", "process:nginx"});
}

TEST_CASE("processes: the number of series has a bound, and the rest is told together") {
  FakeRoot root;
  for (int i = 1; i <= 300; ++i) {
    const std::string name = "p" + std::to_string(i);
    write(root, i, name, i, "0::/system.slice/" + name + ".service");
  }
  ProbeUnderTest tested(processes_probe, root);
  REQUIRE(tested.probe);
  RecordingSink sink;
  for (int second = 1000; second < 1060; second += 2) REQUIRE(tested.probe->read(at_second(second), sink));
  int services = 0, executables = 0;
  for (const auto& entity : sink.entities) {
    services += entity.kind == EntityKind::service;
    executables += entity.kind == EntityKind::process;
  }
  CHECK(services == 48);
  CHECK(executables == 32 + 2);
  CHECK(sink.values.at("process:(other units) hostmedic.process.count") == 252.0);
  CHECK(sink.values.at("process:(other executables) hostmedic.process.count") == 268.0);
}

TEST_CASE("processes: a tree that cannot be listed makes every series unknown") {
  FakeRoot root;
  write(root, 10, "nginx", 0, "0::/system.slice/nginx.service");
  ProbeUnderTest tested(processes_probe, root);
  REQUIRE(tested.probe);
  RecordingSink sink;
  REQUIRE(tested.probe->read(at_second(1000), sink));
  root.remove("proc/10");
  root.remove("proc");
  const auto gone = tested.probe->read(at_second(1100), sink);
  if (gone) {
    // A directory that is deleted while it is open reads as empty: nobody lives.
    CHECK(sink.values.at("host hostmedic.process.total") == 0.0);
  } else {
    CHECK_FALSE(sink.values.at("host hostmedic.process.total"));
    CHECK_FALSE(sink.values.at("service:nginx.service process.memory.usage"));
  }
}
