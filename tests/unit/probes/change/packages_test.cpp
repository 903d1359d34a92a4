// SPDX-License-Identifier: Apache-2.0
// The logs of package managers and the lists of packages, as files of a host.
#include <poll.h>

#include <ctime>

#include "../fake_root.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/text.h"
#include "probes/change/package_logs.h"
#include "probes/change/package_units.h"

using namespace hostmedic;
using namespace hostmedic::change;
using hostmedic::test::FakeRoot;

namespace {

using Words = std::vector<std::string>;

std::string stamp(WallTime at) {
  const std::time_t seconds = static_cast<std::time_t>(to_ns(at) / 1'000'000'000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[32];
  (void)std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

struct Logs {
  FakeRoot root;
  std::shared_ptr<DirectoryWatch> news = *DirectoryWatch::make();
  Memory memory;
  std::unique_ptr<PackageLogs> logs;
  std::vector<DatedPackageChange> last;

  Logs() {
    root.mkdir("var/log");
    memory.seen = wall_now();
  }
  void append(const std::string& line, const std::string& path = "var/log/dpkg.log") const {
    std::ofstream(root.path() + "/" + path, std::ios::app) << line;
  }
  void dpkg(const std::string& what, WallTime at = wall_now()) const { append(stamp(at) + " " + what + "\n"); }
  void start() { logs = std::make_unique<PackageLogs>(*open_dir(root.path()), root.path(), news); }
  Words look(WallTime now = wall_now()) {
    if (!logs) start();
    last = logs->look(now, memory);
    Words words;
    for (const auto& [change, at] : last)
      words.push_back(std::string(to_string(change.action)) + " " + change.name + " " + change.version);
    return words;
  }
};

}  // namespace

TEST_CASE("a log is read from its end, then as it grows; half a line waits for its other half") {
  Logs host;
  host.dpkg("install old:all <none> 1");
  CHECK(host.look().empty());
  CHECK(host.logs->any());
  host.dpkg("install a:all <none> 1");
  host.dpkg("status installed a:all 1");
  host.append(stamp(wall_now()) + " upgrade b:all 1");
  CHECK(host.look() == Words{"installed a 1"});
  host.append(" 2\n");
  CHECK(host.look() == Words{"upgraded b 2"});
  CHECK(host.look().empty());
  CHECK_FALSE(host.logs->has_more());
}

TEST_CASE("inotify tells of a log that grows, of one that comes, and of a rotation") {
  Logs host;
  CHECK(host.look().empty());
  CHECK_FALSE(host.logs->any());
  const auto heard = [&] {
    std::set<int> watches;
    pollfd polled{host.news->fd(), POLLIN, 0};
    if (::poll(&polled, 1, 1000) != 1 || !host.news->read(watches)) return false;
    return host.logs->has_news_of(watches);
  };
  host.dpkg("install a:all <none> 1");
  CHECK(heard());
  CHECK(host.look() == Words{"installed a 1"});  // a log that is new is read whole
  host.dpkg("upgrade a:all 1 2");
  CHECK(heard());
  CHECK(host.look() == Words{"upgraded a 2"});

  host.dpkg("upgrade a:all 2 3");
  std::filesystem::rename(host.root.path() + "/var/log/dpkg.log", host.root.path() + "/var/log/dpkg.log.1");
  host.dpkg("upgrade a:all 3 4");
  CHECK(heard());
  CHECK(host.look() == Words{"upgraded a 3", "upgraded a 4"});
  (void)heard();
  host.dpkg("upgrade a:all 4 5");
  CHECK(heard());
  CHECK(host.look() == Words{"upgraded a 5"});
  host.root.write("var/log/dpkg.log", "");  // cut in place
  CHECK(host.look().empty());
  host.dpkg("upgrade a:all 5 6");
  CHECK(host.look() == Words{"upgraded a 6"});
  host.root.remove("var/log/dpkg.log");
  CHECK(host.look().empty());
  host.append("2026-02-14T09:30:12+0000 SUBDEBUG Upgrade: a-1-1.x86_64\n", "var/log/dnf.rpm.log");
  CHECK(host.look(wall_from_ns(1'771'061'420'000'000'000)) == Words{"upgraded a 1-1"});
}

TEST_CASE("after a restart the log is read on where it was left, over one rotation") {
  Logs host;
  host.dpkg("install a:all <none> 1");
  CHECK(host.look().empty());
  host.memory.logs = host.logs->places();
  REQUIRE(host.memory.logs.size() == 1);
  host.memory.seen = wall_now() - std::chrono::hours(2);
  const WallTime hour_ago = wall_now() - std::chrono::hours(1);
  host.dpkg("install b:all <none> 1", hour_ago);
  host.start();
  CHECK(host.look() == Words{"installed b 1"});
  // To the second, as the log has it.
  CHECK(host.last[0].at <= hour_ago);
  CHECK(hour_ago - host.last[0].at < std::chrono::seconds(1));

  std::filesystem::rename(host.root.path() + "/var/log/dpkg.log", host.root.path() + "/var/log/dpkg.log.1");
  host.dpkg("install c:all <none> 1");
  host.start();
  CHECK(host.look() == Words{"installed b 1", "installed c 1"});
  // Another file has the name, and the old one is packed.
  host.root.remove("var/log/dpkg.log.1");
  host.start();
  CHECK(host.look() == Words{"installed c 1"});
}

TEST_CASE("what a line's time cannot be is set right, and what is old is not told") {
  Logs host;
  host.append("");
  CHECK(host.look().empty());
  const WallTime before = wall_now();
  host.dpkg("install a:all <none> 1", before - std::chrono::hours(3));  // another time zone
  host.dpkg("install b:all <none> 1", before + std::chrono::hours(3));
  host.dpkg("install c:all <none> 1", before - std::chrono::hours(25));
  CHECK(host.look() == Words{"installed a 1", "installed b 1"});
  CHECK(host.last[0].at >= before - std::chrono::seconds(2));
  CHECK(host.last[1].at <= wall_now());
}

TEST_CASE("a log that grew by more than is read at once is read in pieces, none of them lost") {
  Logs host;
  host.append("");
  CHECK(host.look().empty());
  std::string lines;
  const std::string line = stamp(wall_now()) + " install a:all <none> 1 \n";
  while (lines.size() < PackageLogs::kMostPerLook * 5 / 2) lines += line;
  host.append(lines);
  std::size_t told = host.look().size();
  int looks = 1;
  for (; host.logs->has_more(); ++looks) told += host.look().size();
  CHECK(looks == 3);
  CHECK(told == lines.size() / line.size());
  // A single line of that size is none.
  host.append(std::string(PackageLogs::kMostPerLook + 10, 'x') + "\n" + line);
  told = host.look().size();
  told += host.look().size();
  CHECK(told == 1);
}

namespace {

struct Packages {
  FakeRoot root;
  std::shared_ptr<DirectoryWatch> news = *DirectoryWatch::make();
  std::unique_ptr<PackageUnits> units;
  Packages() { root.mkdir("var/lib/dpkg/info"); }
  // As dpkg does it: a new file takes the place of the old one.
  void list(const std::string& name, const std::string& text) const {
    const std::string path = "var/lib/dpkg/info/" + name + ".list";
    root.write(path + "-new", text);
    std::filesystem::rename(root.path() + "/" + path + "-new", root.path() + "/" + path);
  }
  Words look(std::optional<std::set<std::string>> services = std::nullopt) {
    if (!units) units = std::make_unique<PackageUnits>(*open_dir(root.path()), root.path(), news);
    Words words;
    for (const Ownership& owned : units->look(services ? &*services : nullptr))
      words.push_back(owned.service + (owned.present ? " of " : " not of ") + owned.package);
    return words;
  }
};

}  // namespace

TEST_CASE("which services a package owns: of those that are here at first, of one that changes all") {
  Packages host;
  host.list("nginx-common", "/.\n/lib/systemd/system/nginx.service\n");
  host.list("nginx:amd64", "/usr/sbin/nginx\n");
  host.list("cups", "/lib/systemd/system/cups.service\n");
  host.root.write("usr/lib/systemd/system/nginx.service", "[Service]\nExecStart=/usr/sbin/nginx -g x\n");
  CHECK(host.look(std::set<std::string>{"nginx.service"}) ==
        Words{"nginx.service of nginx-common", "nginx.service of nginx"});
  CHECK(host.units->here());
  CHECK(host.look().empty());

  host.list("cups", "/lib/systemd/system/cups.service\n/lib/systemd/system/cups-browsed.service\n");
  std::set<int> watches;
  pollfd polled{host.news->fd(), POLLIN, 0};
  REQUIRE(::poll(&polled, 1, 1000) == 1);
  CHECK(host.news->read(watches));
  CHECK(host.units->has_news_of(watches));
  CHECK(host.look() == Words{"cups-browsed.service of cups", "cups.service of cups"});
  host.list("cups", "/lib/systemd/system/cups.service\n");
  CHECK(host.look() == Words{"cups.service of cups", "cups-browsed.service not of cups"});
  host.root.remove("var/lib/dpkg/info/nginx-common.list");
  CHECK(host.look() == Words{"nginx.service not of nginx-common"});
  // A unit that somebody wrote here, of a program that a package brought.
  host.root.write("etc/systemd/system/mine.service", "[Service]\nExecStart=/sbin/nginx\n");
  CHECK(host.look(std::set<std::string>{"mine.service"}) == Words{"mine.service of nginx"});
}

TEST_CASE("without dpkg there is nothing to know, and that is said") {
  Packages host;
  host.root.remove("var/lib/dpkg");
  CHECK(host.look(std::set<std::string>{"nginx.service"}).empty());
  CHECK_FALSE(host.units->here());
}

TEST_CASE("enabled is what a link in a directory of .wants or .requires says") {
  FakeRoot root;
  root.write("etc/systemd/system/multi-user.target.wants/a.service", "");
  root.write("usr/lib/systemd/system/sysinit.target.requires/b.service", "");
  root.write("etc/systemd/system/multi-user.target.wants/c.timer", "");
  root.write("etc/systemd/system/d.service", "");
  CHECK(enabled_services(open_dir(root.path())->get()) == std::set<std::string>{"a.service", "b.service"});
}
