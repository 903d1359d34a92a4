// SPDX-License-Identifier: Apache-2.0
// What the models that look at a group at once cost: nanoseconds of CPU per series and step, the worst step, and bytes
// per series, for groups of 38 members (as in SMD) and of 200. One thread; arguments: names of models, else all.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "detect/feature/random.h"
#include "detect/multivariate/group_model.h"

using namespace hostmedic;

namespace {

// Of this thread: others on the machine do not count.
double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Cost {
  double mean_ns = 0, worst_us = 0;
  std::size_t bytes = 0;
};

// Every member wanders by itself; the settled state is measured, after the models' first windows are full.
Cost measure(const detect::GroupModelInfo& info, std::size_t members, std::size_t steps) {
  const auto model = info.make({std::chrono::minutes(1), 1});
  model->resize(members);
  detect::Random random(9);
  std::vector<float> values(members), deviations(members);
  Cost cost;
  double ns = 0;
  const std::size_t settled = steps / 2;
  for (std::size_t step = 0; step < steps; ++step) {
    for (std::size_t i = 0; i < members; ++i) {
      deviations[i] = 0.9F * deviations[i] + random.unit() - 0.5F;
      values[i] = 100 * deviations[i];
    }
    const auto at = mono_from_ns(static_cast<std::int64_t>(step) * 60'000'000'000);
    const double start = cpu_ns();
    (void)model->step({at, values, deviations, true});
    const double took = cpu_ns() - start;
    if (step < settled) continue;
    ns += took;
    cost.worst_us = std::max(cost.worst_us, took / 1000);
  }
  cost.mean_ns = ns / static_cast<double>((steps - settled) * members);
  cost.bytes = model->bytes_used() / members;
  return cost;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t kSteps = 4000;
  std::printf("model               members  ns/series-step  worst us/step  bytes/series\n");
  for (const detect::GroupModelInfo* info : detect::all_group_models()) {
    if (argc > 1 && std::none_of(argv + 1, argv + argc, [&](const char* name) { return info->name == name; })) continue;
    for (const std::size_t members : {38U, 200U}) {
      const Cost cost = measure(*info, members, members > 100 ? kSteps / 2 : kSteps);
      std::printf("%-19.*s  %7zu  %14.1f  %13.1f  %12zu\n", static_cast<int>(info->name.size()), info->name.data(),
                  members, cost.mean_ns, cost.worst_us, cost.bytes);
    }
  }
}
