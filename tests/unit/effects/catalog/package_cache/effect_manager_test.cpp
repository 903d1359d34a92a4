// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/package_cache/effect_manager.h"

#include <sys/wait.h>

#include "agent/base/fd.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("a package manager is at work while it holds a lock") {
  TempDir dir;
  CHECK(package_manager_at_work(dir.path).empty());
  std::filesystem::create_directories(dir / "var/lib/dpkg");
  write(dir / "var/lib/dpkg/lock-frontend", "");
  CHECK(package_manager_at_work(dir.path).empty());
  int ready[2] = {-1, -1}, stop[2] = {-1, -1};
  REQUIRE(::pipe(ready) == 0);
  REQUIRE(::pipe(stop) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(stop[1]);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    const int fd = ::open((dir / "var/lib/dpkg/lock-frontend").c_str(), O_RDWR);
    char byte = ::fcntl(fd, F_SETLK, &lock) == 0 ? 'y' : 'n';
    (void)!::write(ready[1], &byte, 1);
    (void)!::read(stop[0], &byte, 1);
    ::_exit(0);
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  REQUIRE(byte == 'y');
  CHECK(package_manager_at_work(dir.path) ==
        "apt has locked /var/lib/dpkg/lock-frontend, pid " + std::to_string(child));
  ::close(stop[1]);
  ::waitpid(child, nullptr, 0);
  CHECK(package_manager_at_work(dir.path).empty());
  for (const int fd : {ready[0], ready[1], stop[0]}) ::close(fd);
}
