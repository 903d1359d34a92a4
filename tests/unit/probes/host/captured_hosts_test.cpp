// SPDX-License-Identifier: Apache-2.0
// Every probe there is on every captured host (tests/fixtures/hosts): it is here or says why not, and what it reads is
// what stands in the files. Probes that ask the running kernel instead of files must say that these are not its files.
#include <algorithm>
#include <map>
#include <set>

#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

// Also counts what a probe asks for twice: two rows of a table with one name.
class CountingSink final : public Sink {
 public:
  EntityId entity(EntityKind kind, std::string_view name) override { return sink_.entity(kind, name); }
  SeriesId series(EntityId entity, const MetricInfo& metric, std::string_view attributes) override {
    const SeriesId id = sink_.series(entity, metric, attributes);
    if (!asked_.insert(static_cast<std::uint32_t>(id)).second)
      twice.push_back(sink_.keys[static_cast<std::size_t>(id)]);
    return id;
  }
  void retire(EntityId entity) override { sink_.retire(entity); }
  void sample(SeriesId series, std::optional<double> value) override { sink_.sample(series, value); }
  void event(Event event) override { sink_.event(std::move(event)); }

  const auto& values() const { return sink_.values; }
  std::vector<std::string> twice;

 private:
  RecordingSink sink_;
  std::set<std::uint32_t> asked_;
};

struct Expected {
  const char* series;
  double value;
};
struct Host {
  const char* name;
  std::size_t least_series;                 // of all probes together
  std::vector<std::string_view> not_here;   // these probes must say so
  std::vector<std::string_view> must_read;  // these must read without an error
  std::vector<Expected> expected;
};

const std::vector<std::string_view> kEverywhere{"cpu",     "memory",    "load",    "paging", "disk",
                                                "network", "protocols", "sockets", "limits", "kernel"};

const Host kHosts[] = {
    {"debian12-vm",
     350,
     {"run-queue", "numa", "process"},
     {"pressure", "services"},
     {{"host system.cpu.logical.count", 2},
      {"host hostmedic.limit.usage{resource=conntrack}", 12},
      {"host hostmedic.limit.maximum{resource=threads}", 192730},
      {"host hostmedic.kernel.entropy", 256},
      {"service:cron.service hostmedic.service.cpu.time", 2}}},
    {"bare-metal",
     900,
     {"process"},
     {"pressure", "services", "run-queue", "numa"},
     {{"host system.cpu.logical.count", 64},
      {"host system.memory.utilization", 0.75},
      {"host system.paging.utilization", 0.25},
      {"host hostmedic.memory.hugepages{state=reserved}", 512},
      {"host hostmedic.memory.usage{kind=hardware_corrupted}", 4096},
      {"host hostmedic.memory.events{event=allocation_stall}", 12},
      {"host hostmedic.memory.events{event=oom_kill}", 2},
      {"host hostmedic.numa.memory.usage{numa.node=1,state=free}", 23757886.0 * 1024},
      {"host hostmedic.numa.allocations{numa.node=1,type=miss}", 120000},
      {"host hostmedic.cpu.run_queue.time", 0.25},
      {"host hostmedic.limit.usage{resource=pids}", 2210},
      {"host hostmedic.limit.utilization{resource=keys}", 0.02},
      {"host hostmedic.limit.usage{resource=neighbours_ipv4}", 0x300},
      {"host hostmedic.kernel.taint{flag=machine_check}", 1},
      {"host hostmedic.kernel.taint{flag=died}", 0},
      {"block_device:sdx system.disk.io{disk.io.direction=read}", 8000023.0 * 512},
      {"block_device:sdx hostmedic.disk.operations{operation=flush}", 1023},
      {"block_device:md1 system.disk.operations{disk.io.direction=write}", 800000},
      {"network_interface:eno1 system.network.errors{network.io.direction=receive}", 3},
      {"network_interface:eno1 hostmedic.network.interface.events{event=carrier,network.io.direction=transmit}", 1}}},
    {"container-host",
     400,
     {"run-queue", "numa", "process"},
     {"pressure", "services"},
     {{"host hostmedic.limit.usage{resource=conntrack}", 240000},
      {"host hostmedic.network.conntrack.events{event=early_drop}", 40},
      {"host hostmedic.limit.utilization{resource=tcp_time_wait}", 4000.0 / 4096},
      {"host hostmedic.network.softnet.events{event=time_squeeze}", 3},
      {"network_interface:eth0 system.network.io{network.io.direction=transmit}", 6000000},
      {"service:docker.service hostmedic.service.memory.usage", 5000000}}},
    {"cgroup-v1",
     250,
     {"pressure", "run-queue", "numa", "process"},
     {"services"},
     {{"host system.memory.utilization", 0.25},
      {"host hostmedic.memory.reclaim{actor=direct,kind=scanned}", 16},
      {"host hostmedic.memory.reclaim{actor=kswapd,kind=reclaimed}", 7},
      {"host hostmedic.memory.events{event=allocation_stall}", 8},
      {"host hostmedic.memory.events{event=refault_file}", 77},
      {"host hostmedic.network.tcp.events{event=retransmit}", 42},
      {"host hostmedic.network.tcp.events{event=listen_overflow}", 6},
      {"host hostmedic.network.tcp.events{event=timeout}", 31},
      {"host hostmedic.network.udp.events{event=no_port,network.type=ipv4}", 12},
      {"host hostmedic.limit.usage{resource=semaphore_sets}", 1},
      {"block_device:sda system.disk.io_time", 20},
      {"service:mariadb.service hostmedic.service.cpu.time", 6},
      {"service:sshd.service hostmedic.service.memory.usage", 20971520}}},
};

