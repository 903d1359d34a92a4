// SPDX-License-Identifier: Apache-2.0
#include "detect/rules/condition.h"

#include <doctest/doctest.h>

#include "agent/base/text.h"

using namespace hostmedic;
using detect::parse_condition;

namespace {
std::string fault(std::string_view text) {
  const auto parsed = parse_condition(text);
  if (parsed.condition) return "none";
  return strf("%zu+%zu: ", parsed.fault.at, parsed.fault.length) + parsed.fault.message;
}
}  // namespace

TEST_CASE("what the language can say") {
  for (const std::string_view text : {
           "error_rate > 5% and p99_latency > 2s and rate(error_rate, 1m) > 10%",
           "system.memory.utilization > 90% for 30s",
           "system.memory.utilization > 90% clear below 85%",
           "system.memory.utilization > 0.9 margin 5% for 30s clear after 1m",
           "system.memory.utilization > 90% for 30s clear below 85%",
           "(load_per_cpu > 4 or hostmedic.thread.blocked >= 20) for 5m unless system.uptime < 10m",
           "load_per_cpu > 4 and between 22:00 and 06:00 and on weekdays",
           "load_per_cpu > (8 if between 22:00 and 06:00 or on sat, sun else 4)",
           "load_per_cpu > (8 if stage is test* else 4) and entity is host",
           "any(hostmedic.limit.utilization{resource=*} > 90%)",
           "count(hostmedic.service.memory.utilization@\"service:*\" > 90%) >= 3",
           "all(hostmedic.network.gateway.reachable@* == 0 for 10s)",
           "hostmedic.service.cpu.time > 50% and system.memory.utilization@host > 90%",
           "delta(hostmedic.service.restarts, 10m) > 3",
           "rate(system.memory.usage{system.memory.state=used}, 1h) / 1h > 10MiB/s",
           "sum(system.network.errors{network.io.direction!=transmit}) / sum(system.network.packet.count) > 1%",
           "hw.temperature > 95C",
           "-hostmedic.clock.offset > 500ms or hostmedic.clock.offset > 500ms",
           "\"pg_stat_activity_count\" > 90",
           "not known(hostmedic.array.sync.ratio) and hostmedic.array.disks.missing > 0",
           "hostmedic.paging.io{direction=in} > 10MiB/s",
           "system.network.errors{} > 60/min",
           "(system.filesystem.limit - system.filesystem.usage{system.filesystem.state=used}) < 1GiB",
       }) {
    const auto parsed = parse_condition(text);
    CAPTURE(detect::show_fault(text, parsed.fault));
    CHECK(parsed.condition.has_value());
  }
}

TEST_CASE("what it refuses, with the place") {
  CHECK(fault("system.memory.utilisation > 90%") ==
        "0+25: unknown metric 'system.memory.utilisation', did you mean 'system.memory.utilization'?");
  CHECK(fault("system.uptime > 64MiB") == "14+1: seconds and bytes do not go together");
  CHECK(fault("hostmedic.thread.blocked > 90%") ==
        "25+1: a count and a ratio do not go together; a count is compared with a number without %");
  CHECK(fault("system.network.errors > 5") ==
        "22+1: per second and a number do not go together; a rate is written as 5/s or 10MiB/s");
  CHECK(fault("load_per_cpu + system.uptime > 4").starts_with("13+1: "));
  CHECK(fault("load_per_cpu > (4 if on mon else 3s)").ends_with("the two do not go together"));
  CHECK(fault("load_per_cpu") == "0+12: expected something that is true or false, such as a comparison with '>'");
  CHECK(fault("load_per_cpu > ") == "15+1: expected a metric, a number or '(', found the end");
  CHECK(fault("load_per_cpu = 4") == "13+1: expected '==' for the same");
  CHECK(fault("load_per_cpu > 4 for 30").starts_with("21+2: expected a time after 'for'"));
  CHECK(fault("load_per_cpu > 4 for 30d").starts_with("21+3: expected a time from 100ms to 7d"));
  CHECK(fault("load_per_cpu > 4 && on mon").starts_with("17+1: "));
  CHECK(fault("(load_per_cpu > 4").ends_with("expected ')'"));
  CHECK(fault("load_per_cpu > 4)").starts_with("16+1: expected 'and'"));
  CHECK(fault("average(load_per_cpu, 1m) > 4").starts_with("0+7: there is no function 'average'"));
  CHECK(fault("rate(load_per_cpu) > 4").ends_with("expected ','"));
  CHECK(fault("load_per_cpu > 4 and between 25:00 and 06:00").starts_with("29+5: expected a time of the day"));
  CHECK(fault("load_per_cpu > 4 and on monday").starts_with("24+6: expected weekdays"));
  CHECK(fault("load_per_cpu > 4 or 5 clear below 3").find("comparison") != std::string::npos);
  CHECK(fault("load_per_cpu > 4 clear above 3").ends_with("expected 'below'"));
  CHECK(fault("load_per_cpu > 4 clear below 3s").ends_with("do not go together"));
  CHECK(fault("load_per_cpu > 5parsecs").starts_with("15+8: expected a number such as"));
  CHECK(fault("load_per_cpu{cpu.mode=idle} > 4").starts_with("12+1: "));
  CHECK(fault("system.cpu.time{cpu.mode~idle} > 4").ends_with("expected '=' or '!='"));
  CHECK(fault("\"unfinished > 4").ends_with("a quotation that does not end"));
  CHECK(fault("4 > 3").ends_with("it looks at no series"));
  CHECK(fault("") == "0+1: expected a metric, a number or '(', found the end");
  CHECK(fault("any(load_per_cpu) > 4").find("true or false") != std::string::npos);
  CHECK(fault("any(load_per_cpu > 4) > 4").find("this is true or false") != std::string::npos);
}

TEST_CASE("depth, length and number of series are bounded") {
  const std::string deep(200, '(');
  CHECK(fault(deep + "load_per_cpu > 4").find("too many parentheses") != std::string::npos);
  CHECK(fault("load_per_cpu > " + std::string(200, '-') + "4").find("too many signs") != std::string::npos);
  CHECK(fault(std::string(3000, ' ')).find("longer than 2048") != std::string::npos);
  std::string wide = "system.uptime > 0";
  for (int i = 0; i < 60; ++i) wide += " and system.uptime > 0";
  CHECK(fault(wide).find("more than 32 series") != std::string::npos);
  std::string nots = "load_per_cpu > 4";
  for (int i = 0; i < 100; ++i) nots = "not (" + nots + ")";
  CHECK(fault(nots).find("too many parentheses") != std::string::npos);
}

TEST_CASE("a fault is shown below the text") {
  const std::string text = "load_per_cpu > 4 and\n  system.uptime > 64MiB";
  CHECK(detect::show_fault(text, parse_condition(text).fault) ==
        "  system.uptime > 64MiB\n                ^ seconds and bytes do not go together");
}
