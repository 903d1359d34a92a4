// SPDX-License-Identifier: Apache-2.0
#include "agent/probe/probe_set.h"

#include <sys/eventfd.h>

#include <map>

#include "../fake_root.h"
#include "agent/base/clock.h"
#include "detect/model/names.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

const ProbeSettings kSettings;

// What the fake probes do, by name.
struct Script {
  Duration interval = std::chrono::seconds(1);
  std::optional<Error> make_error, read_error, ready_error;
  bool throws = false;
  Duration work_to_make{};
  int made = 0, reads = 0, readies = 0;
  Fd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};
std::map<std::string, Script> scripts;

class ScriptedProbe final : public Probe {
 public:
  explicit ScriptedProbe(Script& script) : script_(script) {}
  Status read(MonoTime, Sink&) override {
    ++script_.reads;
    if (script_.throws) throw std::bad_alloc();
    if (script_.read_error) return *script_.read_error;
    return ok();
  }
  std::vector<int> descriptors() const override { return {script_.event.get()}; }
  Status on_ready(MonoTime, Sink&) override {
    ++script_.readies;
    if (script_.ready_error) return *script_.ready_error;
    eventfd_t count = 0;
    (void)::eventfd_read(script_.event.get(), &count);
    return ok();
  }
  Duration interval() const override { return script_.interval; }

 private:
  Script& script_;
};

template <const char* kName>
Result<std::unique_ptr<Probe>> make(const ProbeContext&) {
  Script& script = scripts[kName];
  ++script.made;
  for (const Duration begin = thread_cpu_time(); thread_cpu_time() - begin < script.work_to_make;) continue;
  if (script.make_error) return *script.make_error;
  return std::unique_ptr<Probe>(std::make_unique<ScriptedProbe>(script));
}
constexpr char kOne[] = "one", kTwo[] = "two";
const ProbeInfo one_info{kOne, "", std::chrono::seconds(1), "", "", {}, make<kOne>};
const ProbeInfo two_info{kTwo, "", std::chrono::seconds(1), "", "", {}, make<kTwo>, ProbePriority::detail};
constexpr const ProbeInfo* kInfos[] = {&one_info, &two_info};

struct Fixture {
  explicit Fixture(std::vector<std::string> enabled = {}, std::vector<std::string> disabled = {})
      : set(kInfos, ProbeContext{roots, kSettings}, builder, enabled, disabled) {}
  // "one=available ..." of the events since the last call.
  std::string states() {
    std::string text;
    while (builder.pending()) {
      for (const Event& event : builder.next(at_second(1000), WallTime{}).events) {
        if (event.kind != EventKind::probe_state) continue;
        text += std::string(event.get(attr::kProbeName)) + "=" + std::string(event.get(attr::kProbeState));
        if (!event.get(attr::kProbeReason).empty()) text += "(" + std::string(event.get(attr::kProbeReason)) + ")";
        text += " ";
      }
      builder.sent();
    }
    return text;
  }
  bool dispatch(MonoTime now) {
    std::vector<pollfd> polled;
    set.add_descriptors(polled);
    if (polled.empty()) return false;
    (void)::poll(polled.data(), polled.size(), 0);
    return set.on_ready(polled, now);
  }
  Roots roots;
  FrameBuilder builder;
  ProbeSet set;
};

struct FreshScripts {
  FreshScripts() {
    scripts.clear();
    scripts["one"];
    scripts["two"];
  }
};

}  // namespace

