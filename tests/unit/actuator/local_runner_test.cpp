// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/local_runner.h"

#include <thread>

#include "agent/actuator/capability.h"
#include "agent/actuator/effect_output.h"
#include "tests/unit/actuator/actuator_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

struct Setting {
  TempDir dir;
  Fd cancel{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)}, stop{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  LocalRunner runner{{dir.path, cancel.get(), stop.get()}};
  TransientUnit unit(const std::string& script, Duration timeout = std::chrono::seconds(20)) const {
    return {"hostmedic-order-x.service", "test", {"/bin/sh", "-c", script}, {}, timeout};
  }
};
void set(const Fd& event) {
  const std::uint64_t one = 1;
  REQUIRE(::write(event.get(), &one, sizeof one) == sizeof one);
}

}  // namespace

TEST_CASE("what must be shut in, or run as another user, is refused") {
  Setting setting;
  TransientUnit script = setting.unit("echo ran");
  script.openings.confined = true;
  CHECK(setting.runner.run(script).error().code == ErrorCode::unsupported);
  script.openings.confined = false;
  script.openings.user = "nobody";
  CHECK(setting.runner.run(script).error().code == ErrorCode::unsupported);
  script.openings.user.clear();
  CHECK(setting.runner.run(script)->output == "ran\n");
}

TEST_CASE("a command runs to its end, its report is kept, its name stays taken until released") {
  Setting setting;
  const auto ended = setting.runner.run(setting.unit("echo bytes_freed=7; echo exit=0"));
  REQUIRE(ended);
  CHECK(ended->started);
  CHECK(ended->result == "success");
  CHECK(ended->output == "bytes_freed=7\nexit=0\n");
  const auto again = setting.runner.run(setting.unit("echo again"));
  REQUIRE(again);
  CHECK_FALSE(again->started);
  // A later life finds the report.
  const auto adopted = setting.runner.adopt("hostmedic-order-x.service", std::chrono::seconds(1));
  REQUIRE(adopted);
  REQUIRE(adopted->has_value());
  CHECK((*adopted)->result == "success");
  setting.runner.release("hostmedic-order-x.service");
  CHECK(std::filesystem::is_empty(setting.dir.path));
  CHECK_FALSE(setting.runner.adopt("hostmedic-order-x.service", std::chrono::seconds(1))->has_value());
}

TEST_CASE("failures are told apart") {
  Setting setting;
  auto ended = setting.runner.run(setting.unit("exit 3"));
  CHECK(ended->result == "exit-code");
  CHECK(ended->exit_status == 3);
  setting.runner.release("hostmedic-order-x.service");
  ended = setting.runner.run(setting.unit("kill -9 $$"));
  CHECK(ended->result == "signal");
  setting.runner.release("hostmedic-order-x.service");
  TransientUnit missing = setting.unit("");
  missing.argv = {"/no/such/program"};
  CHECK(setting.runner.run(missing)->exit_status == 127);
  setting.runner.release("hostmedic-order-x.service");
  CHECK(setting.runner.run(setting.unit("sleep 60", std::chrono::milliseconds(20)))->result == "timeout");
  // What was killed left no end, so a later life knows nothing of it.
  CHECK_FALSE(setting.runner.adopt("hostmedic-order-x.service", std::chrono::seconds(1))->has_value());
}

TEST_CASE("a cancelled command is ended, a stop leaves it alone") {
  Setting setting;
  SUBCASE("cancel") {
    set(setting.cancel);
    CHECK(setting.runner.run(setting.unit("sleep 60"))->result == "cancelled");
  }
  SUBCASE("stop") {
    set(setting.stop);
    const auto ended = setting.runner.run(setting.unit("read line <" + setting.dir / "never; exit 0"));
    if (!ended) CHECK(ended.error().code == ErrorCode::conflict);
    if (ended) CHECK(ended->started);  // it was quicker
  }
}

TEST_CASE("a flood of output is cut") {
  Setting setting;
  const auto ended = setting.runner.run(setting.unit("head -c 100000 /dev/zero | tr '\\0' x"));
  REQUIRE(ended);
  CHECK(ended->output.size() == kMostEffectOutput);
}

TEST_CASE("a command has the capabilities of its entry at most") {
  Setting setting;
  const auto ended = setting.runner.run(setting.unit(
      "while read -r name value; do case $name in CapEff:|NoNewPrivs:) echo $value;; esac; done < /proc/self/status"));
  REQUIRE(ended);
  CHECK(ended->output == "0000000000000000\n1\n");
  const std::string names[] = {"CAP_CHOWN", "CAP_KILL", "nonsense"};
  CHECK(capability_mask(names) == ((1U << 0) | (1U << 5)));
}

TEST_CASE("without systemd no service is restarted") {
  Setting setting;
  CHECK(setting.runner.status("nginx.service").error().code == ErrorCode::unsupported);
  CHECK(setting.runner.job("nginx.service", UnitJob::restart, std::chrono::seconds(1)).error().code ==
        ErrorCode::unsupported);
}

TEST_CASE("a command of an earlier life is waited for: to its end, to the deadline, or until the actuator stops") {
  Setting setting;
  const auto adopt = [&](Duration deadline) { return setting.runner.adopt("hostmedic-order-x.service", deadline); };
  std::thread earlier([&] { CHECK(setting.runner.run(setting.unit("sleep 2; echo exit=3; exit 3"))); });
  while (std::filesystem::is_empty(setting.dir.path)) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(adopt(std::chrono::milliseconds(50)).error().code == ErrorCode::timeout);
  const auto ended = adopt(std::chrono::seconds(20));
  earlier.join();
  REQUIRE(ended);
  REQUIRE(ended->has_value());
  CHECK((*ended)->exit_status == 3);
  setting.runner.release("hostmedic-order-x.service");
  std::thread later([&] { (void)setting.runner.run(setting.unit("sleep 2")); });
  while (std::filesystem::is_empty(setting.dir.path)) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  set(setting.stop);
  CHECK(adopt(std::chrono::seconds(20)).error().code == ErrorCode::conflict);
  later.join();
}
