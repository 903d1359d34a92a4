// SPDX-License-Identifier: Apache-2.0
// A template of root's, run by psql as the user postgres over the local socket. The numbers are passed as its
// variables.
#include <string>
#include <string_view>

#include "actions/catalog/effect_child.h"
#include "actions/catalog/effect_root_file.h"
#include "actions/catalog/effect_service.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr const char* kTemplate = "postgresql-terminate-idle.sql";
constexpr const char* kDirectories[] = {"/etc/hostmedic/sql", "/usr/share/hostmedic/sql"};  // the first that has it
constexpr std::size_t kMostOutput = 64 << 10;

Result<Fd> open_template() {
  for (const char* directory : kDirectories) {
    auto file = open_root_file(directory, kTemplate);
    if (file || file.error().code != ErrorCode::not_found) return file;
  }
  return make_error(ErrorCode::not_found, std::string(kTemplate) + " is not installed");
}

// Which sessions there are only postgres may see: that is asked in the unit, by the statement that ends them.
TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  UnitStatus status;
  const TargetState seen = look_at_unit(plan.target.name, context, status, ret_text);
  if (seen != TargetState::faulty) return seen;
  if (status.active_state == "inactive") return TargetState::gone;
  if (status.active_state != "active") return TargetState::changing;
  if (const auto file = open_template(); !file) {
    ret_text = file.error().message();
    return TargetState::unknown;
  }
  return TargetState::faulty;
}

Outcome execute(const Order& order, const EffectContext& context) {
  return run_in_unit(order, context, {.user = "postgres"});
}

struct Told {
  std::uint64_t ended = 0;
  std::string applications;
};

// count|NAME|NUMBER and terminated|NUMBER|APPLICATION; anything else is psql's own and passed over.
Told tell(std::string_view output) {
  Told told;
  for (const std::string_view line : split(output, '\n')) {
    const std::size_t first = line.find('|'), second = line.find('|', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view word = line.substr(0, first), middle = line.substr(first + 1, second - first - 1);
    const std::string_view last = line.substr(second + 1);
    if (word == "count" && parse_u64(last)) print_detail(middle, last);
    if (word != "terminated") continue;
    const auto number = parse_u64(middle);
    if (!number) continue;
    told.ended += *number;
    told.applications += (told.applications.empty() ? "" : ", ") +
                         std::string(last.empty() ? "(no name)" : printable(last, 64)) + " " + std::string(middle);
  }
  return told;
}

int inside(const Plan& plan, const InsideContext&) {
  const auto failed = [](const std::string& text) {
    print_detail("text", text);
    return kEffectFailed;
  };
  const auto file = open_template();
  if (!file) return failed(file.error().message());
  Program psql{.argv = {"/usr/bin/psql", "-X", "-A", "-t", "-q", "-w", "-F", "|", "-d",
                        "host=/run/postgresql user=postgres dbname=postgres connect_timeout=5 "
                        "application_name=hostmedic port=" +
                            std::string(plan.get("port"))},
               .input = file->get(),
               .most_output = kMostOutput};
  for (const Attribute& parameter : plan.parameters)
    if (parameter.key != "port") psql.argv.insert(psql.argv.end(), {"-v", parameter.key + "=" + parameter.value});
  const auto end = capture_program(psql, plan.timeout / 10 * 9);
  if (!end) return failed(end.error().message());
  const Told told = tell(end->output);
  print_detail("terminated", strf("%llu", static_cast<unsigned long long>(told.ended)));
  if (!told.applications.empty()) print_detail("applications", told.applications);
  if (end->status != 0) return failed(strf("psql ended with status %d; the unit's journal has its words", end->status));
  if (told.ended == 0) {
    print_detail("text", "no session is idle for that long");
    return kEffectUnnecessary;
  }
  print_detail(
      "text", strf("%llu idle sessions were ended: ", static_cast<unsigned long long>(told.ended)) + told.applications);
  return kEffectDone;
}

}  // namespace

const EffectInfo kDatabaseTerminateIdleEffect{
    .action = "database.terminate_idle", .inspect = inspect, .execute = execute, .inside = inside};

}  // namespace hostmedic
