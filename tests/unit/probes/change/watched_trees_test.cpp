// SPDX-License-Identifier: Apache-2.0
#include "probes/change/watched_trees.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "../fake_root.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"

using namespace hostmedic;
using namespace hostmedic::change;
using hostmedic::test::FakeRoot;

namespace {

using Words = std::vector<std::string>;
constexpr Duration kHour = std::chrono::hours(1);

// A host's /etc with real inotify.
struct Host {
  FakeRoot root;
  std::shared_ptr<DirectoryWatch> news = *DirectoryWatch::make();
  KnownGood copies;
  WatchedTrees trees;

  explicit Host(TreeRules rules = rules_of_etc()) : Host(std::move(rules), true) {}
  static TreeRules rules_of_etc() { return {{"/etc/systemd/system", "/etc"}, {"/etc"}, {"/etc/alternatives/*"}}; }
  Host(TreeRules rules, bool)
      : copies((root.mkdir("state"), root.path() + "/state")),
        trees(*open_dir(root.path()), root.path(), std::move(rules), news, &copies) {}

  static Words words(const std::vector<FileChange>& changes) {
    Words words;
    for (const FileChange& change : changes) words.push_back(std::string(to_string(change.action)) + " " + change.path);
    return words;
  }
  Words all() { return words(trees.look_at_all(wall_now())); }
  // What inotify tells of, within a second.
  Words heard() {
    std::set<int> watches;
    pollfd polled{news->fd(), POLLIN, 0};
    if (::poll(&polled, 1, 1000) == 1) CHECK(news->read(watches));
    return words(trees.look_at(watches, wall_now()));
  }
  std::string copy(const std::string& path) const {
    return read_file(root.path() + "/state/known-good" + path, kib(64)).value_or("none");
  }
};

}  // namespace

TEST_CASE("the first look tells nothing; then what was made, written and removed, by the news of inotify") {
  Host host;
  host.root.write("etc/nginx/nginx.conf", "one");
  CHECK(host.all().empty());
  CHECK(host.trees.files() == 1);
  CHECK(host.trees.unwatched() == 0);

  host.root.write("etc/nginx/nginx.conf", "two");
  CHECK(host.heard() == Words{"modified /etc/nginx/nginx.conf"});
  host.root.write("etc/hosts", "127.0.0.1 a");
  CHECK(host.heard() == Words{"created /etc/hosts"});
  host.root.write("etc/new/deep/app.conf", "x");
  CHECK(host.heard() == Words{"created /etc/new/deep/app.conf"});
  host.root.write("etc/new/deep/app.conf", "y");  // a directory that came later is watched as well
  CHECK(host.heard() == Words{"modified /etc/new/deep/app.conf"});
  std::filesystem::rename(host.root.path() + "/etc/hosts", host.root.path() + "/etc/hosts.old");
  CHECK(host.heard() == Words{"created /etc/hosts.old", "deleted /etc/hosts"});
  host.root.remove("etc/new");
  CHECK(host.heard() == Words{"deleted /etc/new/deep/app.conf"});
  CHECK(host.all().empty());
}

TEST_CASE("what inotify does not take is found by looking") {
  FakeRoot root;
  root.write("etc/app/a.conf", "one");
  KnownGood copies("");
  WatchedTrees trees(*open_dir(root.path()), "/nowhere", Host::rules_of_etc(), *DirectoryWatch::make(), &copies);
  (void)trees.look_at_all(wall_now());
  CHECK(trees.unwatched() == 2);
  root.write("etc/app/a.conf", "two");
  CHECK(Host::words(trees.look_at_all(wall_now())) == Words{"modified /etc/app/a.conf"});
}

TEST_CASE("touched, rewritten with the same, replaced by the same: no change") {
  Host host;
  host.root.write("etc/hosts", "same");
  CHECK(host.all().empty());
  host.root.write("etc/hosts", "same");
  CHECK(host.heard().empty());
  host.root.write("etc/hosts.tmp", "same");
  std::filesystem::rename(host.root.path() + "/etc/hosts.tmp", host.root.path() + "/etc/hosts");
  CHECK(host.heard().empty());
  REQUIRE(::chmod((host.root.path() + "/etc/hosts").c_str(), 0600) == 0);
  CHECK(host.all().empty());
}

TEST_CASE("links are text; noise, what is excluded, pipes and long names are left out") {
  Host host;
  CHECK(host.all().empty());
  const std::string etc = host.root.path() + "/etc/";
  std::filesystem::create_symlink("/dev/null", etc + "masked.service");
  REQUIRE(::mkfifo((etc + "pipe").c_str(), 0644) == 0);
  host.root.write("etc/.hosts.swp", "x");
  host.root.write("etc/alternatives/editor", "x");
  host.root.write("etc/bad\nname", "x");
  CHECK(host.heard() == Words{"created /etc/masked.service"});
  CHECK(host.all().empty());
}

