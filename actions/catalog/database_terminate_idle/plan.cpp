// SPDX-License-Identifier: Apache-2.0
// database.terminate_idle: ends sessions of a database that hold a place, or locks, and do nothing.
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::string_view kNone = "-";
constexpr ParamText kParams[] = {
    {"unit", "-", "the database's unit, if it is not the incident's own: postgresql@15-main.service"},
    {"port", "5432", "names its socket in /run/postgresql"},
    {"idle_in_transaction", "5m", "a session that did nothing for so long inside a transaction is ended; - for none"},
    {"idle", "-", "the same outside of a transaction; - for none"},
    {"keep", "10", "so many idle sessions of each user and database are kept"},
    {"full", "0", "only when so many percent of the places for clients are taken"},
    {"most", "20", "so many are ended at most"}};
constexpr std::string_view kPlanParams[] = {"port", "in_transaction", "idle", "keep", "full", "most"};

// Whole seconds, "-1" for none.
Result<std::string> seconds_of(std::string_view text) {
  if (text == kNone) return std::string("-1");
  const auto length = parse_duration(text);
  if (!length) return length.error();
  return strf("%lld", static_cast<long long>(*length / std::chrono::seconds(1)));
}

bool is_number(std::string_view text, std::int64_t least, std::int64_t most) {
  const auto number = parse_i64(text);
  return number && *number >= least && *number <= most;
}

bool is_postgresql(std::string_view unit) { return is_service_unit(unit) && unit.starts_with("postgresql"); }

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  const std::string_view unit = setting(kDatabaseTerminateIdle, params, "unit");
  Plan plan;
  plan.action = kDatabaseTerminateIdle.name;
  plan.target = unit == kNone ? incident.root : Entity{EntityKind::service, std::string(unit)};
  if (plan.target.kind != EntityKind::service || !is_postgresql(plan.target.name))
    return make_error(ErrorCode::unsupported, to_string(plan.target) + " is not a service of PostgreSQL");
  const auto in_transaction = seconds_of(setting(kDatabaseTerminateIdle, params, "idle_in_transaction"));
  const auto idle = seconds_of(setting(kDatabaseTerminateIdle, params, "idle"));
  if (!in_transaction) return Error(in_transaction.error()).in("idle_in_transaction");
  if (!idle) return Error(idle.error()).in("idle");
  plan.parameters = {{"port", std::string(setting(kDatabaseTerminateIdle, params, "port"))},
                     {"in_transaction", *in_transaction},
                     {"idle", *idle},
                     {"keep", std::string(setting(kDatabaseTerminateIdle, params, "keep"))},
                     {"full", std::string(setting(kDatabaseTerminateIdle, params, "full"))},
                     {"most", std::string(setting(kDatabaseTerminateIdle, params, "most"))}};
  plan.what = "end at most " + std::string(setting(kDatabaseTerminateIdle, params, "most")) + " idle sessions of " +
              plan.target.name;
  plan.command =
      "runuser -u postgres -- psql -p " + shell_quote(plan.get("port")) + " -X -v in_transaction=" + *in_transaction +
      " -v idle=" + *idle + " -v keep=" + shell_quote(plan.get("keep")) + " -v full=" + shell_quote(plan.get("full")) +
      " -v most=" + shell_quote(plan.get("most")) + " -f /usr/share/hostmedic/sql/postgresql-terminate-idle.sql";
  plan.timeout = kDatabaseTerminateIdle.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  constexpr std::int64_t kMonth = 31LL * 86'400;
  const auto malformed = [](const char* why) { return make_error(ErrorCode::malformed, why); };
  if (Status status = check_common(plan, kDatabaseTerminateIdle, kPlanParams); !status) return status;
  if (!is_postgresql(plan.target.name)) return malformed("the target is not a service of PostgreSQL");
  if (!is_number(plan.get("port"), 1, 65'535)) return malformed("port is not within 1 to 65535");
  // Less than that a session does between two statements of a healthy client.
  if (plan.get("in_transaction") != "-1" && !is_number(plan.get("in_transaction"), 1, kMonth))
    return malformed("in_transaction is not within 1 second to 31 days");
  if (plan.get("idle") != "-1" && !is_number(plan.get("idle"), 1, kMonth))
    return malformed("idle is not within 1 second to 31 days");
  if (plan.get("in_transaction") == "-1" && plan.get("idle") == "-1") return malformed("no session is to be ended");
  if (!is_number(plan.get("keep"), 0, 10'000)) return malformed("keep is not within 0 to 10000");
  if (!is_number(plan.get("full"), 0, 100)) return malformed("full is not within 0 to 100");
  if (!is_number(plan.get("most"), 1, 500)) return malformed("most is not within 1 to 500");
  return ok();
}

}  // namespace

const ActionInfo kDatabaseTerminateIdle{
    .name = "database.terminate_idle",
    .summary = "end sessions of PostgreSQL that do nothing",
    .targets = kinds(EntityKind::service),
    .params = kParams,
    .reversible = false,
    .local_safe = false,
    .capabilities = "",
    .timeout = std::chrono::seconds(30),
    .cost = "Clients whose session is ended have to connect again; what they had not committed is rolled back.",
    .undo = "",
    .plan = plan,
    .validate = validate};

}  // namespace hostmedic
