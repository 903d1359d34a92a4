// SPDX-License-Identifier: Apache-2.0
#include "agent/probe/self_cost.h"

#include <unistd.h>

#include <ctime>

#include "agent/base/parse.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(10);

// "size resident shared ...", in pages.
std::optional<double> resident_bytes(std::string_view statm) {
  TextCursor words(statm);
  (void)words.word();
  const auto pages = words.u64();
  if (!pages) return std::nullopt;
  return static_cast<double>(*pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

SelfCost::SelfCost(int proc) : statm_(proc, "self/statm", KeptFile::Shape::whole) {}

void SelfCost::reset() {
  cpu_ = memory_ = kNoSeries;
  schedule_ = {};
}

void SelfCost::read(MonoTime now, Sink& sink) {
  if (!schedule_.due(now)) return;
  schedule_.ran(now, kInterval);
  if (cpu_ == kNoSeries) {
    const EntityId self = sink.entity(EntityKind::agent, "probe");
    cpu_ = sink.series(self, metric::kAgentCpuTime, "part=probe");
    memory_ = sink.series(self, metric::kAgentMemory, "part=probe");
  }
  timespec used{};
  std::optional<double> cpu_s;
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
    cpu_s = static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
  sink.sample(cpu_, cpu_s);
  const auto statm = statm_.read();
  sink.sample(memory_, statm ? resident_bytes(*statm) : std::nullopt);
}

}  // namespace hostmedic
