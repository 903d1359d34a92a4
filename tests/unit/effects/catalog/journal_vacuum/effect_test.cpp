// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_table.h"
#include "actions/catalog/journal_vacuum/effect_usage.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("what the journal takes is counted two levels deep, links not followed") {
  TempDir dir;
  CHECK_FALSE(journal_usage(dir / "none").has_value());
  CHECK(journal_usage(dir.path).value_or(1) == 0);
  std::filesystem::create_directories(dir / "machine/deeper");
  write(dir / "machine/system.journal", std::string(100'000, 'j'));
  write(dir / "machine/deeper/not.counted", std::string(100'000, 'j'));
  std::filesystem::create_symlink(dir / "machine/system.journal", dir / "machine/link");
  const auto bytes = journal_usage(dir.path);
  REQUIRE(bytes.has_value());
  CHECK(*bytes >= 100'000);
  CHECK(*bytes < 150'000);
}

TEST_CASE("journal.vacuum may write the journal's directories only") {
  FakeManager manager;
  guard::Policy policy;
  Order order;
  order.key = "0123456789abcdef01234567";
  order.plan.action = "journal.vacuum";
  order.plan.timeout = std::chrono::seconds(60);
  CHECK(kJournalVacuumEffect.execute(order, {manager, policy, "/effect", "/run/scratch"}).result ==
        OutcomeResult::done);
  REQUIRE(manager.ran.size() == 1);
  CHECK(manager.ran[0].openings.capabilities == std::vector<std::string>{"CAP_DAC_OVERRIDE"});
  CHECK(manager.ran[0].openings.read_write_paths ==
        std::vector<std::string>{"-/var/log/journal", "-/run/log/journal", "/run/scratch"});
}
