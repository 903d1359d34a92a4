// SPDX-License-Identifier: Apache-2.0
// What the actuator makes of a systemd that refuses, does not answer, answers nonsense or goes away.
#include "agent/actuator/systemd_bus.h"

#include "agent/actuator/effect_output.h"
#include "agent/base/clock.h"
#include "tests/unit/actuator/fake_systemd.h"

using namespace hostmedic;
using namespace hostmedic::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr const char* kUnit = "hostmedic-order-0.service";

struct Bus {
  TempDir outputs;
  Fd cancel{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)}, stop{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  FakeSystemd fake;
  SystemdBus bus{{outputs.path, cancel.get(), stop.get()}};

  TransientUnit unit(Duration timeout = seconds(5)) const {
    TransientUnit unit;
    unit.name = kUnit;
    unit.argv = {"/bin/true", "one"};
    unit.timeout = timeout;
    return unit;
  }
  static void raise(const Fd& event) {
    const std::uint64_t one = 1;
    REQUIRE(::write(event.get(), &one, sizeof one) == sizeof one);
  }
};

}  // namespace

TEST_CASE("systemd bus: a job's end is systemd's word, whichever of reply and signal comes first") {
  Bus with;
  with.fake.handlers["RestartUnit"] = FakeSystemd::job("done");
  with.fake.handlers["StopUnit"] = FakeSystemd::job("dependency");
  with.fake.handlers["StartUnit"] = FakeSystemd::error("org.freedesktop.systemd1.NoSuchUnit");
  with.fake.handlers["ReloadUnit"] = FakeSystemd::error(SD_BUS_ERROR_ACCESS_DENIED);
  with.fake.start();
  CHECK(with.bus.job("a.service", UnitJob::restart, seconds(5)));
  const Status stopped = with.bus.job("a.service", UnitJob::stop, seconds(5));
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().message() == "the job ended with dependency");
  CHECK(with.bus.job("a.service", UnitJob::start, seconds(5)).error().code == ErrorCode::not_found);
  CHECK(with.bus.job("a.service", UnitJob::reload, seconds(5)).error().code == ErrorCode::denied);
}

TEST_CASE("systemd bus: a job that does not end is given up at its deadline, and when the actuator stops") {
  Bus with;
  with.fake.handlers["RestartUnit"] = FakeSystemd::path("/job/7");
  with.fake.start();
  const MonoTime begin = mono_now();
  CHECK(with.bus.job("a.service", UnitJob::restart, milliseconds(100)).error().code == ErrorCode::timeout);
  CHECK(mono_now() - begin < seconds(3));
  Bus::raise(with.cancel);  // half a restart is the worse state
  CHECK(with.bus.job("a.service", UnitJob::restart, milliseconds(100)).error().code == ErrorCode::timeout);
  Bus::raise(with.stop);
  CHECK(with.bus.job("a.service", UnitJob::restart, seconds(60)).error().code == ErrorCode::conflict);
}

TEST_CASE("systemd bus: a connection that breaks is an error once, and opened again by the next call") {
  Bus with;
  FakeSystemd& fake = with.fake;
  fake.handlers["RestartUnit"] = [&fake](sd_bus_message* call) {
    sd_bus_reply_method_return(call, "o", "/job/7");
    fake.hang_up();
  };
  fake.handlers["StopUnit"] = FakeSystemd::job("done");
  fake.start();
  const Status broken = with.bus.job("a.service", UnitJob::restart, seconds(2));
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message() != "");
  CHECK(with.bus.job("a.service", UnitJob::stop, seconds(5)));
}

TEST_CASE("systemd bus: where nobody may subscribe there is no connection") {
  Bus with;
  with.fake.handlers["Subscribe"] = FakeSystemd::error(SD_BUS_ERROR_ACCESS_DENIED);
  with.fake.start();
  const auto unit = with.bus.status("a.service");
  REQUIRE_FALSE(unit);
  CHECK(unit.error().message().find("no connection to systemd") == 0);
  // Everything says so; nothing is taken for done.
  CHECK_FALSE(with.bus.job("a.service", UnitJob::restart, seconds(1)));
  CHECK_FALSE(with.bus.set_numbers("a.service", {}));
  CHECK_FALSE(with.bus.kill("a.service", true, 15));
  CHECK_FALSE(with.bus.names("a.service", "Requires"));
  CHECK_FALSE(with.bus.freeze("a.service", true));
  CHECK_FALSE(with.bus.run(with.unit()));
  CHECK_FALSE(with.bus.adopt(kUnit, seconds(1)));
  CHECK_FALSE(with.bus.schedule(with.unit(), seconds(1)));
}

