// SPDX-License-Identifier: Apache-2.0
// Slow leaks: what grows for days and will be full within a week, where a threshold would be late and a forecast of
// minutes sees nothing. The other learning models are there to be chosen; none of them has been shown to open better
// incidents than the rules beside it. Certificates end at a known time and need no forecast: a threshold says it.
#include "detect/default_models.h"

#include <array>

#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

constexpr double kDay = 86400;

struct LeakRule {
  std::string_view id;
  const MetricInfo* metric;
  std::string_view attributes;
  double full;  // 1e18: no limit is known, then it counts as full at `growth` times what it was
  double growth;
  std::string_view kind;
  double weight;
  bool opens;
  std::string_view why;
};
constexpr double kNoLimit = 1e18;

constexpr std::array kLeaks{
    LeakRule{"filesystem-slow-fill", &metric::kFilesystemUtilization, "", 1, 2, "filesystem.filling", 0.7, true,
             "full within a week at the pace of two days: time to clean up at leisure"},
    LeakRule{"inodes-slow-fill", &metric::kFilesystemInodesUtilization, "", 1, 2, "filesystem.inodes_filling", 0.7,
             true, "as for space"},
    LeakRule{"memory-slow-fill", &metric::kMemoryUtilization, "", 1, 2, "memory.exhaustion", 0.6, true,
             "the low points of memory that cannot be reclaimed rise for two days: caches do not do that"},
    LeakRule{"limit-slow-fill", &metric::kLimitUtilization, "*", 1, 2, "limit.nearly_reached", 0.7, true,
             "file handles, pids or connections of the whole host run out within a week"},
    LeakRule{"process-memory-leak", &metric::kProcessMemoryUsage, "", kNoLimit, 3, "process.leaking", 0.5, true,
             "three times as much within a week and not yet restarted; a cache that warms up stops growing before"},
    LeakRule{"process-descriptor-leak", &metric::kProcessDescriptors, "", kNoLimit, 2, "process.leaking", 0.7, true,
             "descriptors that are opened and not closed; those of a load fall with it, at night at the latest"},
    LeakRule{"process-thread-leak", &metric::kProcessThreads, "", kNoLimit, 2, "process.leaking", 0.7, true,
             "threads that do not end; a pool grows to its size and stops"},
    LeakRule{"service-close-wait-leak", &metric::kServiceSockets, "*network.connection.state=close_wait*", kNoLimit, 2,
             "service.leaking_connections", 0.7, true,
             "connections whose peer has closed and that the service does not close: a leak by definition"},
    LeakRule{"service-connection-leak", &metric::kServiceSockets, "*network.connection.state=established*", kNoLimit, 2,
             "service.leaking_connections", 0.4, false, "more users look the same, so it only supports"},
    LeakRule{"service-memory-leak", &metric::kServiceMemoryUsage, "", kNoLimit, 3, "process.leaking", 0.3, false,
             "holds the page cache of the unit as well, which grows by itself, so it only supports"},
};

}  // namespace

void add_default_models(std::vector<Rule>& ret_rules) {
  for (const LeakRule& row : kLeaks) {
    Rule rule;
    rule.id = row.id;
    rule.metric = row.metric->name;
    rule.attributes = row.attributes;
    rule.detector = "leak";
    rule.params = {{"full", row.full}, {"growth", row.growth}, {"horizon", 7 * kDay}};
    rule.incident_kind = row.kind;
    rule.severity = Severity::warning;
    rule.weight = row.weight;
    rule.opens = row.opens;
    rule.why = row.why;
    ret_rules.push_back(std::move(rule));
  }
}

}  // namespace hostmedic::detect
