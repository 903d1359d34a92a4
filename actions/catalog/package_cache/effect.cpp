// SPDX-License-Identifier: Apache-2.0
// package_cache.clean: the package manager empties its own cache; we only ask, and measure.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "actions/catalog/effect_beneath.h"
#include "actions/catalog/effect_child.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/files_clean/effect_walk.h"
#include "actions/catalog/package_cache/effect_manager.h"
#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

struct Manager {
  const char* program;
  std::vector<std::string> arguments;
  const char* cache;
};
const std::vector<Manager>& managers() {
  static const std::vector<Manager> kManagers = {
      {"/usr/bin/apt-get", {"-q", "clean"}, "/var/cache/apt/archives"},
      {"/usr/bin/dnf", {"-q", "--cacheonly", "clean", "packages"}, "/var/cache/dnf"},
  };
  return kManagers;
}

std::uint64_t cached() {
  std::uint64_t bytes = 0;
  for (const Manager& manager : managers())
    if (const auto dir = open_without_links(manager.cache, O_RDONLY | O_DIRECTORY))
      bytes += find_files(dir->get(), {.most_found = 0}).bytes;
  return bytes;
}

TargetState inspect(const Plan&, const EffectContext&, std::string& ret_text) {
  ret_text = package_manager_at_work();
  if (!ret_text.empty()) return TargetState::changing;
  const std::uint64_t bytes = cached();
  ret_text = "fetched packages take " + format_bytes(Bytes{bytes});
  return bytes == 0 ? TargetState::recovered : TargetState::faulty;
}

Outcome execute(const Order& order, const EffectContext& context) {
  // "-": where the other package manager is at home there are none.
  return run_in_unit(order, context,
                     {.capabilities = {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"},
                      .read_write_paths = {"-/var/cache/apt", "-/var/cache/dnf", "-/var/lib/apt", "-/var/lib/rpm"}});
}

int inside(const Plan& plan, const InsideContext&) {
  const MonoTime begin = mono_now();
  const auto number = [](std::uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); };
  const std::uint64_t before = cached();
  print_detail("bytes_before", number(before));
  std::string wrong;
  for (const Manager& manager : managers()) {
    if (::access(manager.program, X_OK) != 0) continue;
    std::vector<std::string> argv{manager.program};
    argv.insert(argv.end(), manager.arguments.begin(), manager.arguments.end());
    const auto ended = run_program(argv, plan.timeout / 10 * 4);
    if (!ended || *ended != 0)
      wrong = ended ? std::string(manager.program) + strf(" ended with status %d", *ended) : ended.error().message();
  }
  const std::uint64_t after = cached();
  print_detail("bytes_after", number(after));
  print_detail("bytes_freed", number(before - std::min(before, after)));
  print_detail("took_ms", strf("%lld", static_cast<long long>((mono_now() - begin) / std::chrono::milliseconds(1))));
  if (wrong.empty() && after >= before) wrong = "the package manager freed nothing";
  print_detail("text", wrong.empty() ? "the package manager freed " + format_bytes(Bytes{before - after}) : wrong);
  return wrong.empty() ? kEffectDone : kEffectFailed;
}

}  // namespace

const EffectInfo kPackageCacheCleanEffect{
    .action = "package_cache.clean", .inspect = inspect, .execute = execute, .inside = inside};

}  // namespace hostmedic