TEST_CASE("systemd bus: a subscription that is there already is as good") {
  Bus with;
  with.fake.handlers["Subscribe"] = FakeSystemd::error("org.freedesktop.systemd1.AlreadySubscribed");
  with.fake.loaded("active");
  with.fake.start();
  const auto unit = with.bus.status("a.service");
  REQUIRE(unit);
  CHECK(unit->active_state == "active");
  CHECK(unit->main_pid == 42);
  CHECK(unit->restarts == 3);
  const auto up = std::chrono::steady_clock::now().time_since_epoch();
  CHECK(unit->age <= up - seconds(1));
  CHECK(unit->age > up - seconds(61));
}

TEST_CASE("systemd bus: a property that cannot be read makes the status unknown, not healthy") {
  for (const char* missing : {"Get LoadState", "Get ActiveState", "Get Result", "Get MainPID", "Get NRestarts",
                              "Get ExecMainStartTimestampMonotonic"}) {
    CAPTURE(missing);
    Bus with;
    with.fake.loaded("active");
    with.fake.handlers.erase(missing);
    with.fake.start();
    CHECK_FALSE(with.bus.status("a.service"));
  }
  Bus with;
  with.fake.loaded("inactive");
  with.fake.handlers["Get LoadState"] = FakeSystemd::text("not-found");
  with.fake.handlers["Get MainPID"] = FakeSystemd::text("not a number");
  with.fake.start();
  const auto absent = with.bus.status("a.service");
  REQUIRE(absent);
  CHECK(absent->load_state == "not-found");
  const std::string_view names[] = {"MainPID"};
  CHECK_FALSE(with.bus.numbers("a.service", names));
}

TEST_CASE("systemd bus: a unit path that is no path is an error") {
  Bus with;
  with.fake.handlers["LoadUnit"] =
      with.fake.handlers["StartUnit"] = [](sd_bus_message* call) { sd_bus_reply_method_return(call, "u", 1u); };
  with.fake.handlers["StartTransientUnit"] = with.fake.handlers["StartUnit"];
  with.fake.start();
  CHECK_FALSE(with.bus.status("a.service"));
  CHECK_FALSE(with.bus.names("a.service", "Requires"));
  CHECK_FALSE(with.bus.job("a.service", UnitJob::start, seconds(1)));
  CHECK_FALSE(with.bus.run(with.unit()));
}

TEST_CASE("systemd bus: lists of names and numbers") {
  Bus with;
  with.fake.handlers["Get Requires"] = [](sd_bus_message* call) {
    sd_bus_reply_method_return(call, "v", "as", 2, "a.service", "b.service");
  };
  with.fake.handlers["Get MemoryMax"] = FakeSystemd::number("t", std::uint64_t{99});
  with.fake.handlers["SetUnitProperties"] = FakeSystemd::nothing();
  with.fake.start();
  const auto names = with.bus.names("a.service", "Requires");
  REQUIRE(names);
  CHECK(*names == std::vector<std::string>{"a.service", "b.service"});
  CHECK_FALSE(with.bus.names("a.service", "BoundBy"));
  const std::string_view wanted[] = {"MemoryMax"};
  const auto numbers = with.bus.numbers("a.service", wanted);
  REQUIRE(numbers);
  CHECK(numbers->at(0).value == 99);
  CHECK(with.bus.set_numbers("a.service", *numbers));
}

TEST_CASE("systemd bus: a limit that systemd does not take is an error") {
  Bus with;
  with.fake.handlers["SetUnitProperties"] = FakeSystemd::error(SD_BUS_ERROR_UNKNOWN_PROPERTY);
  with.fake.start();
  const UnitNumber number{"MemoryMax", 1};
  const Status set = with.bus.set_numbers("a.service", std::span(&number, 1));
  REQUIRE_FALSE(set);
  CHECK(set.error().code == ErrorCode::unsupported);
}

TEST_CASE("systemd bus: a freeze that systemd grants and the kernel does not keep is none") {
  Bus with;
  with.fake.loaded("active");
  with.fake.handlers["FreezeUnit"] = with.fake.handlers["ThawUnit"] = FakeSystemd::nothing();
  with.fake.start();
  const Status frozen = with.bus.freeze("a.service", true);
  REQUIRE_FALSE(frozen);
  CHECK(frozen.error().code == ErrorCode::unsupported);
  CHECK(with.bus.freeze("a.service", false));
}

TEST_CASE("systemd bus: a freeze of which nobody says whether it holds is an error") {
  Bus with;
  with.fake.handlers["FreezeUnit"] = FakeSystemd::nothing();
  with.fake.handlers["ThawUnit"] = FakeSystemd::error(SD_BUS_ERROR_NOT_SUPPORTED);
  with.fake.start();
  CHECK_FALSE(with.bus.freeze("a.service", true));
  CHECK(with.bus.freeze("a.service", false).error().code == ErrorCode::unsupported);
}

