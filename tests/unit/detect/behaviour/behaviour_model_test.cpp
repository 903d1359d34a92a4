// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/detect/behaviour/behaviour_host.h"

using namespace hostmedic;
using namespace hostmedic::test;
using detect::Habit;

TEST_CASE("a service that does what it always does is never spoken of") {
  BehaviourHost host;
  host.days(20);
  CHECK(host.found.empty());
  CHECK(host.model.habit(host.model.service("nginx.service")) == Habit::steady);
}

TEST_CASE("several new things within a minute are strong, and are told in plain words") {
  BehaviourHost host;
  host.days(12);
  host.intrusion();
  host.wait(30);
  REQUIRE(host.found.size() == 1);
  const auto& finding = host.found[0];
  CHECK(finding.strong);
  CHECK(finding.about == "nginx.service");
  CHECK(finding.text.starts_with("does what is new for it in 12 days of watching: "));
  CHECK(finding.text.find("started /tmp/x") != std::string::npos);
  CHECK(finding.text.find("connected to 203.0.113.9 port 4444") != std::string::npos);
  CHECK(finding.text.find("used 4 cores") != std::string::npos);
}

TEST_CASE("one new thing alone is weak") {
  for (const Event& event : {started("/usr/bin/curl", "nginx"), connected("203.0.113.9", "4444"), listens("4444"),
                             deed("memfd_exec", "memfd:a")}) {
    BehaviourHost host;
    host.days(35);
    host.note("nginx.service", event);
    host.wait(120);
    REQUIRE(host.found.size() == 1);
    CHECK_FALSE(host.found[0].strong);
  }
}

TEST_CASE("new things that lie more than a minute apart are not added up") {
  BehaviourHost host;
  host.days(12);
  host.note("nginx.service", started("/usr/bin/curl", "sh"));
  host.wait(90);
  host.note("nginx.service", connected("203.0.113.9", "4444"));
  host.wait(90);
  host.note("nginx.service", deed("ptrace_attach", "nginx"));
  host.wait(90);
  CHECK(host.found.size() == 3);
  CHECK(host.strong() == nullptr);
}

TEST_CASE("a program in a temporary place is a deed of its own, and its made-up name does not matter") {
  BehaviourHost host;
  host.days(30);
  host.note("nginx.service", started("/tmp/x81", "nginx"));
  host.wait(90);
  REQUIRE(host.found.size() == 1);
  CHECK(host.found[0].strong);
  CHECK(host.found[0].text.find("ran a program from /tmp/") != std::string::npos);
  host.note("nginx.service", started("/tmp/other", "nginx"));
  host.wait(90);
  if (host.found.size() > 1) CHECK(host.found[1].score < host.found[0].score);
}

TEST_CASE("nothing is said of a service in its first day, and it says that it learns") {
  BehaviourHost host;
  host.days(23.0 / 24);
  host.intrusion();
  host.wait(90);
  CHECK(host.found.empty());
  CHECK(host.model.habit(host.model.service("nginx.service")) == Habit::learning);
  // A service that comes later has its own first day.
  host.days(10);
  host.days(0.5, "late.service");
  host.intrusion("late.service");
  host.wait(90);
  CHECK(host.found.empty());
}

TEST_CASE("what the kernel began to tell later has its own first day") {
  BehaviourHost host;
  host.model.service("nginx.service");
  host.wait(10 * 86400);  // no probe of the kernel's
  host.usual();
  host.intrusion();
  host.wait(90);
  CHECK(host.found.empty());
}

TEST_CASE("the first start of a service under watch is learned in silence, the second is not") {
  BehaviourHost host;
  host.days(12);
  host.model.started(host.model.service("nginx.service"));
  host.intrusion();
  host.wait(300);
  CHECK(host.found.empty());
  host.wait(86400);
  host.model.started(host.model.service("nginx.service"));
  host.note("nginx.service", started("/dev/shm/y", "bash", "0"));
  host.note("nginx.service", listens("31337"));
  host.wait(90);
  CHECK(host.strong() != nullptr);
}

TEST_CASE("destinations found when the probe begins are learned and not judged") {
  BehaviourHost host;
  host.days(12);
  host.note("nginx.service", connected("203.0.113.9", "4444", "1"));
  host.wait(90);
  CHECK(host.found.empty());
}

TEST_CASE("a service in which new things come all the time is volatile, and its news count little") {
  BehaviourHost host;
  for (int hour = 0; hour < 5 * 24; ++hour) {
    for (int i = 0; i < 5; ++i) {
      const std::string name = "tool-" + std::string(1, static_cast<char>('g' + (hour * 5 + i) % 17)) + "-" +
                               std::string(1, static_cast<char>('g' + (hour / 4) % 19));
      host.note("build.service", started("/build/" + name, "make"));
    }
    host.wait(3600);
  }
  CHECK(host.model.habit(host.model.service("build.service")) == Habit::volatile_);
  const auto before = host.found.size();
  host.note("build.service", started("/build/never-seen", "make"));
  host.wait(90);
  CHECK(host.found.size() == before);
  // In what it does not change all the time it is still judged.
  host.note("build.service", connected("203.0.113.9", "4444"));
  host.wait(90);
  CHECK(host.found.size() == before + 1);
}

