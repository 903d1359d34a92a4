// SPDX-License-Identifier: Apache-2.0
// service.limit: sets properties of the unit until the next boot, reads them back, and can put each back exactly.
// systemd keeps such a property as a file below /run; taking it back removes that file too, or it would stand above
// what the administrator writes later.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "actions/catalog/effect_service.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/service_limit/limits.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr std::string_view kDropIns = "/run/systemd/system.control";

// The file by which systemd keeps a limit that was set at run time.
std::string drop_in(const std::string& unit, const LimitInfo& limit) {
  const std::string_view name = limit.param == "cpu_quota" ? "CPUQuota" : limit.property;
  return std::string(kDropIns) + "/" + unit + ".d/50-" + std::string(name) + ".conf";
}

struct Change {
  const LimitInfo* limit;
  std::uint64_t was, wanted;
};

// The limits that the plan names, as they are and as they shall be.
Result<std::vector<Change>> changes_of(const Plan& plan, const EffectContext& context) {
  std::vector<Change> changes;
  for (const LimitInfo& limit : known_limits()) {
    const std::string_view text = plan.get(limit.param);
    if (text.empty()) continue;
    const auto wish = parse_wish(limit, text);
    if (!wish) return wish.error();
    const std::string_view names[] = {limit.property};
    const auto present = context.manager.numbers(plan.target.name, names);
    if (!present) return present.error();
    if (present->size() != 1) return make_error(ErrorCode::unsupported, std::string(limit.property) + " is not known");
    const auto wanted = wished(limit, *wish, present->front().value);
    if (!wanted) return wanted.error();
    changes.push_back({&limit, present->front().value, *wanted});
  }
  return changes;
}

std::string words_of(const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) {
    text +=
        (text.empty() ? "" : ", ") + std::string(change.limit->property) + " " + limit_text(*change.limit, change.was);
    if (change.was != change.wanted) text += " -> " + limit_text(*change.limit, change.wanted);
  }
  return text;
}

// A limit below what is in use now does not hold the service back, it ends it.
Status check_use(const Plan& plan, const std::vector<Change>& changes, const EffectContext& context) {
  constexpr std::string_view kInUse[] = {"MemoryCurrent"};
  const auto max = std::ranges::find(changes, "memory_max", [](const Change& change) { return change.limit->param; });
  if (max == changes.end()) return ok();
  const auto used = context.manager.numbers(plan.target.name, kInUse);
  if (!used || used->size() != 1 || used->front().value == kNoLimit) return ok();  // not counted on this host
  if (max->wanted > used->front().value) return ok();
  return make_error(ErrorCode::conflict, "it takes " + limit_text(*max->limit, used->front().value) +
                                             ", so MemoryMax " + limit_text(*max->limit, max->wanted) +
                                             " would end it");
}

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  UnitStatus status;
  const TargetState seen = look_at_unit(plan.target.name, context, status, ret_text);
  if (seen != TargetState::faulty) return seen;
  if (status.active_state != "active" && status.active_state != "reloading") return TargetState::gone;
  const auto changes = changes_of(plan, context);
  const Status fits = changes ? check_use(plan, *changes, context) : ok();
  if (!changes || !fits) {
    ret_text += "; " + (changes ? fits.error().message() : changes.error().message());
    return TargetState::unknown;
  }
  ret_text += "; " + words_of(*changes);
  const bool same = std::ranges::all_of(*changes, [](const Change& change) { return change.was == change.wanted; });
  return same ? TargetState::recovered : TargetState::faulty;
}

// Sets and reads back: systemd rounds and refuses, and a write that did not take is no effect.
Status set_limits(const std::string& unit, const std::vector<Change>& changes, const EffectContext& context) {
  std::vector<UnitNumber> numbers;
  std::vector<std::string_view> names;
  for (const Change& change : changes) {
    numbers.push_back({std::string(change.limit->property), change.wanted});
    names.push_back(change.limit->property);
  }
  if (Status set = context.manager.set_numbers(unit, numbers); !set) return set;
  const auto present = context.manager.numbers(unit, names);
  if (!present) return Error(present.error()).in("reading back");
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i < present->size() && (*present)[i].value == numbers[i].value) continue;
    const std::string found = i < present->size() ? limit_text(*changes[i].limit, (*present)[i].value) : "nothing";
    return make_error(ErrorCode::io, "read back, " + numbers[i].name + " is " + found + ", not " +
                                         limit_text(*changes[i].limit, numbers[i].value));
  }
  return ok();
}