bool names(const std::vector<std::string_view>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

void look_at(const Host& host, const ProbeInfo& info, const Roots& roots, const ProbeSettings& settings,
             CountingSink& sink) {
  CAPTURE(std::string(info.name));
  auto made = info.make(ProbeContext{roots, settings});
  if (!made) {
    // not_found: it may come at any time and is looked for again.
    CHECK((made.error().code == ErrorCode::unsupported || made.error().code == ErrorCode::not_found));
    CHECK(made.error().message().starts_with("not here, because "));
    CHECK(!names(kEverywhere, info.name));
    CHECK(!names(host.must_read, info.name));
    return;
  }
  CHECK(!names(host.not_here, info.name));
  const bool must = names(kEverywhere, info.name) || names(host.must_read, info.name);
  for (const std::int64_t second : {1, 2}) {  // the second meets what the first taught
    const Status read = (*made)->read(at_second(second), sink);
    const bool lacks = !must && !read && read.error().code == ErrorCode::unsupported;
    CHECK_MESSAGE((read || lacks), (read ? "" : read.error().message()));
  }
}

}  // namespace

TEST_CASE("captured hosts: every probe reads them or says why not") {
  ProbeSettings settings;
  for (const Host& host : kHosts) {
    CAPTURE(std::string(host.name));
    auto roots = open_roots(std::string(HM_HOSTS "/") + host.name);
    REQUIRE(roots);
    settings.log_roots.clear();  // absolute: those of the machine that runs this test
    std::map<std::string, double> said;
    std::size_t series = 0;
    for (const ProbeInfo* info : all_probes()) {
      CountingSink sink;
      look_at(host, *info, *roots, settings, sink);
      CHECK(sink.twice == std::vector<std::string>{});
      series += sink.values().size();
      for (const auto& [name, value] : sink.values()) {
        if (value) said[name] = *value;
      }
    }
    MESSAGE(std::string(host.name), ": ", series, " series");
    CHECK(series >= host.least_series);
    for (const Expected& expected : host.expected) {
      const auto found = said.find(expected.series);
      REQUIRE_MESSAGE(found != said.end(), std::string(expected.series));
      CHECK_MESSAGE(found->second == doctest::Approx(expected.value), std::string(expected.series));
    }
  }
}
