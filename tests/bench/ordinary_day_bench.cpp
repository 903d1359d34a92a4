// SPDX-License-Identifier: Apache-2.0
// A day of ordinary host life, second by second, after a day of learning: what it opens and what it costs.
// bench_ordinary_day [SEED] [CALM], where CALM is the seconds between frames while nothing goes on.
#include <chrono>
#include <cstdio>

#include "agent/base/parse.h"
#include "tests/support/day_watcher.h"

int main(int argc, char** argv) {
  using namespace hostmedic;
  const std::uint64_t seed = parse_u64(argc > 1 ? argv[1] : "1").value_or(1);
  const double calm = parse_double(argc > 2 ? argv[2] : "1").value_or(1);
  test::DayWatcher watcher(seed, std::chrono::nanoseconds(static_cast<std::int64_t>(calm * 1e9)), HM_SHIPPED);
  const auto began = std::chrono::steady_clock::now();
  watcher.run(calm);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  for (const std::string& text : watcher.all()) std::printf("opened     %s\n", text.c_str());
  for (const std::string& text : watcher.confirmed()) std::printf("confirmed  %s\n", text.c_str());
  for (const std::string& text : watcher.orders()) std::printf("order      %s\n", text.c_str());
  for (const std::string& text : watcher.notices()) std::printf("told       %s\n", text.c_str());
  const detect::Engine& engine = watcher.pipeline().engine();
  std::printf(
      "seed %llu: %ld frames of two days in %.1f s, %.0f times as fast as life; %zu series, %d containers gone\n",
      static_cast<unsigned long long>(seed), watcher.frames(), took, 2 * 86400 / took, engine.host().series_count(),
      watcher.day().containers_gone());
  std::printf("%zu opened, %zu above a suspicion, %zu orders; refused %llu, ignored %llu\n", watcher.all().size(),
              watcher.confirmed().size(), watcher.orders().size(), static_cast<unsigned long long>(engine.refused()),
              static_cast<unsigned long long>(engine.ignored_frames()));
  return watcher.confirmed().empty() && watcher.orders().empty() ? 0 : 1;
}
