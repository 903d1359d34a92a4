// SPDX-License-Identifier: Apache-2.0
// Input: the text of a condition. Whatever it is, the answer is a condition or a fault within the text; a condition is
// bound to two series per name, stepped over values that are missing, odd or huge, and explained.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/base/text.h"
#include "detect/rules/bound_condition.h"

using namespace hostmedic;
using namespace hostmedic::detect;

namespace {

std::string attributes_for(const SeriesRef& ref, int variant) {
  std::string text;
  for (const Selector& selector : ref.selectors)
    text += (text.empty() ? "" : ",") + selector.key + "=" + (selector.equal ? selector.pattern : "other");
  return variant == 0 || ref.bare ? text : text + (text.empty() ? "" : ",") + "z=" + std::to_string(variant);
}

void run(const Condition& condition) {
  constexpr double kValues[] = {0, 0.5, -1, 1e300, 1e-300, 95, 1e9};
  BoundCondition bound(condition, {}, "test");
  std::uint32_t series = 0;
  for (const SeriesRef& ref : condition.refs)
    for (int variant = 0; variant < 2; ++variant)
      (void)bound.add({SeriesId{series++},
                       {},
                       ref.metric,
                       attributes_for(ref, variant),
                       Unit::count,
                       variant == 0 ? Instrument::gauge : Instrument::counter},
                      {});
  for (int tick = 0; tick < 8; ++tick) {
    const MonoTime now = mono_from_ns(std::int64_t{tick} * 7'000'000'000);
    for (std::uint32_t i = 0; i < series; ++i) {
      const std::size_t pick = (i + static_cast<std::uint32_t>(tick) * 3) % 8;
      bound.feed(SeriesId{i}, {now, pick < std::size(kValues) ? std::optional(kValues[pick]) : std::nullopt});
    }
    if (tick == 4) bound.remove(SeriesId{0});
    if (bound.step(now, wall_from_ns(to_ns(now))) != Truth::yes) continue;
    if (bound.explain().size() > 64 * kMostConditionText) std::abort();
    (void)bound.witness();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const ParsedCondition parsed = parse_condition(text);
  if (!parsed.condition) {
    if (parsed.fault.message.empty() || parsed.fault.at > std::max(size, kMostConditionText)) std::abort();
    (void)show_fault(text, parsed.fault);
    return 0;
  }
  for (const ConditionNode& node : parsed.condition->nodes)
    if (node.begin > node.end || node.end > size) std::abort();
  run(*parsed.condition);
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  return {
      "error_rate > 5% and p99_latency > 2s and rate(error_rate, 1m) > 10% for 30s",
      "system.memory.utilization > 90% clear below 85% unless system.uptime < 10m",
      "load_per_cpu > (8 if between 22:00 and 06:00 or on sat, sun else 4) margin 1 for 5m clear after 1m",
      "count(hostmedic.service.memory.utilization@\"service:*\" > 90% for 2s) >= 3 and stage is prod*",
      "sum(system.network.errors{network.io.direction!=transmit}) / sum(system.network.packet.count) > 1%",
      "any(\"pg_locks_total\"{a=b*, c!=d}@host - 5 * max(\"x\", 10m) < -3) or not known(hw.temperature)",
      "delta(system.memory.usage, 1h) / 1h > 10MiB/s or all(hw.temperature >= 95C)",
  };
}
