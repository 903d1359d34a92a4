// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include "../fake_root.h"
#include "../recording_sink.h"
#include "probes/kernel/clock_state.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo clock_probe;
}

TEST_CASE("clock state: units of the kernel become seconds and ratios") {
  timex kernel{};
  kernel.offset = -1500;
  kernel.esterror = 250;
  kernel.maxerror = 16'000'000;
  kernel.freq = 65536 * 20;
  kernel.status = STA_PLL;
  ClockState state = clock_state(kernel, TIME_OK);
  CHECK(state.offset_s == doctest::Approx(-1.5e-3));
  CHECK(state.estimated_error_s == doctest::Approx(250e-6));
  CHECK(state.maximum_error_s == doctest::Approx(16));
  CHECK(state.frequency == doctest::Approx(20e-6));
  CHECK(state.synchronized);
  CHECK(state.leap_s == 0);
  kernel.status |= STA_NANO;
  CHECK(clock_state(kernel, TIME_INS).offset_s == doctest::Approx(-1.5e-6));
  CHECK(clock_state(kernel, TIME_INS).leap_s == 1);
  CHECK(clock_state(kernel, TIME_DEL).leap_s == -1);
  CHECK(!clock_state(kernel, TIME_ERROR).synchronized);
  kernel.status |= STA_UNSYNC;
  CHECK(!clock_state(kernel, TIME_OK).synchronized);
}

TEST_CASE("clock steps: a set clock is told with its sign, a slewed one and a suspend are not") {
  StepWatch watch;
  const auto wall = [](double s) { return wall_from_ns(static_cast<std::int64_t>(s * 1e9)); };
  const auto mono = [](double s) { return mono_from_ns(static_cast<std::int64_t>(s * 1e9)); };
  CHECK(!watch.look(wall(1000), mono(10)));
  CHECK(!watch.look(wall(1010.005), mono(20)));    // 500 ppm
  CHECK(!watch.look(wall(4610.005), mono(3620)));  // an hour's sleep: both go on
  CHECK(watch.look(wall(4600.005), mono(3620)) == Duration(std::chrono::seconds(-10)));
  CHECK(!watch.look(wall(4601.005), mono(3621)));
  CHECK(watch.look(wall(4601.055), mono(3621)) == Duration(std::chrono::milliseconds(50)));
}

TEST_CASE("clock astray: steps of another hand add up until a time service has the clock again") {
  using std::chrono::seconds;
  Astray never_kept;
  never_kept.seen(false);
  never_kept.stepped(seconds(3600));
  CHECK(never_kept.by() == Duration{});  // nobody knows whether it was right before

  Astray astray;
  astray.seen(true);
  astray.stepped(seconds(3600));
  astray.seen(false);
  CHECK(astray.by() == seconds(3600));
  astray.stepped(seconds(-3590));  // set back, not quite
  CHECK(astray.by() == seconds(10));
  astray.seen(true);
  CHECK(astray.by() == Duration{});
  astray.stepped(seconds(-30));  // the service itself
  astray.seen(true);
  CHECK(astray.by() == Duration{});
}

TEST_CASE("clock probe: the state of this machine's clock") {
  FakeRoot root;
  const std::string source = "sys/devices/system/clocksource/clocksource0/current_clocksource";
  root.write(source, "tsc\n");
  ProbeUnderTest clock(clock_probe, root);
  REQUIRE(clock.probe);
  RecordingSink sink;
  REQUIRE(clock.probe->read(at_second(10), sink));
  CHECK(sink.told.empty());
  CHECK(sink.values.at("host hostmedic.clock.error.maximum").value() >= 0);
  CHECK(std::abs(sink.values.at("host hostmedic.clock.frequency").value()) <= 500e-6);
  CHECK(sink.values.at("host hostmedic.clock.steps") == 0);
  // Nobody sets the clock now, and the timer lies far ahead.
  pollfd polled{clock.probe->descriptors().at(0), POLLIN, 0};
  CHECK(::poll(&polled, 1, 0) == 0);
  REQUIRE(clock.probe->on_ready(at_second(11), sink));

  root.write(source, "hpet\n");
  REQUIRE(clock.probe->read(at_second(20), sink));
  REQUIRE(sink.told.size() == 1);
  CHECK(sink.told[0].event.kind == EventKind::hardware_fault);
  CHECK(sink.told[0].get("hardware.type") == "clocksource");
  CHECK(sink.told[0].get("hardware.state") == "hpet");
  CHECK(sink.told[0].get("hardware.previous_state") == "tsc");
  REQUIRE(clock.probe->read(at_second(30), sink));
  CHECK(sink.told.size() == 1);
}
