// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "../fake_root.h"
#include "../recording_sink.h"
#include "probes/cgroup/group_reader.h"
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
  make_v2_service(root, "system.slice/hostmedic-order-0123.service");  // our own doing
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

namespace {
const std::string kA = "service:a.service hostmedic.service.";

void make_details(const FakeRoot& root, const std::string& path) {
  root.write(kV2 + path + "/cpu.stat", "usage_usec 1000000\nnr_periods 9\nnr_throttled 3\nthrottled_usec 250000\n");
  root.write(kV2 + path + "/memory.current", "1000\n");
  root.write(kV2 + path + "/memory.max", "4000\n");
  root.write(kV2 + path + "/memory.swap.current", "512\n");
  root.write(kV2 + path + "/memory.events", "low 0\nhigh 4\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n");
  for (const char* name : {"cpu", "memory", "io"}) {
    root.write(kV2 + path + "/" + name + ".pressure",
               "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 "
               "total=1000000\n");
  }
  root.write(kV2 + path + "/io.stat", "8:0 rbytes=10 wbytes=20 rios=3 wios=4 dbytes=0 dios=0\n");
  root.write(kV2 + path + "/pids.current", "5\n");
  root.write(kV2 + path + "/pids.max", "max\n");
}
}  // namespace

TEST_CASE("services probe: everything a group tells, limits as utilization") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "");
  make_details(root, "system.slice/a.service");
  ProbeUnderTest services(services_probe, root);
  RecordingSink sink;
  REQUIRE(services.probe->read(at_second(1), sink));
  const std::map<std::string, std::optional<double>> expected = {
      {kA + "cpu.time", 1},
      {kA + "cpu.throttled.time", 0.25},
      {kA + "cpu.throttled.periods", 3},
      {kA + "memory.usage", 1000},
      {kA + "memory.utilization", 0.25},
      {kA + "swap.usage", 512},
      {kA + "memory.events{memory.event=high}", 4},
      {kA + "memory.events{memory.event=max}", 3},
      {kA + "memory.events{memory.event=oom}", 2},
      {kA + "memory.events{memory.event=oom_kill}", 1},
      {kA + "pressure.stall.time{kind=some,resource=cpu}", 2},
      {kA + "pressure.stall.time{kind=full,resource=cpu}", 1},
      {kA + "pressure.stall.time{kind=some,resource=memory}", 2},
      {kA + "pressure.stall.time{kind=full,resource=memory}", 1},
      {kA + "pressure.stall.time{kind=some,resource=io}", 2},
      {kA + "pressure.stall.time{kind=full,resource=io}", 1},
      {kA + "io{disk.io.direction=read}", 10},
      {kA + "io{disk.io.direction=write}", 20},
      {kA + "io.operations{disk.io.direction=read}", 3},
      {kA + "io.operations{disk.io.direction=write}", 4},
      {kA + "tasks", 5},
  };
  CHECK(sink.values == expected);
  // A limit that goes away leaves its utilization unknown.
  root.write(kV2 + "system.slice/a.service/memory.max", "max\n");
  root.write(kV2 + "system.slice/a.service/cpu.stat", "usage_usec 2000000\n");
  REQUIRE(services.probe->read(at_second(3), sink));
  CHECK(sink.values.at(kA + "memory.utilization") == std::nullopt);
  CHECK(sink.values.at(kA + "memory.usage") == 1000);
}

TEST_CASE("services probe: what rests is looked at rarely, what works often") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "");
  make_details(root, "system.slice/a.service");
  ProbeUnderTest services(services_probe, root);
  RecordingSink sink;
  std::int64_t second = 1;
  const auto usage = [&](std::uint64_t usec) {
    root.write(kV2 + "system.slice/a.service/cpu.stat", "usage_usec " + std::to_string(usec) + "\n");
  };
  // Whether a read at the given second looks at more than the CPU time.
  const auto looks = [&](std::int64_t after) {
    sink.values.clear();
    REQUIRE(services.probe->read(at_second(second += after), sink));
    CHECK(sink.values.count(kA + "cpu.time") == 1);
    return sink.values.count(kA + "memory.usage") == 1;
  };
  usage(1'000'000);
  CHECK(looks(0));
  CHECK_FALSE(looks(2));
  CHECK_FALSE(looks(56));
  CHECK(looks(2));   // rested: after a minute
  usage(1'010'000);  // half a percent of a CPU
  CHECK_FALSE(looks(2));
  CHECK(looks(8));   // used some: after ten seconds
  usage(1'210'000);  // ten percent
  CHECK(looks(2));   // works: at once
  CHECK_FALSE(looks(2));
}

TEST_CASE("services probe: a round looks closely at no more groups than its bound, and all get their turn") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "");
  constexpr std::size_t kGroups = 2 * GroupReader::kMostDetails + 3;
  for (std::size_t i = 0; i < kGroups; ++i) make_details(root, "system.slice/s" + std::to_string(i) + ".service");
  ProbeUnderTest services(services_probe, root);
  RecordingSink sink;
  const auto looked_at = [&] {
    return std::count_if(sink.values.begin(), sink.values.end(),
                         [](const auto& value) { return value.first.ends_with("hostmedic.service.memory.usage"); });
  };
  REQUIRE(services.probe->read(at_second(1), sink));
  CHECK(looked_at() == GroupReader::kMostDetails);
  REQUIRE(services.probe->read(at_second(3), sink));
  CHECK(looked_at() == 2 * GroupReader::kMostDetails);
  REQUIRE(services.probe->read(at_second(5), sink));
  CHECK(looked_at() == kGroups);
}

