// SPDX-License-Identifier: Apache-2.0
// config.rollback: the kept content comes in place in a unit of its own, then systemd loads it; if that fails, all is
// as it was.
#include "actions/catalog/config_rollback/effect_replace.h"
#include "actions/catalog/config_rollback/store.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr std::string_view kSaved = "saved";

ConfigPlaces places() { return {std::string(kKnownGood), std::string(kReplaced)}; }

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  const std::string path(plan.get("path"));
  const auto kept = kept_content(path, places());
  const auto present = present_content(path);
  const auto status = context.manager.status(plan.target.name);
  for (const Error* error :
       {kept ? nullptr : &kept.error(), present ? nullptr : &present.error(), status ? nullptr : &status.error()}) {
    if (error == nullptr) continue;
    ret_text = error->message();
    return error->code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  if (*kept == *present) {
    ret_text = path + " is what was kept as good";
    return TargetState::recovered;
  }
  ret_text = path + " is not what was kept as good; " + plan.target.name + " is " + printable(status->active_state, 40);
  return status->active_state == "reloading" ? TargetState::changing : TargetState::faulty;
}

// A running service reads the file again; one that does not run is started with it.
Status apply(const Plan& plan, const EffectContext& context) {
  const std::string& unit = plan.target.name;
  const auto before = context.manager.status(unit);
  if (!before) return before.error();
  const bool reload = plan.get("apply") == "reload" && before->active_state == "active";
  if (!reload) context.manager.forgive(unit);
  if (Status done = context.manager.job(unit, reload ? UnitJob::reload : UnitJob::restart, plan.timeout / 3); !done)
    return done;
  const auto after = context.manager.status(unit);
  if (!after) return after.error();
  if (after->active_state == "active") return ok();
  return make_error(ErrorCode::conflict, unit + " is " + printable(after->active_state, 40) + " with it");
}

Openings openings() {
  return {.capabilities = {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"},
          .read_write_paths = {"/etc", "/var/lib/hostmedic-actuator"}};
}

Outcome execute(const Order& order, const EffectContext& context) {
  Outcome outcome = run_in_unit(order, context, openings());
  if (outcome.result != OutcomeResult::done) return outcome;
  const Status applied = apply(order.plan, context);
  if (applied) {
    outcome.text += "; " + order.plan.target.name + " runs with it";
    return outcome;
  }
  Order back = order;
  back.key += "-back";  // a unit of its own
  const Outcome undone = undo_in_unit(back, outcome, context, openings());
  context.manager.release(unit_name_of(back.key));
  const Status again = apply(order.plan, context);
  outcome.details.push_back({"put_back", undone.result == OutcomeResult::done ? "yes" : undone.text});
  if (!again) outcome.details.push_back({"applied_back", again.error().message()});
  outcome.result = OutcomeResult::failed;
  outcome.text = applied.error().message() +
                 (undone.result == OutcomeResult::done ? "; the file was put back" : "; the file is not put back");
  return outcome;
}

Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  Outcome outcome = undo_in_unit(order, first, context, openings());
  if (outcome.result != OutcomeResult::done) return outcome;
  if (const Status applied = apply(order.plan, context); !applied) {
    outcome.result = OutcomeResult::failed;
    outcome.text += "; " + applied.error().message();
  }
  return outcome;
}

int inside(const Plan& plan, const InsideContext&) {
  const std::string path(plan.get("path"));
  const auto saved = put_kept(path, places());
  if (!saved) {
    print_detail("text", saved.error().message());
    return saved.error().code == ErrorCode::conflict ? kEffectUnnecessary : kEffectFailed;
  }
  print_detail(kSaved, *saved);
  print_detail("text", path + " is what was kept as good");
  return kEffectDone;
}

int undo_inside(const Plan& plan, std::span<const Attribute> was, const InsideContext&) {
  const std::string path(plan.get("path"));
  std::string saved;
  for (const Attribute& one : was)
    if (one.key == kSaved) saved = one.value;
  if (const Status done = put_replaced(path, saved, places()); !done) {
    print_detail("text", done.error().message());
    return kEffectFailed;
  }
  print_detail("text", path + " is again what it was before");
  return kEffectDone;
}

}  // namespace

const EffectInfo kConfigRollbackEffect{.action = "config.rollback",
                                       .inspect = inspect,
                                       .execute = execute,
                                       .inside = inside,
                                       .undo = undo,
                                       .undo_inside = undo_inside};

}  // namespace hostmedic
