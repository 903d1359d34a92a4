// SPDX-License-Identifier: Apache-2.0
// The probe of changes on a host made of files, with its worker and real inotify.
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>

#include "../fake_root.h"
#include "../recording_sink.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo change_probe;
}

namespace {

using Words = std::vector<std::string>;

std::string stamp_now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char stamp[32];
  (void)std::strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &parts);
  return stamp;
}

struct Watched {
  FakeRoot root;
  ProbeSettings settings;
  std::unique_ptr<ProbeUnderTest> tested;
  RecordingSink sink;
  std::size_t said = 0;

  Watched() {
    root.mkdir("var/log");
    root.mkdir("var/lib/dpkg/info");
    root.mkdir("state");
    root.write("var/log/dpkg.log", "");
    root.write("usr/lib/systemd/system/web.service", "[Service]\nExecStart=/usr/sbin/web\n");
    root.write("proc/sys/kernel/random/boot_id", "boot-1\n");
    root.write("proc/sys/kernel/osrelease", "6.1.0\n");
    root.write("etc/web/web.conf", "one");
    settings.state_dir = root.path() + "/state";
  }
  void start() {
    tested = std::make_unique<ProbeUnderTest>(change_probe, root, settings);
    REQUIRE(tested->probe);
    REQUIRE(tested->probe->read(mono_now(), sink));
    pump([&] { return !tested->probe->note().empty(); });
  }
  // Serves the descriptors until it is so, at most for five seconds.
  template <class Done>
  bool pump(Done done) {
    const MonoTime end = mono_now() + std::chrono::seconds(5);
    while (!done() && mono_now() < end) {
      std::vector<pollfd> polled;
      for (const int fd : tested->probe->descriptors()) polled.push_back({fd, POLLIN, 0});
      if (::poll(polled.data(), polled.size(), 100) > 0) REQUIRE(tested->probe->on_ready(mono_now(), sink));
    }
    return done();
  }
  // The next `count` events in words.
  Words hear(std::size_t count) {
    (void)pump([&] { return sink.told.size() >= said + count; });
    Words words;
    for (; said < sink.told.size(); ++said) words.push_back(describe(sink.told[said]));
    return words;
  }
  bool silent() {
    const MonoTime end = mono_now() + std::chrono::milliseconds(1500);
    (void)pump([&] { return mono_now() >= end; });
    return sink.told.size() == said;
  }
  static std::string describe(const Told& told) {
    std::string text = to_string(told.about);
    for (const Attribute& attribute : told.event.attributes) text += " " + attribute.value;
    return text;
  }
  void dpkg(const std::string& what) const {
    std::ofstream(root.path() + "/var/log/dpkg.log", std::ios::app) << "2001-11-21 14:02:33 " << what << "\n";
  }
};

}  // namespace

TEST_CASE("change probe: a package, its service, a unit file, a drop-in, configuration of a service and of the host") {
  Watched host;
  host.start();
  CHECK(host.silent());

  host.root.write("var/lib/dpkg/info/web.list", "/lib/systemd/system/web.service\n/usr/sbin/web\n");
  CHECK(host.hear(0).empty());
  host.root.write("var/lib/dpkg/info/new", "");
  std::filesystem::rename(host.root.path() + "/var/lib/dpkg/info/new",
                          host.root.path() + "/var/lib/dpkg/info/other.list");
  CHECK(host.hear(1) == Words{"service:web.service owned_by package:web present"});
  CHECK(host.sink.told.back().event.kind == EventKind::relation);

  // The time is that of the writing, not of the line, which is of another day: such a line is not told.
  host.dpkg("upgrade web:amd64 1.0 2.0");
  CHECK(host.silent());

  host.root.write("etc/systemd/system/web.service.d/limits.conf", "[Service]\n");
  CHECK(host.hear(1) == Words{"service:web.service unit_file created /etc/systemd/system/web.service.d/limits.conf"});
  const MonoTime before = mono_now();
  host.root.write("etc/web/web.conf", "two");
  CHECK(host.hear(1) == Words{"service:web.service configuration modified /etc/web/web.conf"});
  const Event& event = host.sink.told.back().event;
  CHECK(event.kind == EventKind::change);
  CHECK(event.at >= before - std::chrono::milliseconds(20));
  CHECK(event.at <= mono_now());
  host.root.write("etc/hosts", "127.0.0.1 a");
  CHECK(host.hear(1) == Words{"host configuration created /etc/hosts"});
  host.root.remove("etc/hosts");
  CHECK(host.hear(1) == Words{"host configuration deleted /etc/hosts"});
  CHECK(host.sink.retired.size() == host.sink.told.size());
  CHECK(std::string(host.tested->probe->note()).find("nothing is remembered") == std::string::npos);
}