TEST_CASE("a tree inside another one is looked at once") {
  Host host;
  host.root.write("etc/systemd/system/a.service", "1");
  CHECK(host.all().empty());
  CHECK(host.trees.files() == 1);
  host.root.write("etc/systemd/system/a.service", "2");
  CHECK(host.heard() == Words{"modified /etc/systemd/system/a.service"});
  host.root.remove("etc/systemd/system");
  CHECK(host.all() == Words{"deleted /etc/systemd/system/a.service"});
}

TEST_CASE("a slow look finds what nobody told, and its time is that of the file") {
  Host host;
  host.root.write("etc/hosts", "one");
  (void)host.trees.look_at_all(wall_now());
  const WallTime before = wall_now();
  host.root.write("etc/hosts", "two");
  const WallTime after = wall_now();
  const auto changes = host.trees.look_at_all(after + std::chrono::minutes(10));
  REQUIRE(changes.size() == 1);
  // The kernel writes times by its tick.
  CHECK(changes[0].at >= before - std::chrono::milliseconds(20));
  CHECK(changes[0].at <= after);
}

TEST_CASE("a file that changes all the time is told four times an hour, and the rest is counted") {
  Host host;
  host.root.write("etc/state", "0");
  WallTime now = wall_now();
  (void)host.trees.look_at_all(now);
  std::size_t told = 0;
  for (int i = 1; i <= 10; ++i) {
    host.root.write("etc/state", std::to_string(i));
    told += host.trees.look_at_all(now += std::chrono::seconds(1)).size();
  }
  CHECK(told == WatchedTrees::kMostToldPerHour);
  CHECK(host.trees.take_restless() == 10 - WatchedTrees::kMostToldPerHour);
  CHECK(host.trees.take_restless() == 0);
  host.root.write("etc/state", "later");
  CHECK(host.trees.look_at_all(now + kHour).size() == 1);
}

TEST_CASE("more files than are followed, deeper ones and large ones") {
  Host host;
  for (int i = 0; i < 20; ++i) host.root.write("etc/many/" + std::to_string(i), "x");
  host.root.write("etc/1/2/3/4/5/6/7/8/in", "x");
  host.root.write("etc/1/2/3/4/5/6/7/8/9/out", "x");
  host.root.write("etc/large", std::string(2 << 20, 'x'));
  CHECK(host.all().empty());
  CHECK(host.trees.files() == 22);
  CHECK_FALSE(host.trees.cut());
  host.root.write("etc/large", std::string(3 << 20, 'x'));
  CHECK(host.heard() == Words{"modified /etc/large"});
  for (std::size_t i = 0; i < WatchedTrees::kMostFiles; ++i)
    std::ofstream(host.root.path() + "/etc/many/f" + std::to_string(i)) << "";
  (void)host.trees.look_at_all(wall_now());
  CHECK(host.trees.files() == WatchedTrees::kMostFiles);
  CHECK(host.trees.cut());
}

TEST_CASE("the content before the change is kept until the new one has stood for an hour") {
  Host host;
  host.root.write("etc/nginx/nginx.conf", "good");
  host.root.write("etc/app/password.conf", "hunter2");
  host.root.write("etc/app/closed.conf", "closed");
  REQUIRE(::chmod((host.root.path() + "/etc/app/closed.conf").c_str(), 0640) == 0);
  host.root.write("etc/app/binary", std::string("a\0b", 3));
  host.root.write("etc/app/long.conf", std::string(70 << 10, 'x'));
  (void)host.all();
  CHECK(host.copy("/etc/nginx/nginx.conf") == "good");
  for (const char* path : {"/etc/app/password.conf", "/etc/app/closed.conf", "/etc/app/binary", "/etc/app/long.conf"})
    CHECK_MESSAGE(host.copy(path) == "none", path);
  struct stat kept{};
  REQUIRE(::stat((host.root.path() + "/state/known-good").c_str(), &kept) == 0);
  CHECK((kept.st_mode & 07777) == 0700);
  REQUIRE(::stat((host.root.path() + "/state/known-good/etc/nginx/nginx.conf").c_str(), &kept) == 0);
  CHECK((kept.st_mode & 07777) == 0600);

  host.root.write("etc/nginx/nginx.conf", "bad");
  CHECK(host.heard() == Words{"modified /etc/nginx/nginx.conf"});
  CHECK(host.copy("/etc/nginx/nginx.conf") == "good");
  (void)host.trees.look_at_all(wall_now() + kHour - std::chrono::minutes(1));
  CHECK(host.copy("/etc/nginx/nginx.conf") == "good");
  (void)host.trees.look_at_all(wall_now() + kHour + std::chrono::minutes(1));
  CHECK(host.copy("/etc/nginx/nginx.conf") == "bad");
  // A file that is gone is missed for a month.
  host.root.remove("etc/nginx/nginx.conf");
  (void)host.trees.look_at_all(wall_now() + 2 * kHour);
  CHECK(host.copy("/etc/nginx/nginx.conf") == "bad");
  (void)host.trees.look_at_all(wall_now() + 31 * 24 * kHour);
  CHECK(host.copy("/etc/nginx/nginx.conf") == "none");
}

