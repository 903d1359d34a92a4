// SPDX-License-Identifier: Apache-2.0
// hostmedic-effect: one effect of the catalogue, run inside the transient unit of its order. It judges its command line
// again: whoever could start it must not be able to make it do what the catalogue does not.
#include <sys/stat.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "agent/base/version.h"

using namespace hostmedic;

namespace {

int usage(const std::string& text) {
  std::fprintf(stderr, "hostmedic-effect: %s\n", text.c_str());
  print_detail("text", text);
  return kEffectUsage;
}

int run(const std::vector<std::string_view>& arguments) {
  auto call = parse_effect_command(arguments);
  if (!call) return usage(call.error().message());
  const ActionInfo* action = find_action(call->plan.action);
  const EffectInfo* effect = find_effect(call->plan.action);
  if (action == nullptr || effect == nullptr) return usage("no such effect");
  if (const Status valid = action->validate(call->plan); !valid) return usage(valid.error().message());
  const InsideContext context{.proc = "/proc", .scratch = call->scratch};
  if (call->undo && effect->undo_inside != nullptr) return effect->undo_inside(call->plan, call->was, context);
  if (call->undo || effect->inside == nullptr) return usage("it is not done in a unit of its own");
  return effect->inside(call->plan, context);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--version")
    return std::puts(version_line("hostmedic-effect").c_str()) < 0 ? kEffectFailed : 0;
  ::umask(0077);
  const int status = run(std::vector<std::string_view>(argv + 1, argv + argc));
  // The last line: where there is no systemd it tells a later actuator how this ended.
  std::printf("exit=%d\n", status);
  return std::fflush(stdout) == 0 ? status : kEffectFailed;
}
