// SPDX-License-Identifier: Apache-2.0
#include "../fake_root.h"
#include "../recording_sink.h"
#include "probes/cgroup/layout.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo services_probe;
}

namespace {
const std::string kV2 = "sys/fs/cgroup/";

void make_v2_service(const FakeRoot& root, const std::string& path) {
  root.write(kV2 + path + "/cpu.stat", "usage_usec 1500000\nuser_usec 1\n");
  root.write(kV2 + path + "/memory.current", "4096\n");
  root.write(kV2 + path + "/pids.current", "7\n");
}
}  // namespace

TEST_CASE("services probe: version 2, nested slices, other slices, escaped names") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "cpu memory pids\n");
  make_v2_service(root, "system.slice/nginx.service");
  make_v2_service(root, "system.slice/system-getty.slice/getty@tty1.service");
  make_v2_service(root, "system.slice/_cpu.service");
  make_v2_service(root, "db.slice/postgres.service");
  make_v2_service(root, "user.slice/user-1.slice/user@1.service");
  make_v2_service(root, "system.slice/nginx.service/inner.service");  // its parent speaks for it
  make_v2_service(root, "system.slice/docker-1.scope");
  ProbeUnderTest services(services_probe, root);
  REQUIRE(services.probe);
  RecordingSink sink;
  REQUIRE(services.probe->read(at_second(1), sink));
  std::vector<std::string> names;
  for (const Entity& entity : sink.entities) names.push_back(to_string(entity));
  CHECK(names == std::vector<std::string>{"service:cpu.service", "service:getty@tty1.service", "service:nginx.service",
                                          "service:postgres.service"});
  CHECK(*sink.values.at("service:nginx.service hostmedic.service.cpu.time") == doctest::Approx(1.5));
  CHECK(sink.values.at("service:nginx.service hostmedic.service.memory.usage") == 4096);
  CHECK(sink.values.at("service:nginx.service hostmedic.service.tasks") == 7);
}

TEST_CASE("services probe: without controllers memory is absent and the threads are counted") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "");
  root.write(kV2 + "system.slice/a.service/cpu.stat", "usage_usec 1\n");
  root.write(kV2 + "system.slice/a.service/cgroup.threads", "10\n11\n12\n");
  root.write(kV2 + "system.slice/b.service/cgroup.threads", "20\n");
  root.write(kV2 + "system.slice/b.service/child/cgroup.threads", "21\n");
  ProbeUnderTest services(services_probe, root);
  RecordingSink sink;
  REQUIRE(services.probe->read(at_second(1), sink));
  CHECK(sink.values.at("service:a.service hostmedic.service.tasks") == 3);
  CHECK(sink.values.count("service:a.service hostmedic.service.memory.usage") == 0);
  CHECK(sink.values.count("service:b.service hostmedic.service.tasks") == 0);  // one group's list would be too few
}

TEST_CASE("services probe: version 1") {
  FakeRoot root;
  root.write("sys/fs/cgroup/systemd/system.slice/a.service/tasks", "10\n11\n");
  root.write("sys/fs/cgroup/cpuacct/system.slice/a.service/cpuacct.usage", "2500000000\n");
  root.write("sys/fs/cgroup/memory/system.slice/a.service/memory.usage_in_bytes", "8192\n");
  ProbeUnderTest services(services_probe, root);
  REQUIRE(services.probe);
  RecordingSink sink;
  REQUIRE(services.probe->read(at_second(1), sink));
  CHECK(*sink.values.at("service:a.service hostmedic.service.cpu.time") == doctest::Approx(2.5));
  CHECK(sink.values.at("service:a.service hostmedic.service.memory.usage") == 8192);
  CHECK(sink.values.at("service:a.service hostmedic.service.tasks") == 2);
}

TEST_CASE("services probe: services start and stop") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "");
  make_v2_service(root, "system.slice/a.service");
  make_v2_service(root, "system.slice/b.service");
  ProbeUnderTest services(services_probe, root);
  RecordingSink sink;
  REQUIRE(services.probe->read(at_second(1), sink));
  make_v2_service(root, "system.slice/c.service");
  root.remove(kV2 + "system.slice/b.service");
  REQUIRE(services.probe->read(at_second(3), sink));
  CHECK(sink.values.count("service:c.service hostmedic.service.cpu.time") == 0);  // seen at the next look around
  REQUIRE(services.probe->read(at_second(11), sink));
  CHECK(sink.values.at("service:c.service hostmedic.service.cpu.time"));
  CHECK(sink.retired == std::vector<std::string>{"service:b.service"});
}

TEST_CASE("services probe: a file that makes no sense is unknown and a reason") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "");
  make_v2_service(root, "system.slice/a.service");
  ProbeUnderTest services(services_probe, root);
  RecordingSink sink;
  root.write(kV2 + "system.slice/a.service/memory.current", "much\n");
  const Status status = services.probe->read(at_second(1), sink);
  REQUIRE(!status);
  CHECK(status.error().message().find(
            "a.service: fs/cgroup/system.slice/a.service/memory.current: line 1: value: 'much'") == 0);
  CHECK(!sink.values.at("service:a.service hostmedic.service.memory.usage"));
  CHECK(sink.values.at("service:a.service hostmedic.service.tasks") == 7);
}

TEST_CASE("services probe: more services than the bound are told, not followed") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "");
  for (int i = 0; i < 1005; ++i) root.mkdir(kV2 + "system.slice/s" + std::to_string(i) + ".service");
  ProbeUnderTest services(services_probe, root);
  RecordingSink sink;
  const Status status = services.probe->read(at_second(1), sink);
  REQUIRE(!status);
  CHECK(status.error().code == ErrorCode::limit);
  CHECK(sink.entities.size() == kMostServices);
}

TEST_CASE("services probe: a host without systemd is a stated reason") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "");
  ProbeUnderTest services(services_probe, root);
  CHECK(!services.probe);
  CHECK(services.error == "not here, because systemd keeps no control groups on this host");
}