TEST_CASE("systemd bus: a signal for a process that is not there") {
  {
    Bus taking;
    taking.fake.handlers["KillUnit"] = FakeSystemd::nothing();
    taking.fake.start();
    CHECK(taking.bus.kill("a.service", true, 15));
  }
  Bus with;
  with.fake.handlers["KillUnit"] = FakeSystemd::error("org.freedesktop.systemd1.NoSuchProcess");
  with.fake.start();
  CHECK(with.bus.kill("a.service", true, 15).error().code == ErrorCode::not_found);
  Bus refusing;
  refusing.fake.handlers["KillUnit"] = FakeSystemd::error(SD_BUS_ERROR_ACCESS_DENIED);
  refusing.fake.start();
  CHECK(refusing.bus.kill("a.service", false, 9).error().code == ErrorCode::denied);
}

TEST_CASE("systemd bus: a unit of an order that exists is not started again") {
  Bus with;
  with.fake.handlers["StartTransientUnit"] = FakeSystemd::error("org.freedesktop.systemd1.UnitExists");
  with.fake.start();
  const auto ran = with.bus.run(with.unit());
  REQUIRE(ran);
  CHECK_FALSE(ran->started);
}

TEST_CASE("systemd bus: a unit that ended tells how, with its output") {
  Bus with;
  with.fake.loaded("failed");
  with.fake.handlers["StartTransientUnit"] = FakeSystemd::job("failed");
  with.fake.handlers["Get Result"] = FakeSystemd::text("exit-code");
  with.fake.handlers["Get ExecMainStatus"] = FakeSystemd::number("i", 3);
  std::ofstream(effect_output_path(with.outputs.path, kUnit)) << "text=nothing to do\n";
  with.fake.start();
  const auto ran = with.bus.run(with.unit());
  REQUIRE(ran);
  CHECK(ran->started);
  CHECK(ran->result == "exit-code");
  CHECK(ran->exit_status == 3);
  CHECK(ran->output == "text=nothing to do\n");
}

TEST_CASE("systemd bus: what became of a unit that systemd does not tell is an error, never success") {
  for (const char* missing : {"Get Result", "Get ExecMainStatus"}) {
    CAPTURE(missing);
    Bus with;
    with.fake.loaded("inactive");
    with.fake.handlers["StartTransientUnit"] = FakeSystemd::job("done");
    with.fake.handlers.erase(missing);
    with.fake.start();
    CHECK_FALSE(with.bus.run(with.unit()));
    CHECK_FALSE(with.bus.adopt(kUnit, seconds(1)));
  }
  Bus gone;
  gone.fake.handlers["StartTransientUnit"] = FakeSystemd::job("done");
  gone.fake.handlers["GetUnit"] = FakeSystemd::error("org.freedesktop.systemd1.NoSuchUnit");
  gone.fake.start();
  CHECK_FALSE(gone.bus.run(gone.unit()));
}

TEST_CASE("systemd bus: a unit that cannot be started is an error") {
  Bus with;
  with.fake.handlers["StartTransientUnit"] = FakeSystemd::error(SD_BUS_ERROR_INVALID_ARGS);
  with.fake.start();
  const auto ran = with.bus.run(with.unit());
  REQUIRE_FALSE(ran);
  CHECK(ran.error().message().find("said so") != std::string::npos);
}

TEST_CASE("systemd bus: the kill switch stops the unit that runs, also when it is forgotten at once") {
  for (const bool forgotten : {false, true}) {
    CAPTURE(forgotten);
    Bus with;
    with.fake.loaded("inactive");
    with.fake.handlers["StartTransientUnit"] = FakeSystemd::path("/job/1");
    with.fake.handlers["StopUnit"] = FakeSystemd::job("done");
    if (forgotten) with.fake.handlers["GetUnit"] = FakeSystemd::error("org.freedesktop.systemd1.NoSuchUnit");
    with.fake.start();
    Bus::raise(with.cancel);
    const auto ran = with.bus.run(with.unit());
    REQUIRE(ran);
    CHECK(ran->started);
    CHECK(ran->result == "cancelled");
  }
}

TEST_CASE("systemd bus: a unit that the kill switch cannot stop is not said to be stopped") {
  Bus with;
  with.fake.loaded("activating");
  with.fake.handlers["StartTransientUnit"] = FakeSystemd::path("/job/1");
  with.fake.handlers["StopUnit"] = FakeSystemd::error(SD_BUS_ERROR_ACCESS_DENIED);
  with.fake.start();
  Bus::raise(with.cancel);
  CHECK(with.bus.run(with.unit()).error().code == ErrorCode::denied);
  CHECK(with.bus.adopt(kUnit, seconds(1)).error().code == ErrorCode::denied);
}