std::string number(std::uint64_t value) { return strf("%llu", static_cast<unsigned long long>(value)); }

Outcome execute(const Order& order, const EffectContext& context) {
  const std::string& unit = order.plan.target.name;
  Outcome outcome;
  const auto changes = changes_of(order.plan, context);
  if (!changes) {
    outcome.text = changes.error().message();
    return outcome;
  }
  for (const Change& change : *changes) {
    // Somebody set it at run time before us: then the file is theirs.
    if (::access(drop_in(unit, *change.limit).c_str(), F_OK) == 0)
      outcome.details.push_back({"kept_" + std::string(change.limit->param), "1"});
    outcome.details.push_back({"was_" + std::string(change.limit->param), number(change.was)});
    outcome.details.push_back({"now_" + std::string(change.limit->param), number(change.wanted)});
  }
  const Status set = set_limits(unit, *changes, context);
  if (!set) {
    std::vector<Change> back = *changes;
    for (Change& change : back) change.wanted = change.was;
    const Status restored = set_limits(unit, back, context);
    outcome.text = set.error().message() +
                   (restored ? "; put back" : "; and putting it back failed: " + restored.error().message());
    return outcome;
  }
  outcome.result = OutcomeResult::done;
  outcome.text = unit + ": " + words_of(*changes);
  return outcome;
}

std::optional<std::uint64_t> told(std::span<const Attribute> details, const std::string& name) {
  const auto found = std::ranges::find(details, name, &Attribute::key);
  if (found == details.end()) return std::nullopt;
  const auto value = parse_u64(found->value);
  return value ? std::optional(*value) : std::nullopt;
}

Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  const std::string& unit = order.plan.target.name;
  std::vector<Change> changes;
  std::string others;
  for (const LimitInfo& limit : known_limits()) {
    const auto was = told(first.details, "was_" + std::string(limit.param));
    const auto set = told(first.details, "now_" + std::string(limit.param));
    if (!was || !set) continue;
    const std::string_view names[] = {limit.property};
    const auto present = context.manager.numbers(unit, names);
    // What somebody has set since is theirs.
    if (present && present->size() == 1 && present->front().value == *set) {
      changes.push_back({&limit, *set, *was});
    } else {
      others += (others.empty() ? "" : ", ") + std::string(limit.property);
    }
  }
  if (changes.empty()) {
    Outcome outcome;
    outcome.result = OutcomeResult::unnecessary;
    outcome.text = "nothing of it is as it was set" + (others.empty() ? std::string() : ": " + others);
    return outcome;
  }
  if (Status set = set_limits(unit, changes, context); !set) {
    Outcome outcome;
    outcome.text = set.error().message();
    return outcome;
  }
  Outcome outcome = undo_in_unit(order, first, context, {.read_write_paths = {std::string(kDropIns)}});
  for (const Change& change : changes)
    outcome.details.push_back({"now_" + std::string(change.limit->param), number(change.wanted)});
  const std::string files = outcome.result == OutcomeResult::done ? "" : "; its files stay: " + outcome.text;
  outcome.result = OutcomeResult::done;
  outcome.text = unit + ": " + words_of(changes) + files + (others.empty() ? "" : "; set by somebody since: " + others);
  return outcome;
}

// Removes the files by which systemd would keep the limits.
int undo_inside(const Plan& plan, std::span<const Attribute> was, const InsideContext&) {
  int status = kEffectDone;
  for (const LimitInfo& limit : known_limits()) {
    const std::string param(limit.param), path = drop_in(plan.target.name, limit);
    if (!told(was, "was_" + param) || told(was, "kept_" + param)) continue;
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) continue;
    print_detail("text", errno_error(errno, path).message());
    status = kEffectFailed;
  }
  (void)::rmdir((std::string(kDropIns) + "/" + plan.target.name + ".d").c_str());  // others may be in it
  return status;
}

}  // namespace

const EffectInfo kServiceLimitEffect{.action = "service.limit",
                                     .inspect = inspect,
                                     .execute = execute,
                                     .inside = nullptr,
                                     .undo = undo,
                                     .undo_inside = undo_inside};

}  // namespace hostmedic
