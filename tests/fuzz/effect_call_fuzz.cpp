// SPDX-License-Identifier: Apache-2.0
// The border between the actuator and the program that carries an order out. Input: byte 0 selects: the arguments of
// hostmedic-effect, one after the other with a NUL behind each, what it printed, or what a plan asks a limit to be.
// What must hold: no crash; texts and details of an outcome are bounded and printable; a call that was understood is
// understood alike when written again.
#include <string>
#include <vector>

#include "actions/catalog/effect_unit.h"
#include "actions/catalog/service_limit/limits.h"
#include "agent/base/text.h"
#include "support.h"

using namespace hostmedic;
using fuzz::check;

namespace {

class NoManager final : public ServiceManager {
  static Error none() { return make_error(ErrorCode::unsupported, "none"); }
  Result<UnitStatus> status(const std::string&) override { return none(); }
  Status job(const std::string&, UnitJob, Duration) override { return none(); }
  Result<std::vector<UnitNumber>> numbers(const std::string&, std::span<const std::string_view>) override {
    return none();
  }
  Status set_numbers(const std::string&, std::span<const UnitNumber>) override { return none(); }
  Result<std::vector<std::string>> names(const std::string&, std::string_view) override { return none(); }
  Status freeze(const std::string&, bool) override { return none(); }
  Status kill(const std::string&, bool, int) override { return none(); }
  Status schedule(const TransientUnit&, Duration) override { return none(); }
  void unschedule(const std::string&) override {}
  Result<TransientResult> run(const TransientUnit&) override { return none(); }
  Result<std::optional<TransientResult>> adopt(const std::string&, Duration) override { return none(); }
  void release(const std::string&) override {}
};

std::vector<std::string> command_of(const EffectCall& call) {
  NoManager manager;
  const guard::Policy policy;
  const EffectContext context{manager, policy, "/effect", call.scratch};
  return effect_command(call.plan, call.undo ? &call.was : nullptr, context);
}
Result<EffectCall> call_of(const std::vector<std::string>& command) {
  const std::vector<std::string_view> words(command.begin() + 1, command.end());
  return parse_effect_command(words);
}

void arguments(fuzz::Input input) {
  std::vector<std::string> command{"/effect"};
  while (!input.empty() && command.size() < 256) command.emplace_back(input.until('\0'));
  const auto call = call_of(command);
  if (!call) return;
  const std::vector<std::string> written = command_of(*call);
  const auto again = call_of(written);
  check(again.has_value() && command_of(*again) == written);
}

void output(fuzz::Input input) {
  TransientResult ended;
  ended.started = true;
  ended.exit_status = input.byte() % 5;
  ended.result = ended.exit_status == 0 ? "success" : "exit-code";
  ended.output = input.take(kMostEffectOutput);
  const Outcome outcome = outcome_of(ended);
  check(outcome.text == printable(outcome.text, 2048));
  for (const Attribute& detail : outcome.details) check(!detail.key.empty());
}

void limits(fuzz::Input input) {
  const std::size_t present = input.number();
  const std::string_view text = input.rest();
  for (const LimitInfo& limit : known_limits()) {
    const auto wish = parse_wish(limit, text);
    if (!wish || wish->kind == LimitWish::Kind::keep) continue;
    const auto value = wished(limit, *wish, present);
    if (value && *value != kNoLimit) check(*value >= limit.least && *value <= limit.most);
    if (value) check(!limit_text(limit, *value).empty());
  }
}

constexpr void (*kReaders[])(fuzz::Input) = {arguments, output, limits};

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  using namespace std::string_literals;
  return {"\0log.rotate\0--target=filesystem:/var\0--timeout=30000\0--scratch=/run/x\0path=/var/log/a.log\0keep=0\0"s,
          "\0log.rotate\0--target=filesystem:/var\0--timeout=1\0--scratch=/run/x\0path=/a\0--undo\0was=b\0"s,
          "\1\0freed=12345\ntext=removed 3 files\nwhat=a=b\n"s,
          "\1\1text=it did not work\n"s,
          "\2\1\0x1.5"s,
          "\2\1\0512MiB"s,
          "\2\1\0none"s,
          "\2\1\050%"s};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  kReaders[input.byte() % std::size(kReaders)](input);
  return 0;
}