TEST_CASE("systemd bus: a unit of an earlier life is waited for, stopped on demand, and given up in time") {
  SUBCASE("it ends") {
    Bus with;
    with.fake.loaded("activating");
    int asked = 0;
    with.fake.handlers["Get ActiveState"] = [&asked](sd_bus_message* call) {
      sd_bus_reply_method_return(call, "v", "s", ++asked < 3 ? "activating" : "active");
    };
    with.fake.start();
    const auto ended = with.bus.adopt(kUnit, seconds(10));
    REQUIRE(ended);
    REQUIRE(*ended);
    CHECK((*ended)->result == "success");
  }
  SUBCASE("nobody knows it") {
    Bus with;
    with.fake.handlers["GetUnit"] = FakeSystemd::error("org.freedesktop.systemd1.NoSuchUnit");
    with.fake.start();
    const auto ended = with.bus.adopt(kUnit, seconds(1));
    REQUIRE(ended);
    CHECK_FALSE(*ended);
  }
  SUBCASE("its state cannot be read") {
    Bus with;
    with.fake.start();
    CHECK_FALSE(with.bus.adopt(kUnit, seconds(1)));
  }
  SUBCASE("the kill switch") {
    Bus with;
    with.fake.loaded("activating");
    with.fake.handlers["StopUnit"] = FakeSystemd::job("done");
    with.fake.start();
    Bus::raise(with.cancel);
    const auto ended = with.bus.adopt(kUnit, seconds(10));
    REQUIRE(ended);
    REQUIRE(*ended);
    CHECK((*ended)->result == "cancelled");
  }
  SUBCASE("the actuator stops") {
    Bus with;
    with.fake.loaded("activating");
    with.fake.start();
    Bus::raise(with.stop);
    CHECK(with.bus.adopt(kUnit, seconds(10)).error().code == ErrorCode::conflict);
  }
  SUBCASE("it does not end") {
    Bus with;
    with.fake.loaded("deactivating");
    with.fake.start();
    const auto ended = with.bus.adopt(kUnit, -seconds(9));  // beside the ten seconds for its end
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code == ErrorCode::timeout);
  }
}

TEST_CASE("systemd bus: a timer replaces its forerunner, which systemd may take a moment to forget") {
  Bus with;
  int asked = 0;
  with.fake.handlers["StopUnit"] = FakeSystemd::job("done");
  with.fake.handlers["StartTransientUnit"] = [&asked](sd_bus_message* call) {
    if (++asked < 3)
      sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.UnitExists", "still there");
    else
      sd_bus_reply_method_return(call, "o", "/job/1");
  };
  with.fake.start();
  CHECK(with.bus.schedule(with.unit(), seconds(60)));
  CHECK(with.fake.calls("StartTransientUnit") == 3);
  CHECK(with.fake.calls("StopUnit") == 1);
}

TEST_CASE("systemd bus: a timer that cannot be set is said") {
  Bus with;
  with.fake.handlers["StopUnit"] = FakeSystemd::job("done");
  with.fake.handlers["StartTransientUnit"] = FakeSystemd::error("org.freedesktop.systemd1.UnitExists");
  with.fake.start();
  CHECK(with.bus.schedule(with.unit(), seconds(60)).error().code == ErrorCode::conflict);
  CHECK(with.fake.calls("StartTransientUnit") == 20);
  Bus refusing;
  refusing.fake.handlers["GetUnit"] = FakeSystemd::error("org.freedesktop.systemd1.NoSuchUnit");
  refusing.fake.handlers["StartTransientUnit"] = FakeSystemd::error(SD_BUS_ERROR_ACCESS_DENIED);
  refusing.fake.start();
  CHECK(refusing.bus.schedule(refusing.unit(), seconds(60)).error().code == ErrorCode::denied);
  CHECK(refusing.fake.calls("StartTransientUnit") == 1);
}

TEST_CASE("systemd bus: what has ended is stopped, forgotten and its output removed") {
  Bus with;
  with.fake.handlers["StopUnit"] = FakeSystemd::job("done");
  with.fake.handlers["ResetFailedUnit"] = FakeSystemd::nothing();
  std::ofstream(effect_output_path(with.outputs.path, kUnit)) << "x";
  with.fake.start();
  with.bus.release(kUnit);
  CHECK(with.fake.calls("StopUnit") == 1);
  CHECK(with.fake.calls("ResetFailedUnit") == 1);
  CHECK_FALSE(std::filesystem::exists(effect_output_path(with.outputs.path, kUnit)));
  with.bus.forgive("a.service");
  CHECK(with.fake.calls("ResetFailedUnit") == 2);
}
