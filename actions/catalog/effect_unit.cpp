// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_unit.h"

#include <algorithm>
#include <cstdio>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {

constexpr std::string_view kTarget = "--target=", kTimeout = "--timeout=", kScratch = "--scratch=", kUndo = "--undo";

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMostAttributeKey && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

// "name=value" lines; what does not look like one is left out.
std::vector<Attribute> details_of(std::string_view output, std::string& ret_text) {
  std::vector<Attribute> details;
  for (const std::string_view line : split(output, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || !is_name(line.substr(0, equals))) continue;
    const std::string value = printable(line.substr(equals + 1), kMostAttributeValue);
    if (line.starts_with("text=")) {
      ret_text = value;
    } else if (details.size() < kMostAttributes) {
      details.push_back({std::string(line.substr(0, equals)), value});
    }
  }
  return details;
}

OutcomeResult result_of(const TransientResult& ended) {
  if (ended.result == "success") return OutcomeResult::done;
  if (ended.result == "timeout") return OutcomeResult::timed_out;
  if (ended.result == "cancelled") return OutcomeResult::interrupted;
  if (ended.result == "exit-code" && ended.exit_status == kEffectUnnecessary) return OutcomeResult::unnecessary;
  return OutcomeResult::failed;
}

}  // namespace

std::string_view to_string(UnitJob job) {
  switch (job) {
    case UnitJob::start: return "start";
    case UnitJob::stop: return "stop";
    case UnitJob::restart: return "restart";
    case UnitJob::reload: return "reload";
  }
  return "?";  // uncovered: every enumerator has returned above
}

std::string unit_name_of(std::string_view order_key) {
  return "hostmedic-order-" + std::string(order_key) + ".service";
}

std::vector<std::string> effect_command(const Plan& plan, const std::vector<Attribute>* was,
                                        const EffectContext& context) {
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(plan.timeout).count();
  std::vector<std::string> argv{context.effect_program, plan.action, std::string(kTarget) + to_string(plan.target),
                                std::string(kTimeout) + strf("%lldms", static_cast<long long>(timeout)),
                                std::string(kScratch) + context.scratch};
  for (const Attribute& parameter : plan.parameters) argv.push_back(parameter.key + "=" + parameter.value);
  if (was == nullptr) return argv;
  argv.emplace_back(kUndo);
  for (const Attribute& one : *was) argv.push_back(one.key + "=" + one.value);
  return argv;
}

Result<EffectCall> parse_effect_command(std::span<const std::string_view> arguments) {
  const auto malformed = [](std::string text) { return make_error(ErrorCode::malformed, std::move(text)); };
  if (arguments.size() < 4 || !arguments[1].starts_with(kTarget) || !arguments[2].starts_with(kTimeout) ||
      !arguments[3].starts_with(kScratch))
    return malformed(
        "usage: hostmedic-effect ACTION --target=ENTITY --timeout=DURATION --scratch=DIR [NAME=VALUE...] "
        "[--undo NAME=VALUE...]");
  if (arguments.size() > 5 + 2 * kMostAttributes) return malformed("too many parameters");
  EffectCall call;
  call.plan.action = arguments[0];
  const auto target = entity_from(arguments[1].substr(kTarget.size()));
  if (!target) return malformed("--target is not an entity");
  call.plan.target = *target;
  const auto timeout = parse_duration(arguments[2].substr(kTimeout.size()));
  if (!timeout) return Error(timeout.error()).in("--timeout");
  call.plan.timeout = *timeout;
  call.scratch = arguments[3].substr(kScratch.size());
  for (const std::string_view argument : arguments.subspan(4)) {
    if (argument == kUndo && !call.undo) {
      call.undo = true;
      continue;
    }
    const std::size_t equals = argument.find('=');
    if (equals == std::string_view::npos || !is_name(argument.substr(0, equals)))
      return malformed("'" + printable(argument, 80) + "' is not NAME=VALUE");
    std::vector<Attribute>& list = call.undo ? call.was : call.plan.parameters;
    list.push_back({std::string(argument.substr(0, equals)), std::string(argument.substr(equals + 1))});
  }
  return call;
}

Outcome outcome_of(const TransientResult& ended) {
  Outcome outcome;
  outcome.result = result_of(ended);
  outcome.details = details_of(ended.output, outcome.text);
  switch (outcome.result) {
    case OutcomeResult::timed_out: outcome.text = "stopped at its time limit; what it did is unknown"; break;
    case OutcomeResult::interrupted: outcome.text = "stopped by the kill switch; what it did is unknown"; break;
    case OutcomeResult::failed:
      if (outcome.text.empty())
        outcome.text = "the effect ended with " + printable(ended.result, 40) + strf(", status %d", ended.exit_status);
      break;
    default:
      if (outcome.text.empty()) outcome.text = "the effect ended with success";
  }
  return outcome;
}

namespace {

Outcome run_command(const Order& order, std::vector<std::string> argv, const EffectContext& context,
                    Openings openings) {
  TransientUnit unit;
  unit.name = unit_name_of(order.key);
  unit.description = "Hostmedic: " + printable(order.plan.what, 200);
  unit.argv = std::move(argv);
  unit.openings = std::move(openings);
  unit.openings.read_write_paths.push_back(context.scratch);
  unit.timeout = order.plan.timeout;
  const auto ended = context.manager.run(unit);
  Outcome outcome;
  if (!ended) {
    outcome.result = ended.error().code == ErrorCode::timeout ? OutcomeResult::timed_out : OutcomeResult::failed;
    outcome.text = ended.error().message();
    return outcome;
  }
  if (!ended->started) {
    outcome.result = OutcomeResult::refused;
    outcome.text = "a unit of this order exists already; it is not started again";
    return outcome;
  }
  return outcome_of(*ended);
}

}  // namespace

Outcome run_in_unit(const Order& order, const EffectContext& context, Openings openings) {
  return run_command(order, effect_command(order.plan, nullptr, context), context, std::move(openings));
}

Outcome undo_in_unit(const Order& order, const Outcome& first, const EffectContext& context, Openings openings) {
  return run_command(order, effect_command(order.plan, &first.details, context), context, std::move(openings));
}

void print_detail(std::string_view name, std::string_view value) {
  const std::string line = std::string(name) + "=" + printable(value, kMostAttributeValue) + "\n";
  // A lost line costs a detail of the report, never the effect.
  (void)std::fputs(line.c_str(), stdout);
}

int ended(int status, std::string_view text) {
  print_detail("text", text);
  return status;
}

}  // namespace hostmedic
