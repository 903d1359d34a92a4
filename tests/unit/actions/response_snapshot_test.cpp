// SPDX-License-Identifier: Apache-2.0
// A response as a snapshot: silences, measures in force and lessons come back as they were, and a cut one is none.
#include <doctest/doctest.h>

#include "actions/action_state.h"
#include "tests/unit/actions/ward.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

TEST_CASE("a snapshot of a response is the whole of it, or none") {
  Runbook runbook;
  runbook.name = "pause";
  runbook.kinds = {"container.cpu_limited"};
  runbook.steps = {step("container.pause", Check::Subject::incident_quiet, OnFailure::escalate)};
  runbook.steps[0].params = {{"for", "15m"}};
  Ward ward(Tier::automatic, runbook);
  ward.incident = incident_on({EntityKind::container, "app"}, "container.cpu_limited", ward.host);
  ward.observe();
  ward.outcome(OutcomeResult::done);
  ward.pass(2s);
  ward.quiet();
  ward.pass(2s);
  ward.response->set_silences({{ward.host.wall() + 1h, "uid 0 (root)", "known", "service:*", ""}});
  detect::StateWriter writer;
  ward.response->save_whole(writer);

  Response again(ward.runbooks, ward.policy, ward.sources());
  detect::Literals none;
  detect::StateReader reader = detect::StateReader::exact(writer.bytes(), none);
  again.load_whole(reader);
  CHECK(reader.good());
  CHECK(again.in_force(ward.incident.id));
  detect::StateWriter twice;
  again.save_whole(twice);
  CHECK(twice.bytes() == writer.bytes());
  detect::StateReader cut = detect::StateReader::exact(std::string_view(writer.bytes()).substr(0, 100), none);
  again.load_whole(cut);
  CHECK_FALSE(cut.good());
}

TEST_CASE("a lesson and a tier are read as they were written") {
  const Lesson lesson{"feedfeedfeedfeed", "service.failed", "service.restart", true, false, kEpoch};
  detect::StateWriter writer;
  detect::put_whole(writer, lesson);
  detect::Literals none;
  detect::StateReader reader = detect::StateReader::exact(writer.bytes(), none);
  Lesson read;
  detect::get_whole(reader, read);
  CHECK(reader.good());
  CHECK(read.fingerprint == lesson.fingerprint);
  CHECK(read.helped);
  CHECK(read.at == kEpoch);
  for (const Tier tier : {Tier::observe, Tier::suggest, Tier::approve, Tier::automatic})
    CHECK(tier_from(to_string(tier)) == tier);
  CHECK_FALSE(tier_from("always"));
}
