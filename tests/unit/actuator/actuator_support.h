// SPDX-License-Identifier: Apache-2.0
// What the actuator's tests share: a directory of their own, a manager that only remembers, an order that passes.
#pragma once

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "actions/catalog/effect_table.h"
#include "agent/actuator/actuator.h"
#include "agent/base/fd.h"
#include "agent/base/parse.h"

namespace hostmedic::test {

class TempDir {
 public:
  explicit TempDir(const std::filesystem::path& below = std::filesystem::temp_directory_path()) {
    std::string pattern = (below / "hm-actuator-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

struct FakeManager : ServiceManager {
  Result<UnitStatus> status(const std::string&) override { return now; }
  Status job(const std::string& unit, UnitJob, Duration) override {
    ++restarts;
    last = unit;
    if (on_restart) on_restart();
    now.active_state = "active";
    return ok();
  }
  Result<TransientResult> run(const TransientUnit& unit) override {
    last = unit.name;
    return TransientResult{true, "success", 0, "bytes_freed=7\n"};
  }
  Result<std::optional<TransientResult>> adopt(const std::string& unit, Duration) override {
    adopted.push_back(unit);
    return adoptable;
  }
  Result<std::vector<UnitNumber>> numbers(const std::string&, std::span<const std::string_view> names) override {
    std::vector<UnitNumber> found;
    for (const std::string_view name : names)
      for (const UnitNumber& one : present)
        if (one.name == name) found.push_back(one);
    return found;
  }
  Status set_numbers(const std::string&, std::span<const UnitNumber> wanted) override {
    set.assign(wanted.begin(), wanted.end());
    return ok();
  }
  Result<std::vector<std::string>> names(const std::string&, std::string_view) override { return listed; }
  Status freeze(const std::string& unit, bool on) override {
    frozen.push_back((on ? "freeze " : "thaw ") + unit);
    return ok();
  }
  Status kill(const std::string& unit, bool main_only, int signal) override {
    killed.push_back(unit + (main_only ? " main " : " all ") + std::to_string(signal));
    return ok();
  }
  Status schedule(const TransientUnit& unit, Duration) override {
    if (!can_schedule) return make_error(ErrorCode::unsupported, unit.name);
    scheduled.push_back(unit);
    return ok();
  }
  void unschedule(const std::string& unit) override { unscheduled.push_back(unit); }
  void release(const std::string& unit) override { released.push_back(unit); }

  UnitStatus now{"loaded", "failed", "failed", "signal", 0, 0, "", {}};
  std::optional<TransientResult> adoptable;
  std::atomic<int> restarts = 0;
  std::function<void()> on_restart;
  std::string last;
  std::vector<std::string> adopted, released;
  std::vector<UnitNumber> present, set;
  std::vector<std::string> listed, frozen, killed, unscheduled;
  std::vector<TransientUnit> scheduled;
  bool can_schedule = true;
};

inline const WallTime kNow = wall_from_ns(1'795'000'000'000'000'000);

inline Order restart_order(char digit = '0') {
  Order order;
  order.key = std::string(24, digit);
  order.incident_id = "0123456789abcdef";
  order.incident_kind = "service.failed";
  order.runbook = "service-restart";
  order.plan.action = "service.restart";
  order.plan.target = {EntityKind::service, "nginx.service"};
  order.plan.what = "restart nginx.service through systemd";
  order.plan.timeout = std::chrono::seconds(10);
  order.confidence = 0.99;
  order.signals = 2;
  order.proof = true;
  order.issued_at = kNow;
  order.expires_at = kNow + std::chrono::minutes(1);
  return order;
}

// An actuator on a ledger in a directory; the ledger outlives it, so that a second one can take over.
struct Bench {
  explicit Bench(const std::string& ledger_path) : ledger_path_(ledger_path) { policy.tier = Tier::automatic; }
  Actuator make() {
    return Actuator({.ledger = Ledger::open(ledger_path_),
                     .open_ledger = [this] { return Ledger::open(ledger_path_); },
                     .manager = manager,
                     .policy = [this]() -> Result<guard::Policy> { return policy; },
                     .wall = [this] { return now; },
                     .uptime = [this] { return up.load(); },
                     .stopping = [this] { return stopping.load(); },
                     .effect_program = "/usr/lib/hostmedic/hostmedic-effect",
                     .scratch = "/run/hostmedic-effects",
                     .effects = all_effects(),
                     .busy = {"/proc", ""},
                     .cancel_fd = cancel.get()});
  }
  FakeManager manager;
  guard::Policy policy;
  WallTime now = kNow;
  std::atomic<Duration> up = Duration(std::chrono::hours(1));
  std::atomic<bool> stopping = false;
  Fd cancel{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

 private:
  std::string ledger_path_;
};

// Another one for each run; HM_SEED repeats one.
inline unsigned seed_of_run() {
  const char* given = std::getenv("HM_SEED");
  const auto number = parse_u64(given != nullptr ? given : "");
  const unsigned seed = number ? static_cast<unsigned>(*number) : std::random_device()();
  MESSAGE("HM_SEED=", seed);
  return seed;
}

inline ActuatorRequest request_of(RequestKind kind) {
  ActuatorRequest request;
  request.kind = kind;
  return request;
}
inline const ActuatorPeer kRoot{Role::root, "uid 0 (root)"};
inline const ActuatorPeer kAgent{Role::agent, "uid 990 (hostmedic)"};
inline const ActuatorPeer kApprover{Role::approver, "uid 1000 (ada)"};

}  // namespace hostmedic::test
