// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/deleted_files/effect_holders.h"

#include "actions/catalog/effect_table.h"
#include "agent/base/fd.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("a deleted file is counted once for who holds it, however often it is open") {
  TempDir dir;
  write(dir / "gone", std::string(3 << 20, 'x'));
  write(dir / "kept", std::string(1 << 20, 'x'));
  const Fd gone(::open((dir / "gone").c_str(), O_RDONLY | O_CLOEXEC));
  const Fd again(::dup(gone.get()));
  const Fd kept(::open((dir / "kept").c_str(), O_RDONLY | O_CLOEXEC));
  struct stat seen{};
  REQUIRE(::fstat(gone.get(), &seen) == 0);
  const auto ours = [&](dev_t device) {
    std::uint64_t bytes = 0;
    for (const Holder& holder : find_holders("/proc", device))
      if (holder.pid == ::getpid() || !holder.unit.empty()) bytes += holder.bytes;
    return bytes;
  };
  const std::uint64_t before = ours(seen.st_dev);
  std::filesystem::remove(dir / "gone");
  CHECK(ours(seen.st_dev) - before == 3 << 20);
  CHECK(ours(seen.st_dev + 1) == 0);
}

TEST_CASE("the service of a process by its control groups") {
  CHECK(service_of_cgroups("0::/system.slice/nginx.service\n") == "nginx.service");
  CHECK(service_of_cgroups("12:pids:/x.service\n1:name=systemd:/system.slice/app.service\n") == "app.service");
  CHECK(service_of_cgroups("0::/system.slice/app.service/inner\n") == "app.service");
  CHECK(service_of_cgroups("0::/user.slice/user-0.slice/session-1.scope\n") == "");
  CHECK(service_of_cgroups("0::/a b.service\n") == "");
  CHECK(service_of_cgroups("") == "");
  CHECK(service_of_cgroups("nonsense") == "");
}

TEST_CASE("the largest holder that may be touched is reloaded, and held to what it promised") {
  FakeManager manager;
  guard::Policy policy;
  policy.protected_entities = {"service:db*"};
  const EffectContext context{manager, policy, "/usr/lib/hostmedic/hostmedic-effect", "/run/hostmedic-effects"};
  Order order;
  order.key = std::string(24, 'a');
  order.plan.action = "deleted_files.reopen";
  order.plan.target = {EntityKind::filesystem, "/"};
  order.plan.parameters = {{"least", "1MiB"}};
  order.plan.timeout = std::chrono::seconds(10);
  const auto outcome = [&](const std::string& found) {
    manager.jobs.clear();
    manager.next_run = TransientResult{true, "success", 0, found};
    return kDeletedFilesReopenEffect.execute(order, context);
  };
  CHECK(outcome("").result == OutcomeResult::failed);
  CHECK(outcome("candidate_1=ssh.service 9000000000\ncandidate_2=db.service 8000000000\n").result ==
        OutcomeResult::failed);
  CHECK(manager.jobs.empty());
  CHECK(outcome("candidate_1=../x.service 9000000000\ncandidate_2=a b 1\n").result == OutcomeResult::failed);
  CHECK(manager.jobs.empty());
  CHECK(outcome("candidate_1=ssh.service 90\ncandidate_2=app.service 0\n").result == OutcomeResult::done);
  CHECK(manager.jobs == std::vector<std::string>{"reload app.service"});
  manager.next_job = make_error(ErrorCode::unsupported, "cannot be reloaded");
  const Outcome none = outcome("candidate_1=a.service 0\ncandidate_2=b.service 0\ncandidate_3=c.service 0\n");
  CHECK(none.result == OutcomeResult::failed);
  CHECK(none.text.find("cannot be reloaded") != std::string::npos);
  CHECK(manager.jobs.size() == 2);
}