TEST_CASE("no copy from a directory that is closed, and none of a file that was closed since") {
  Host host;
  host.root.write("etc/closed/below/a.conf", "one");
  host.root.write("etc/open/a.conf", "one");
  REQUIRE(::chmod((host.root.path() + "/etc/closed").c_str(), 0750) == 0);
  (void)host.all();
  CHECK(host.copy("/etc/closed/below/a.conf") == "none");
  CHECK(host.copy("/etc/open/a.conf") == "one");
  REQUIRE(::chmod((host.root.path() + "/etc/open/a.conf").c_str(), 0640) == 0);
  CHECK(host.all().empty());
  CHECK(host.copy("/etc/open/a.conf") == "none");
}

TEST_CASE("a directory that another one took the place of is watched again") {
  Host host;
  host.root.write("etc/app/a.conf", "one");
  host.root.write("aside/a.conf", "two");
  (void)host.all();
  std::filesystem::rename(host.root.path() + "/etc/app", host.root.path() + "/before");
  std::filesystem::rename(host.root.path() + "/aside", host.root.path() + "/etc/app");
  CHECK(host.all() == Words{"modified /etc/app/a.conf"});
  (void)host.heard();
  host.root.write("before/a.conf", "not watched any more");
  host.root.write("etc/app/a.conf", "three");
  CHECK(host.heard() == Words{"modified /etc/app/a.conf"});
}

TEST_CASE("what changed while nobody looked is told by the copies, once") {
  FakeRoot root;
  root.mkdir("state");
  for (const char* name : {"same", "touched", "changed", "gone"}) root.write(std::string("etc/") + name, "one");
  const auto start = [&](std::optional<WallTime> seen) {
    KnownGood copies(root.path() + "/state");
    WatchedTrees trees(*open_dir(root.path()), root.path(), Host::rules_of_etc(), *DirectoryWatch::make(), &copies);
    return Host::words(trees.look_at_all(wall_now(), seen));
  };
  CHECK(start(std::nullopt).empty());
  const WallTime seen = wall_now();
  ::usleep(20'000);  // past a tick of the kernel's clock for files
  root.write("etc/touched", "one");
  root.write("etc/changed", "two");
  root.write("etc/made", "two");
  root.write("etc/made.db", std::string("a\0b", 3));  // never has a copy, so nothing is known of it
  root.remove("etc/gone");
  CHECK(start(seen) == Words{"modified /etc/changed", "created /etc/made", "deleted /etc/gone"});
  CHECK(start(wall_now() + kHour).empty());
  CHECK(start(std::nullopt).empty());
}

TEST_CASE("copies are bounded, and those of somebody else are only read") {
  FakeRoot root;
  root.mkdir("state");
  KnownGood copies(root.path() + "/state");
  REQUIRE(copies.writes());
  CHECK(copies.keep("/etc/a", "one"));
  CHECK(copies.read("/etc/a") == "one");
  CHECK_FALSE(copies.keep("/etc/a/b", "a file is no directory"));
  CHECK_FALSE(copies.keep("relative", "x"));
  CHECK_FALSE(copies.keep("/etc/zero", std::string(1, '\0')));
  const std::string large(60 << 10, 'x');
  int kept = 0;
  for (int i = 0; i < 300; ++i) kept += copies.keep("/etc/large" + std::to_string(i), large);
  CHECK(kept == static_cast<int>((KnownGood::kMostTotal.count - 3) / large.size()));
  CHECK(copies.refused() == static_cast<std::uint64_t>(300 - kept));
  CHECK(copies.keep("/etc/large0", "smaller"));  // room is counted by what is there
  copies.drop("/etc/large1");
  CHECK(copies.keep("/etc/large299", large));

  KnownGood again(root.path() + "/state");
  CHECK(again.read("/etc/large0") == "smaller");
  CHECK_FALSE(again.knows("/etc/large1"));
  CHECK_FALSE(again.keep("/etc/more", large + large.substr(0, 8192)));
  if (::geteuid() == 0) {
    REQUIRE(::chown((root.path() + "/state").c_str(), 12345, 12345) == 0);
    KnownGood foreign(root.path() + "/state");
    CHECK(foreign.read("/etc/a") == "one");
    CHECK_FALSE(foreign.keep("/etc/a", "two"));
    foreign.drop("/etc/a");
    CHECK(foreign.read("/etc/a") == "one");
  }
  KnownGood none("");
  CHECK_FALSE(none.keep("/etc/a", "x"));
  CHECK_FALSE(none.read("/etc/a"));
}