TEST_CASE("services probe: a controller that comes later is found") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "");
  root.write(kV2 + "system.slice/a.service/cpu.stat", "usage_usec 1\n");
  ProbeUnderTest services(services_probe, root);
  RecordingSink sink;
  REQUIRE(services.probe->read(at_second(1), sink));
  make_details(root, "system.slice/a.service");
  REQUIRE(services.probe->read(at_second(11), sink));
  CHECK(sink.values.at(kA + "memory.events{memory.event=oom_kill}") == 1);
  root.remove(kV2 + "system.slice/a.service/memory.events");
  root.write(kV2 + "system.slice/a.service/cpu.stat", "usage_usec 9000000\n");
  REQUIRE(services.probe->read(at_second(13), sink));
  CHECK(sink.values.at(kA + "memory.events{memory.event=oom_kill}") == std::nullopt);
  CHECK(sink.values.at(kA + "memory.usage") == 1000);
}

TEST_CASE("services probe: version 1, what its controllers tell") {
  FakeRoot root;
  const auto write = [&](const std::string& file, const std::string& text) {
    root.write("sys/fs/cgroup/" + file.substr(0, file.find(':')) + "/system.slice/a.service/" +
                   file.substr(file.find(':') + 1),
               text);
  };
  write("systemd:tasks", "10\n");
  write("cpuacct:cpuacct.usage", "2500000000\n");
  write("cpu:cpu.stat", "nr_periods 10\nnr_throttled 2\nthrottled_time 1500000000\n");
  write("memory:memory.usage_in_bytes", "8192\n");
  write("memory:memory.limit_in_bytes", "9223372036854771712\n");
  write("memory:memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  write("memory:memory.failcnt", "7\n");
  write("blkio:blkio.throttle.io_service_bytes", "8:0 Read 100\n8:0 Write 50\n8:0 Total 150\nTotal 150\n");
  write("blkio:blkio.throttle.io_serviced", "8:0 Read 4\n8:0 Write 5\nTotal 9\n");
  write("pids:pids.current", "3\n");
  write("pids:pids.max", "30\n");
  ProbeUnderTest services(services_probe, root);
  REQUIRE(services.probe);
  RecordingSink sink;
  REQUIRE(services.probe->read(at_second(1), sink));
  const std::map<std::string, std::optional<double>> expected = {
      {kA + "cpu.time", 2.5},
      {kA + "cpu.throttled.time", 1.5},
      {kA + "cpu.throttled.periods", 2},
      {kA + "memory.usage", 8192},
      {kA + "memory.events{memory.event=max}", 7},
      {kA + "memory.events{memory.event=oom_kill}", 3},
      {kA + "io{disk.io.direction=read}", 100},
      {kA + "io{disk.io.direction=write}", 50},
      {kA + "io.operations{disk.io.direction=read}", 4},
      {kA + "io.operations{disk.io.direction=write}", 5},
      {kA + "tasks", 3},
      {kA + "tasks.utilization", 0.1},
  };
  CHECK(sink.values == expected);
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
  REQUIRE(services.probe->read(at_second(1), sink));
  root.write(kV2 + "system.slice/a.service/memory.current", "much\n");
  root.write(kV2 + "system.slice/a.service/cpu.stat", "usage_usec 5000000\n");
  const Status status = services.probe->read(at_second(3), sink);
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
  {
    ProbeUnderTest services(services_probe, root);
    CHECK(!services.probe);
    CHECK(services.error == "not here, because no control groups are mounted");
  }
  root.write(kV2 + "cgroup.procs", "");
  ProbeUnderTest services(services_probe, root);
  CHECK(!services.probe);
  CHECK(services.error == "not here, because systemd keeps no control groups on this host");
}

TEST_CASE("containers are found where their engines put them") {
  FakeRoot root;
  root.write(kV2 + "cgroup.controllers", "");
  const auto id = [](char c) { return std::string(64, c); };
  for (const std::string& path :
       {"system.slice/docker-" + id('a') + ".scope", "docker/" + id('b'), "machine.slice/libpod-" + id('c') + ".scope",
        "machine.slice/libpod-conmon-" + id('c') + ".scope",
        "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-" + id('d') + ".scope",
        "kubepods/besteffort/pod1-2/" + id('e'),
        "user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id('f') + ".scope/container",
        std::string("system.slice/nginx.service/") + id('0'), std::string("system.slice/nginx.service")})
    root.mkdir(kV2 + path);
  const Roots roots = root.roots();
  const auto found = list_containers(roots.sys.get(), "fs/cgroup");
  REQUIRE(found);
  std::vector<std::string> rows;
  for (const GroupRow& row : *found) rows.push_back(row.engine + ":" + row.name.substr(0, 1));
  CHECK(rows == std::vector<std::string>{"docker:a", "docker:b", "libpod:c", "cri-containerd:d", ":e", "libpod:f"});
}
