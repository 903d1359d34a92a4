// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/package_files.h"

#include <doctest/doctest.h>

using namespace hostmedic;
using Names = std::vector<std::string>;

TEST_CASE("a package owns the services whose unit file or program it brought") {
  const UnitPrograms programs{
      {"/sbin/nginx", "nginx.service"}, {"/bin/worker", "mine.service"}, {"/bin/worker", "other.service"}};
  CHECK(services_of_list("/.\n/lib\n/lib/systemd/system\n/lib/systemd/system/nginx.service\n"
                         "/usr/lib/systemd/system/nginx-debug@.service\n/usr/share/doc/nginx/copyright\n",
                         {}) == Names{"nginx-debug@.service", "nginx.service"});
  CHECK(services_of_list("/usr/sbin/nginx\n", programs) == Names{"nginx.service"});
  CHECK(services_of_list("/bin/worker\n/usr/bin/worker\n", programs) == Names{"mine.service", "other.service"});
  // No units of services: links, drop-ins, timers, the orders of the agent itself, and what only looks like one.
  CHECK(services_of_list("/etc/systemd/system/multi-user.target.wants/nginx.service\n"
                         "/lib/systemd/system/nginx.service.d/a.conf\n/lib/systemd/system/apt.timer\n"
                         "/lib/systemd/system/hostmedic-order-1.service\n/lib/systemd/system/a b.service\n"
                         "/usr/sbin/nginx.bak\n",
                         programs)
            .empty());
  // A line without an end was cut.
  CHECK(services_of_list("/lib/systemd/system/nginx.service", {}).empty());
  CHECK(services_of_list("", programs).empty());
  std::string many;
  for (int i = 0; i < 200; ++i) many += "/lib/systemd/system/a" + std::to_string(i) + ".service\n";
  CHECK(services_of_list(many, {}).size() == kMostUnitsOfPackage);
}

TEST_CASE("a unit file says which programs it starts") {
  CHECK(programs_of_unit(
            "[Unit]\nDescription=ExecStart=/bin/no\n[Service]\nExecStart=/usr/sbin/nginx -g 'daemon on;'\n") ==
        Names{"/sbin/nginx"});
  CHECK(programs_of_unit("ExecStart=-@/usr/bin/a a0\nExecStart = /opt/b/run\nExecStartPre=/usr/bin/c\n") ==
        Names{"/bin/a", "/opt/b/run"});
  CHECK(programs_of_unit("ExecStart=\"/usr/lib/x/daemon\" --now") == Names{"/lib/x/daemon"});
  CHECK(programs_of_unit("ExecStart=\nExecStart=/bin/sh -c 'exec y'\nExecStart=/usr/bin/env z\n").empty());
  CHECK(programs_of_unit("#ExecStart=/usr/bin/a\nExecStart=relative\nExecStart=/usr/bin/%i\nExecStart").empty());
  CHECK(programs_of_unit("").empty());
}