TEST_CASE("a thing that comes again and again becomes usual in the stated number of sightings") {
  BehaviourHost host;
  host.days(12);
  host.found.clear();
  for (int day = 0; day < 14; ++day) {
    host.note("nginx.service", started("/usr/bin/report", "nginx"));
    host.days(1);
  }
  REQUIRE(host.found.size() >= 1);
  CHECK(host.found.size() <= 2);  // told the first time, perhaps the second
  const auto told = host.found.size();
  // Beside another new thing it adds about one, of the eight that are strong.
  BehaviourHost alone;
  alone.days(26);
  alone.note("nginx.service", deed("module_load", "veth"));
  alone.wait(90);
  REQUIRE(alone.found.size() == 1);
  host.note("nginx.service", started("/usr/bin/report", "nginx"));
  host.note("nginx.service", deed("module_load", "veth"));
  host.wait(90);
  REQUIRE(host.found.size() == told + 1);
  CHECK(host.found.back().text.find("module veth") != std::string::npos);
  CHECK(host.found.back().score < alone.found[0].score + 1.2);
}

TEST_CASE("a job that comes daily or weekly with all its ways is never strong") {
  for (const int days : {1, 7}) {
    BehaviourHost host;
    for (int run = 0; run < 8; ++run) {
      host.note("report.service", started("/usr/bin/report", "systemd", "7"));
      host.note("report.service", connected("203.0.113.9", "25"));
      host.note("report.service", listens("2525"));
      host.note("report.service", deed("setuid_exec", "/usr/sbin/sendmail"));
      host.model.load(host.model.service("report.service"), "report.service", 1);
      host.wait(86400 * days);
    }
    CHECK(host.strong() == nullptr);
  }
}

TEST_CASE("a thousand sightings in a minute are one reason to think it usual") {
  BehaviourHost host;
  host.days(12);
  for (int i = 0; i < 1000; ++i) host.note("nginx.service", started("/usr/bin/miner", "nginx"));
  host.wait(3700);
  host.found.clear();
  host.intrusion();
  host.note("nginx.service", started("/usr/bin/miner", "nginx"));
  host.wait(90);
  CHECK(host.strong() != nullptr);
}

TEST_CASE("what was not seen for months is new again") {
  BehaviourHost host;
  host.days(12);
  host.days(3, "other.service");
  host.note("other.service", started("/usr/bin/yearly", "other"));
  host.wait(120);
  REQUIRE(host.found.size() == 1);
  const float first = host.found[0].score;
  host.days(120, "other.service");
  host.note("other.service", started("/usr/bin/yearly", "other"));
  host.wait(120);
  REQUIRE(host.found.size() == 2);
  CHECK(host.found[1].score > first);  // more is known of the service by now
  CHECK(host.found[1].text.find("(last 120 days ago)") != std::string::npos);
}

TEST_CASE("what happens during an incident or maintenance is judged and not learned") {
  for (const bool maintenance : {false, true}) {
    BehaviourHost host, free;
    for (BehaviourHost* one : {&host, &free}) one->days(12);
    const auto nginx = host.model.service("nginx.service");
    if (maintenance) {
      host.model.maintenance(true);
    } else {
      host.model.hold(nginx);
    }
    for (BehaviourHost* one : {&host, &free}) {
      for (int hour = 0; hour < 48; ++hour) {
        one->intrusion();
        one->wait(3600);
      }
    }
    host.model.release_all();
    host.model.maintenance(false);
    for (BehaviourHost* one : {&host, &free}) {
      CHECK(one->strong() != nullptr);
      one->found.clear();
      one->intrusion();
      one->wait(90);
    }
    CHECK(host.strong() != nullptr);
    CHECK(free.strong() == nullptr);
  }
}

TEST_CASE("new things after a change of packages count half, say so, and do not make a service volatile") {
  BehaviourHost plain, deployed;
  for (BehaviourHost* host : {&plain, &deployed}) host->days(20);
  deployed.note("apt.service", started("/usr/bin/dpkg", "apt", "0"));
  for (BehaviourHost* host : {&plain, &deployed}) {
    host->wait(60);
    for (int i = 0; i < 10; ++i) {
      const std::string name(1, static_cast<char>('k' + i));
      host->note("nginx.service", started("/opt/new/" + name, "sh", "7"));
      host->note("nginx.service", connected("203.0.113.9", "8443"));
    }
    host->wait(90);
    REQUIRE(host->found.size() == 1);
  }
  CHECK(plain.found[0].strong);
  CHECK_FALSE(deployed.found[0].strong);
  CHECK(deployed.found[0].score == doctest::Approx(plain.found[0].score / 2));
  CHECK(deployed.found[0].text.find("packages were changed") != std::string::npos);
  // An ordinary user who calls the package manager changes nothing.
  BehaviourHost user;
  user.days(20);
  user.note("session-3.scope", started("/usr/bin/dpkg", "bash", "1000"));
  user.intrusion();
  user.wait(90);
  CHECK(user.strong() != nullptr);
}

TEST_CASE("what people do in their sessions counts half") {
  BehaviourHost host;
  host.days(12, "session-12.scope");
  host.intrusion("session-77.scope");  // sessions are one
  host.wait(90);
  REQUIRE(host.found.size() == 1);
  CHECK_FALSE(host.found[0].strong);
  CHECK(host.found[0].text.find("people work there") != std::string::npos);
}

TEST_CASE("more different things than ever within an hour strengthen what is new") {
  BehaviourHost host;
  host.days(30);
  for (int i = 0; i < 60; ++i) {
    host.note("nginx.service", connected("10.9." + std::to_string(i) + ".1", "22"));
    host.wait(0.2);
  }
  host.wait(90);
  REQUIRE(!host.found.empty());
  CHECK(host.found.back().text.find("networks within an hour") != std::string::npos);
}
