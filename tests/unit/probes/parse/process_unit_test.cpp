// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/process_unit.h"

#include <doctest/doctest.h>

#include <string>

using namespace hostmedic;

TEST_CASE("the unit is the outermost group that is not a slice") {
  struct Row {
    const char *text, *unit;
  };
  const Row rows[] = {
      {"0::/system.slice/nginx.service\n", "nginx.service"},
      {"0::/system.slice/system-getty.slice/getty@tty1.service/sub/group\n", "getty@tty1.service"},
      {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n", "user@1000.service"},
      {"0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"},
      {"12:cpu,cpuacct:/other.service\n1:name=systemd:/system.slice/cron.service\n0::/\n", "cron.service"},
      {"0::/init.scope", "init.scope"},
      {"0::/\n", ""},
      {"0::/docker/0123/x.service\n", ""},
      {"0::/system.slice\n", ""},
      {"", ""},
      {"garbage\n::\n0:\n", ""},
      {"0::/system.slice/a\x1b[31m.service\n", ""}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(parse_process_unit(row.text) == row.unit);
  }
  CHECK(parse_process_unit("0::/" + std::string(300, 'a') + ".service\n") == "");
}
