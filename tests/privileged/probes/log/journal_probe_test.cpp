// SPDX-License-Identifier: Apache-2.0
// The journal as journald writes it. Needs root for a mount namespace; without it, says so and passes.
#include "probes/log/journal_probe.h"

#include <doctest/doctest.h>

#include <functional>

#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "tests/privileged/probes/log/private_journald.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

struct Bed {
  Bed() : journald(root) { settings.state_dir = root.path(); }

  bool runs() const {
    if (!journald.why_not.empty()) MESSAGE("not tested here: ", journald.why_not);
    return journald.why_not.empty();
  }
  void start() {
    under_test.emplace(journal_probe, root, settings);
    REQUIRE_MESSAGE(under_test->probe, under_test->error);
    sink = {};
  }
  void read() {
    now += std::chrono::seconds(1);
    const auto status = under_test->probe->read(now, sink);
    REQUIRE_MESSAGE(status, status.error().message());
  }
  double records(const std::string& severity) const {
    const auto found = sink.values.find("host hostmedic.log.records{log.severity=" + severity + "}");
    return found == sink.values.end() ? -1 : found->second.value_or(-1);
  }
  // journald takes a moment until what was written can be read.
  bool within(const std::function<bool()>& holds, int ticks = 100) {
    for (int i = 0; i < ticks; ++i) {
      read();
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
  double lost() const {
    double sum = 0;
    for (const Told& told : sink.told)
      if (told.event.kind == EventKind::samples_lost)
        sum += static_cast<double>(parse_u64(told.get("count")).value_or(0));
    return sum;
  }

  FakeRoot root;
  PrivateJournald journald;
  ProbeSettings settings;
  std::optional<ProbeUnderTest> under_test;
  RecordingSink sink;
  MonoTime now = mono_now();
};

}  // namespace

TEST_CASE("records are counted by severity, from the end of the journal on and once each, over a rotation") {
  Bed bed;
  if (!bed.runs()) return;
  bed.journald.write(3, "from before");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  bed.start();
  bed.read();
  CHECK(bed.records("ERROR") == 0);
  CHECK(bed.records("DEBUG") == -1);
  bed.journald.write(3, "it broke");
  bed.journald.write(4, "it may break");
  bed.journald.write(2, "it is gone");
  bed.journald.write(7, "it is detailed");
  CHECK(bed.within([&] { return bed.records("DEBUG") == 1; }));
  CHECK(bed.records("ERROR") == 1);
  CHECK(bed.records("WARN") == 1);
  CHECK(bed.records("FATAL") == 1);
  bed.read();
  CHECK(bed.records("ERROR") == 1);

  bed.journald.write(3, "before the rotation");
  bed.journald.rotate();
  bed.journald.write(3, "after the rotation");
  CHECK(bed.within([&] { return bed.records("ERROR") >= 3; }));
  bed.journald.rotate();
  bed.journald.write(3, "after another");
  CHECK(bed.within([&] { return bed.records("ERROR") >= 4; }));
  bed.read();
  CHECK(bed.records("ERROR") == 4);
  CHECK(bed.lost() == 0);
}

TEST_CASE("what was written while the probe was away is read, what was archived meanwhile is told as a gap") {
  Bed bed;
  if (!bed.runs()) return;
  bed.start();
  bed.journald.write(3, "one");
  CHECK(bed.within([&] { return bed.records("ERROR") == 1; }));
  for (int i = 0; i < 12; ++i) bed.read();  // the cursor is kept
  bed.under_test.reset();
  for (int i = 0; i < 5; ++i) bed.journald.write(3, "while away");
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  bed.start();
  CHECK(bed.within([&] { return bed.records("ERROR") == 5; }, 1));
  for (int i = 0; i < 12; ++i) bed.read();
  bed.under_test.reset();

  for (int i = 0; i < 7; ++i) bed.journald.write(3, "lost");
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // a rotation overtakes what waits in the socket
  bed.journald.rotate();
  bed.journald.write(3, "found");
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  bed.start();
  bed.read();
  CHECK(bed.lost() >= 7);
  CHECK(bed.lost() <= 10);  // journald itself says a word about the rotation
  CHECK(bed.records("ERROR") == 1);
}

TEST_CASE("a flood is sampled and scaled up; what is skipped is counted") {
  Bed bed;
  if (!bed.runs()) return;
  bed.start();
  bed.read();
  constexpr int kFlood = 30000;
  for (int i = 0; i < kFlood; ++i) bed.journald.write(4, "worker " + std::to_string(i % 8) + " is slow");
  bed.journald.write(3, "the end");
  double most = 0;
  CHECK(bed.within([&] {
    const double before = most;
    most = bed.records("WARN");
    CHECK(most - before <= 2000 * 16);
    return most + bed.records("ERROR") + bed.lost() > kFlood;
  }));
  // The weights are exact in sum; which severity a record that was stepped over had is a guess.
  const double all = bed.records("WARN") + bed.records("ERROR") + bed.records("INFO") + bed.lost();
  CHECK(all >= kFlood + 1);
  CHECK(all <= kFlood + 20);
}

TEST_CASE("kinds of message: what is new after the time of learning is told, without secrets") {
  Bed bed;
  if (!bed.runs()) return;
  bed.start();
  for (int i = 0; i < 20; ++i) bed.journald.write(6, "job " + std::to_string(i) + " done");
  CHECK(bed.within([&] { return bed.records("INFO") >= 20; }));
  CHECK(bed.sink.told.empty());
  for (int i = 0; i < 12; ++i) bed.read();
  bed.now += std::chrono::minutes(11);
  bed.read();
  const std::string series = "host hostmedic.log.template.records{log.template.id=";
  const auto followed = bed.sink.values.lower_bound(series);
  REQUIRE(followed != bed.sink.values.end());
  CAPTURE(followed->first);
  CHECK(followed->first.find("log.template.text=job <num> done") != std::string::npos);

  bed.journald.write(4, "disk 3 refuses password=abc");
  CHECK(bed.within([&] { return !bed.sink.told.empty(); }));
  REQUIRE(bed.sink.told.size() == 1);
  const Told& told = bed.sink.told[0];
  CHECK(told.event.kind == EventKind::log_template);
  CHECK(told.get("log.severity") == "WARN");
  CHECK(told.get("log.template.text") == "disk <num> refuses password=<redacted>");
  CHECK(told.get("log.sample") == "disk 3 refuses password=<redacted>");
  bed.journald.write(4, "disk 4 refuses password=def");
  CHECK(bed.within([&] { return bed.records("WARN") == 2; }));
  CHECK(bed.sink.told.size() == 1);
}

TEST_CASE("a host without a journal says so") {
  const FakeRoot root;
  CHECK(ProbeUnderTest(journal_probe, root).error.find("no machine-id") != std::string::npos);
  root.write("etc/machine-id", "../../etc\n");
  CHECK(ProbeUnderTest(journal_probe, root).error.find("no machine-id") != std::string::npos);
  root.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  CHECK(ProbeUnderTest(journal_probe, root).error.find("keeps no journal") != std::string::npos);
  root.write("var/log/journal/0123456789abcdef0123456789abcdef/system.journal", "this is no journal");
  CHECK(ProbeUnderTest(journal_probe, root).error.find("cannot be read") != std::string::npos);
}