TEST_CASE("change probe: packages by their log, with versions; a burst is spread, and all of it told") {
  Watched host;
  host.start();
  const std::string stamp = stamp_now();
  std::ofstream log(host.root.path() + "/var/log/dpkg.log", std::ios::app);
  log << stamp << " upgrade web:amd64 1.0 2.0\n" << stamp << " upgrade lib:amd64 2.0 1.0\n" << std::flush;
  CHECK(host.hear(2) ==
        Words{"package:web package upgraded web 2.0 1.0", "package:lib package downgraded lib 1.0 2.0"});

  for (int i = 0; i < 150; ++i) log << stamp << " install p" << i << ":all <none> 1\n";
  log << std::flush;
  CHECK(host.pump([&] { return host.sink.told.size() > host.said; }));
  CHECK(host.sink.told.size() - host.said == 64);
  CHECK(host.hear(150).size() == 150);
  CHECK(host.sink.told.back().about.name == "p149");
}

TEST_CASE("change probe: more changes than may wait are dropped and counted") {
  Watched host;
  host.start();
  const std::string line = stamp_now() + " install p:all <none> 1\n";
  std::string lines;
  for (int i = 0; i < 2100; ++i) lines += line;
  std::ofstream(host.root.path() + "/var/log/dpkg.log", std::ios::app) << lines;
  CHECK(host.pump([&] { return host.sink.told.size() > 64; }));
  const Told& last = host.sink.told.at(64);
  CHECK(last.event.kind == EventKind::samples_lost);
  CHECK(Watched::describe(last) == "agent:probe.change 52");
}

TEST_CASE("change probe: a new boot, a new kernel and what changed meanwhile, once") {
  Watched host;
  host.start();
  CHECK(host.silent());
  host.start();
  CHECK(host.silent());  // the same boot
  host.tested.reset();
  ::usleep(20'000);  // past a tick of the kernel's clock for files
  host.root.write("proc/sys/kernel/random/boot_id", "boot-2\n");
  host.root.write("proc/sys/kernel/osrelease", "6.2.0\n");
  host.root.write("etc/web/web.conf", "two");
  host.start();
  auto heard = host.hear(3);
  std::ranges::sort(heard);
  CHECK(heard == Words{"host boot booted 6.2.0", "host kernel booted 6.2.0 6.1.0",
                       "service:web.service configuration modified /etc/web/web.conf"});
  CHECK(read_file(host.root.path() + "/state/known-good/etc/web/web.conf", kib(1)).value_or("") == "one");
  host.start();
  CHECK(host.silent());

  // A memory that cannot be read is none: nothing is told by it.
  host.tested.reset();
  host.root.write("state/changes", "boot boot-0\nseen 1\n");
  host.root.write("etc/web/web.conf", "three");
  host.start();
  CHECK(host.silent());
  struct stat kept{};
  REQUIRE(::stat((host.root.path() + "/state/changes").c_str(), &kept) == 0);
  CHECK((kept.st_mode & 07777) == 0600);
}

TEST_CASE("change probe: without a state directory and without a package manager it says so and works") {
  Watched host;
  host.settings.state_dir.clear();
  host.root.remove("var/log/dpkg.log");
  host.root.remove("var/lib/dpkg");
  host.start();
  const std::string note(host.tested->probe->note());
  CHECK(note.find("packages: not here, because neither dpkg nor dnf 4 keeps its log") != std::string::npos);
  CHECK(note.find("nothing is remembered") != std::string::npos);
  host.root.write("etc/hosts", "x");
  CHECK(host.hear(1) == Words{"host configuration created /etc/hosts"});
}

TEST_CASE("change probe: the program's name in other places, and links to units") {
  Watched host;
  host.root.mkdir("etc/systemd/system");
  std::filesystem::create_symlink("/lib/systemd/system/web.service",
                                  host.root.path() + "/etc/systemd/system/www.service");
  host.start();
  host.root.write("etc/www.conf", "x");
  CHECK(host.hear(1) == Words{"service:web.service configuration created /etc/www.conf"});
  host.root.write("etc/default/web", "x");
  CHECK(host.hear(1) == Words{"service:web.service configuration created /etc/default/web"});
  std::filesystem::create_symlink("/dev/null", host.root.path() + "/etc/systemd/system/web.service");
  CHECK(host.hear(1) == Words{"service:web.service unit_file created /etc/systemd/system/web.service"});
}
