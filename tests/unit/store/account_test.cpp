// SPDX-License-Identifier: Apache-2.0
#include "agent/store/account.h"

#include <doctest/doctest.h>

namespace hostmedic {
namespace {

using namespace std::chrono_literals;
const WallTime kFault = wall_from_ns(1'795'000'000'000'000'000);

Incident incident(const std::string& id, Duration noticed, std::optional<Duration> over) {
  Incident made;
  made.id = id;
  made.root = {EntityKind::service, "nginx.service"};
  made.fault_at = kFault;
  made.opened_at = kFault + noticed;
  if (over) made.closed_at = kFault + *over;
  return made;
}
void plan(Incident& of, const std::string& runbook) {
  add_timeline(of, of.opened_at, TimelineKind::planned, "restart nginx.service", {{"runbook", runbook}});
}
void order(Incident& of, Duration after, bool helped) {
  add_timeline(of, of.fault_at + after, TimelineKind::ordered, "restart nginx.service", {{"order", "a"}});
  std::vector<Attribute> result;
  if (!helped) result.push_back({"result", "failed"});
  add_timeline(of, of.fault_at + after + 1s, TimelineKind::verified, "is active again", std::move(result));
}

TEST_CASE("an account counts what was done, what helped, and what would have been done") {
  Incident healed = incident("1", 1s, 5s), failed = incident("2", 2s, std::nullopt), alone = incident("3", 3s, 60s);
  plan(healed, "service-restart");
  order(healed, 2s, true);
  plan(failed, "service-restart");
  order(failed, 4s, false);
  add_timeline(failed, kFault + 6s, TimelineKind::undone, "taken back");
  failed.state = IncidentState::escalated;
  plan(alone, "filesystem-logs");
  add_timeline(alone, kFault + 4s, TimelineKind::note, "would have done: rotate /var/log/app.log (logrotate)");
  const Account account = account_of(std::vector{healed, failed, alone}, {});
  CHECK(account.incidents == 3);
  CHECK(account.treated == 2);
  CHECK(account.healed == 1);
  CHECK(account.alone == 1);
  CHECK(account.escalated == 1);
  const RunbookAccount& restart = account.runbooks.at("service-restart");
  CHECK(restart.ordered == 2);
  CHECK(restart.helped == 1);
  CHECK(restart.failed == 1);
  CHECK(restart.undone == 1);
  CHECK(restart.would == 0);
  CHECK(account.runbooks.at("filesystem-logs").would == 1);
  REQUIRE(account.would_have.size() == 1);
  CHECK(account.would_have[0] == "rotate /var/log/app.log (logrotate)");
  CHECK(median_of(account.to_notice) == Duration(2s));
  CHECK(median_of(account.to_act) == Duration(4s));
  CHECK(median_of(account.to_recover) == Duration(60s));
}

TEST_CASE("suspicions and parts of other incidents are not counted as incidents") {
  Incident suspicion = incident("1", 1s, 5s), part = incident("2", 1s, 5s);
  suspicion.suspicion = true;
  part.part_of = "3";
  const Account account = account_of(std::vector{suspicion, part}, {});
  CHECK(account.incidents == 0);
  CHECK(account.suspicions == 1);
  CHECK(account.parts == 1);
  CHECK_FALSE(median_of(account.to_notice));
}

TEST_CASE("what was treated and is said to be none is a mistake of its runbook; the last word counts") {
  Incident healed = incident("1", 1s, 5s);
  plan(healed, "service-restart");
  order(healed, 2s, true);
  std::vector<Feedback> said{{"1", healed.root, {}, true, "ada", "", kFault},
                             {"1", healed.root, {}, false, "bob", "", kFault}};
  const Account account = account_of(std::vector{healed}, said);
  CHECK(account.said_none == 1);
  CHECK(account.said_real == 0);
  CHECK(account.runbooks.at("service-restart").mistaken == 1);
}

}  // namespace
}  // namespace hostmedic