TEST_CASE("schedule: whole seconds, rounded up, never before the next one") {
  Schedule schedule;
  const auto ms = [](std::int64_t n) { return mono_from_ns(n * 1'000'000); };
  CHECK(schedule.due(ms(0)));
  schedule.ran(ms(10'700), std::chrono::seconds(2));
  CHECK(!schedule.due(ms(11'999)));
  CHECK(schedule.due(ms(12'000)));
  schedule.ran(ms(12'001), std::chrono::milliseconds(1500));
  CHECK(!schedule.due(ms(13'999)));
  CHECK(schedule.due(ms(14'000)));
  schedule.ran(ms(14'000), Duration(0));
  CHECK(!schedule.due(ms(14'999)));
  CHECK(schedule.due(ms(15'000)));
}

TEST_CASE("probe set: where making one takes long, the next waits for another tick, and what runs goes on") {
  FreshScripts fresh;
  scripts["one"].work_to_make = std::chrono::milliseconds(1020);
  Fixture f;
  CHECK(f.set.makes(at_second(10)));
  f.set.tick(at_second(10));
  CHECK(scripts["one"].reads == 1);
  CHECK(scripts["two"].made == 0);
  CHECK(f.set.makes(at_second(11)));
  f.set.tick(at_second(11));
  CHECK(!f.set.makes(at_second(12)));
  CHECK(scripts["one"].reads == 2);
  CHECK(scripts["two"].reads == 1);
}

TEST_CASE("probe set: each probe in its own interval, its state told once") {
  FreshScripts fresh;
  scripts["two"].interval = std::chrono::seconds(3);
  Fixture f;
  for (int second = 10; second < 16; ++second) f.set.tick(at_second(second));
  CHECK(scripts["one"].reads == 6);
  CHECK(scripts["two"].reads == 2);
  CHECK(f.states() == "one=available two=available ");
}

TEST_CASE("probe set: errors become states, once per change, and cost one probe only") {
  FreshScripts fresh;
  Fixture f;
  scripts["one"].read_error = make_error(ErrorCode::io, "broken");
  f.set.tick(at_second(1));
  f.set.tick(at_second(2));
  CHECK(f.states() == "one=unavailable(broken) two=available ");
  scripts["one"].read_error = make_error(ErrorCode::timeout, "slow");
  scripts["two"].throws = true;
  f.set.tick(at_second(3));
  CHECK(f.states() == "one=late(slow) two=unavailable(exception: std::bad_alloc) ");
  scripts["one"].read_error.reset();
  f.set.tick(at_second(4));
  CHECK(f.states() == "one=available ");
  CHECK(scripts["two"].reads == 4);
}

TEST_CASE("probe set: what this host cannot do is not tried again, anything else is") {
  FreshScripts fresh;
  scripts["one"].make_error = make_error(ErrorCode::unsupported, "not here, because of the test");
  scripts["two"].make_error = make_error(ErrorCode::io, "no bus yet");
  Fixture f;
  for (int second = 0; second < 60; ++second) f.set.tick(at_second(second));
  CHECK(scripts["one"].made == 1);
  CHECK(scripts["two"].made == 2);
  CHECK(f.states() == "one=unavailable(not here, because of the test) two=unavailable(no bus yet) ");
  scripts["two"].make_error.reset();
  f.set.tick(at_second(60));
  CHECK(scripts["two"].reads == 1);
  CHECK(f.states() == "two=available ");
}

TEST_CASE("probe set: ready descriptors call their own probe; one that fails is left alone until its next read") {
  FreshScripts fresh;
  Fixture f;
  f.set.tick(at_second(1));
  CHECK(!f.dispatch(at_second(1)));
  REQUIRE(::eventfd_write(scripts["two"].event.get(), 1) == 0);
  CHECK(f.dispatch(at_second(1)));
  CHECK(scripts["one"].readies == 0);
  CHECK(scripts["two"].readies == 1);
  CHECK(!f.dispatch(at_second(1)));
  (void)f.states();

  scripts["one"].ready_error = make_error(ErrorCode::io, "lost the bus");
  REQUIRE(::eventfd_write(scripts["one"].event.get(), 1) == 0);
  CHECK(f.dispatch(at_second(1)));
  CHECK(!f.dispatch(at_second(1)));  // still readable, not asked
  CHECK(scripts["one"].readies == 1);
  f.set.tick(at_second(2));
  CHECK(f.dispatch(at_second(2)));
  f.set.tick(at_second(3));
  CHECK(f.states() == "one=unavailable(lost the bus) ");  // a good read does not hide it
  scripts["one"].ready_error.reset();
  CHECK(f.dispatch(at_second(3)));
  f.set.tick(at_second(4));
  CHECK(f.states() == "one=available ");
}

TEST_CASE("probe set: what is switched off is not made and says so") {
  FreshScripts fresh;
  Fixture only_two({"two"});
  only_two.set.tick(at_second(1));
  CHECK(scripts["one"].made == 0);
  CHECK(only_two.states() == "one=unavailable(not here, because it is switched off) two=available ");
  Fixture not_two({}, {"two"});
  not_two.set.tick(at_second(1));
  CHECK(scripts["one"].made == 1);
  CHECK(scripts["two"].made == 1);
}

TEST_CASE("probe set: the pace stretches intervals by tier, puts a probe away and calls it back") {
  FreshScripts fresh;
  Fixture f;
  f.set.set_pace({.vital = 1, .useful = 2, .detail = 4});
  for (int second = 0; second < 8; ++second) f.set.tick(at_second(second));
  CHECK(scripts["one"].reads == 4);
  CHECK(scripts["two"].reads == 2);
  (void)f.states();

  f.set.set_pace({.vital = 1, .useful = 1, .detail = 0});
  f.set.tick(at_second(8));
  f.set.tick(at_second(9));
  CHECK(f.states() == "two=unavailable(not now, because the agent would cost more than its budget) ");
  CHECK(scripts["two"].reads == 2);
  REQUIRE(::eventfd_write(scripts["two"].event.get(), 1) == 0);
  CHECK(!f.dispatch(at_second(9)));

  f.set.set_pace({});
  f.set.tick(at_second(10));
  CHECK(scripts["two"].made == 2);
  CHECK(f.states() == "two=available ");
}
