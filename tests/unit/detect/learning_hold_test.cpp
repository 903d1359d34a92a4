// SPDX-License-Identifier: Apache-2.0
#include "detect/learning_hold.h"

#include <doctest/doctest.h>

using namespace hostmedic;
using namespace hostmedic::detect;
using namespace std::chrono_literals;

TEST_CASE("a hold covers what matches its pattern until it is over") {
  const WallTime now = wall_from_ns(1'790'000'000'000'000'000);
  LearningHolds holds;
  CHECK_FALSE(holds.cover({EntityKind::host, ""}));
  holds.set({{"service:nginx*", now + 1h}, {"host", now + 2h}});
  CHECK(holds.cover({EntityKind::service, "nginx.service"}));
  CHECK(holds.cover({EntityKind::host, ""}));
  CHECK_FALSE(holds.cover({EntityKind::service, "mysql.service"}));
  CHECK_FALSE(holds.cover({EntityKind::filesystem, "/srv"}));
  holds.expire(now + 1h);
  CHECK_FALSE(holds.cover({EntityKind::service, "nginx.service"}));
  CHECK(holds.cover({EntityKind::host, ""}));
  holds.set({{"*", now + 1h}});
  CHECK(holds.cover({EntityKind::filesystem, "/srv"}));
  holds.expire(now + 3h);
  CHECK_FALSE(holds.cover({EntityKind::filesystem, "/srv"}));
}
