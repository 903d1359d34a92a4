// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments: of the actuator while it carries out orders and undos, and of the effects that run for it.
// Everything is real but systemd: ledger, guard, runner with its locks, and effects as processes that leave a mark.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <map>
#include <random>
#include <thread>

#include "actions/catalog/effect_unit.h"
#include "agent/actuator/local_runner.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "tests/unit/actuator/actuator_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

constexpr int kPoints = 200;
constexpr int kOrdersAtOnce = 4;

// Each start of the effect leaves a line: "do service:u7.service" or "undo service:u7.service".
constexpr const char* kEffect = R"(#!/bin/sh
what=do
for word; do
  case $word in --target=*) target=${word#--target=};; --undo) what=undo;; esac
done
echo "$what $target" >>"${0%/*}/marks"
echo $$ >>"${0%/*}/pids"
sleep 0.0$(($$ % 3))
echo was=7
echo exit=0
)";

const EffectInfo kMark{
    .action = "service.restart",
    .inspect = [](const Plan&, const EffectContext&, std::string&) { return guard::TargetState::faulty; },
    .execute = [](const Order& order, const EffectContext& context) { return run_in_unit(order, context, {}); },
    .inside = nullptr,
    .undo = [](const Order& order, const Outcome& first,
               const EffectContext& context) { return undo_in_unit(order, first, context, {}); }};
const EffectInfo* const kEffects[] = {&kMark};

std::string key_of(int number, char kind) { return kind + strf("%023d", number); }

struct Torture {
  Torture() {
    std::ofstream(dir / "effect") << kEffect;
    REQUIRE(::chmod((dir / "effect").c_str(), 0700) == 0);
    REQUIRE(::mkdir((dir / "scratch").c_str(), 0700) == 0);
    policy.tier = Tier::automatic;
    policy.cooldown = {};
    policy.per_host = {100'000, std::chrono::hours(1)};
    policy.per_runbook = {100'000, std::chrono::hours(1)};
    policy.crash_loop_restarts = policy.disarm_failures = 100'000;
  }
  Order order(int number) const {
    Order order = restart_order();
    order.key = key_of(number, 'a');
    order.plan.target.name = strf("u%d.service", number);
    order.issued_at = wall_now();
    order.expires_at = order.issued_at + std::chrono::minutes(1);
    return order;
  }
  Order undo(int number) const {
    Order undo = order(number);
    undo.key = key_of(number, 'b');
    undo.undoes = key_of(number, 'a');
    return undo;
  }
  // A life of the actuator: what an earlier one left, then these orders and their undos.
  template <class Told>
  void live(int first, int last, Told told) {
    LocalRunner runner({dir / "scratch", -1, -1});
    Actuator actuator({.ledger = Ledger::open(dir / "ledger.db"),
                       .manager = runner,
                       .policy = [this]() -> Result<guard::Policy> { return policy; },
                       .wall = wall_now,
                       .uptime = [] { return mono_now().time_since_epoch(); },
                       .stopping = [] { return false; },
                       .effect_program = dir / "effect",
                       .scratch = dir / "scratch",
                       .effects = kEffects,
                       .boot = "boot 1"});
    actuator.recover();
    for (int number = first; number < last; ++number) {
      told(actuator.carry_out(order(number)));
      if (number % 2 == 0) told(actuator.carry_out(undo(number)));
    }
  }
  std::vector<std::string> lines(const std::string& name) const {
    std::vector<std::string> all;
    std::ifstream in(dir / name);
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }

  TempDir dir;
  guard::Policy policy;
};

// The newest effect, if it still runs: what was started by the runner under test, in a group of its own.
void kill_newest_effect(const Torture& torture) {
  const auto pids = torture.lines("pids");
  if (pids.empty()) return;
  const auto number = parse_u64(pids.back());
  const pid_t pid = number ? static_cast<pid_t>(*number) : 0;
  const std::string command =
      read_file("/proc/" + pids.back() + "/cmdline", kib(64)).value_or("");  // it may be gone while it is read
  if (pid > 1 && command.find(torture.dir / "effect") != std::string::npos) (void)::kill(pid, SIGKILL);
}

}  // namespace

TEST_CASE("kill -9 at 200 random points: nothing twice, no row lost, the chain intact, every order explained") {
  const unsigned seed = seed_of_run();
  std::mt19937 random(seed);
  set_log_level(LogLevel::error);
  Torture torture;
  int interrupted_lives = 0;
  std::chrono::microseconds life(300'000);  // how long one takes here that nobody cuts short; as last seen
  for (int point = 0; point < kPoints; ++point) {
    // Half of the orders are asked for again that an earlier life was killed over, as the agent does.
    const int first = std::max(0, point - 1) * kOrdersAtOnce / 2, last = first + kOrdersAtOnce;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const Fd told(::open((torture.dir / "told").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
      torture.live(first, last, [&](const Outcome& outcome) {
        const std::string line = outcome.key + " " + std::string(to_string(outcome.result)) + "\n";
        (void)!::write(told.get(), line.data(), line.size());
      });
      ::_exit(0);
    }
    const auto begin = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::microseconds(random() % life.count()));
    const auto victim = random() % 5;
    if (victim < 2) kill_newest_effect(torture);
    if (victim > 0) (void)::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) {
      ++interrupted_lives;
    } else {
      const auto took = std::chrono::steady_clock::now() - begin;
      life = std::max(std::chrono::microseconds(2000), std::chrono::duration_cast<std::chrono::microseconds>(took));
    }
  }
  torture.live(0, 0, [](const Outcome&) {});  // the last one is left to find out
  set_log_level(LogLevel::info);
  CHECK(interrupted_lives > kPoints / 4);

  std::map<std::string, int> marks;
  for (const std::string& line : torture.lines("marks")) ++marks[line];
  auto ledger = Ledger::open(torture.dir / "ledger.db");
  REQUIRE(ledger);
  CHECK(ledger->open_rows()->empty());
  CHECK_MESSAGE(ledger->audit()->broken.empty(), ledger->audit()->broken);
  std::map<OutcomeResult, int> results;
  for (int number = 0; number <= (kPoints + 2) * kOrdersAtOnce / 2; ++number) {
    for (const char kind : {'a', 'b'}) {
      const std::string mark = (kind == 'a' ? "do service:" : "undo service:") + torture.order(number).plan.target.name;
      const auto row = ledger->find(key_of(number, kind));
      REQUIRE(row);
      CAPTURE(mark);
      CHECK(marks[mark] <= 1);
      CHECK((marks[mark] == 0 || *row));  // what was done is in the ledger
      if (!*row) continue;
      const OutcomeResult result = (*row)->outcome->result;
      ++results[result];
      CHECK((result == OutcomeResult::done || result == OutcomeResult::failed || result == OutcomeResult::interrupted));
      CHECK((result != OutcomeResult::done || marks[mark] == 1));
      CHECK_FALSE((*row)->outcome->text.empty());
    }
  }
  int told = 0;
  for (const std::string& line : torture.lines("told")) {
    const auto row = ledger->find(line.substr(0, 24));
    const std::string result = line.substr(25);
    if (result == "refused") continue;  // never begun
    REQUIRE(*row);
    CHECK(to_string((*row)->outcome->result) == result);
    ++told;
  }
  CHECK(told > kPoints / 8);
  MESSAGE(interrupted_lives, " lives ended by kill -9; ", results[OutcomeResult::done], " orders done, ",
          results[OutcomeResult::failed], " failed, ", results[OutcomeResult::interrupted], " interrupted; ", told,
          " outcomes told and kept");
}
