// SPDX-License-Identifier: Apache-2.0
#include "probes/container/container_table.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "detect/model/names.h"
#include "tests/unit/probes/container/engine_texts.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::container;
using hostmedic::test::id_of;
using hostmedic::test::RecordingSink;

namespace {

constexpr MonoTime kNow = mono_from_ns(5'000'000'000);

ContainerFacts facts(char c, std::string name, std::string state, std::uint64_t restarts = 0,
                     std::int64_t exit_code = 0) {
  return {id_of(c), std::move(name), "busybox", std::move(state), "", exit_code, restarts, false};
}
ContainerNews news(char c, std::string action, std::optional<std::int64_t> exit_code = {}) {
  return {id_of(c), std::move(action), "", "", "", exit_code};
}

struct Setting {
  ContainerTable table;
  RecordingSink sink;
  std::vector<std::string> events() const {
    std::vector<std::string> words;
    for (const auto& told : sink.told) words.push_back(told.get(attr::kContainerEvent));
    return words;
  }
  void snapshot(const std::vector<ContainerFacts>& all) { table.on_snapshot("docker", all, kNow, sink); }
  void disk(const ContainerFacts& one) { table.on_facts("docker", one, Source::disk, kNow, sink); }
  void socket(const ContainerFacts& one) { table.on_facts("docker", one, Source::socket, kNow, sink); }
};
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("what is found at the start: not what rests as somebody wished") {
  Setting host;
  host.snapshot({facts('a', "web", "running", 2), facts('b', "job", "exited"), facts('c', "bad", "exited", 0, 3),
                 facts('d', "new", "created")});
  CHECK(host.events() == Words{"found", "found"});
  const auto& web = host.sink.told[0];
  CHECK(to_string(web.about) == "container:web");
  CHECK(web.event.kind == EventKind::container_state);
  CHECK(web.get(attr::kContainerId) == id_of('a'));
  CHECK(web.get(attr::kContainerName) == "web");
  CHECK(web.get(attr::kContainerImage) == "busybox");
  CHECK(web.get(attr::kContainerRuntime) == "docker");
  CHECK(web.get(attr::kContainerState) == "running");
  CHECK(web.get(attr::kContainerRestarts) == "2");
  CHECK(web.get(attr::kContainerExitCode) == "");
  CHECK(host.sink.told[1].get(attr::kContainerExitCode) == "3");
  host.table.sample(host.sink);
  CHECK(host.sink.values["container:web hostmedic.container.restarts"] == 2.0);
}

TEST_CASE("from disk: a death and a restart by policy, also when only the result was seen") {
  Setting host;
  host.snapshot({facts('a', "web", "running")});
  host.disk(facts('a', "web", "restarting", 1, 3));  // counted before it runs again
  host.disk(facts('a', "web", "running", 1));
  host.disk(facts('a', "web", "running", 1));
  host.disk(facts('a', "web", "running", 2));
  CHECK(host.events() == Words{"found", "die", "restart", "restart"});
  CHECK(host.sink.told[1].get(attr::kContainerExitCode) == "3");
  CHECK(host.sink.told[3].get(attr::kContainerRestarts) == "2");
}

TEST_CASE("from the stream: a death is told by it and not again by the answer that follows") {
  Setting host;
  host.snapshot({facts('a', "web", "running")});
  CHECK(host.table.on_news("docker", news('a', "die", 3), kNow, host.sink));
  host.socket(facts('a', "web", "restarting", 1, 3));
  CHECK(host.table.on_news("docker", news('a', "start"), kNow, host.sink));
  host.socket(facts('a', "web", "running", 1));
  CHECK(host.events() == Words{"found", "die", "restart"});
  CHECK(host.sink.told[1].get(attr::kContainerExitCode) == "3");
  // By hand: the count stays.
  (void)host.table.on_news("docker", news('a', "die", 0), kNow, host.sink);
  host.socket(facts('a', "web", "running", 1));
  CHECK(host.events() == Words{"found", "die", "restart", "die", "start"});
  // The answer came before the line that it rests on.
  host.socket(facts('a', "web", "exited", 1, 137));
  (void)host.table.on_news("docker", news('a', "die", 137), kNow, host.sink);
  CHECK(host.events() == Words{"found", "die", "restart", "die", "start", "die"});
}

TEST_CASE("want of memory and health") {
  Setting host;
  host.snapshot({facts('a', "web", "running")});
  ContainerFacts sick = facts('a', "web", "running");
  sick.health = "unhealthy";
  host.disk(sick);
  sick.oom_killed = true;
  sick.state = "exited";
  sick.exit_code = 137;
  host.disk(sick);
  CHECK(host.events() == Words{"found", "health_status", "oom", "die"});
  CHECK(host.sink.told[1].get(attr::kContainerHealth) == "unhealthy");
  CHECK(host.sink.told[3].get(attr::kContainerOomKilled) == "1");
  (void)host.table.on_news("docker", news('a', "oom"), kNow, host.sink);
  CHECK(host.events().back() == "oom");
}

TEST_CASE("a container comes and goes, and so does its entity") {
  Setting host;
  host.snapshot({});
  host.disk(facts('a', "web", "created"));
  host.disk(facts('a', "web", "running"));
  host.table.on_gone(id_of('a'), kNow, host.sink);
  host.table.on_gone(id_of('a'), kNow, host.sink);
  CHECK(host.events() == Words{"create", "start", "destroy"});
  CHECK(host.sink.retired == Words{"container:web"});
  CHECK(host.table.size() == 0);
}

TEST_CASE("what happened while the engine was not heard") {
  Setting host;
  host.snapshot({facts('a', "web", "running"), facts('b', "db", "running")});
  host.snapshot({facts('b', "db", "exited", 0, 1), facts('c', "new", "running")});
  CHECK(host.events() == Words{"found", "found", "die", "start", "destroy"});
}

TEST_CASE("without an engine the control groups tell of starts and ends") {
  Setting host;
  const std::vector<GroupRow> one = {{id_of('a'), "x", "cri-containerd"}};
  const std::vector<GroupRow> two = {{id_of('a'), "x", "cri-containerd"}, {id_of('b'), "y", "libpod"}};
  CHECK(host.table.on_groups(one, kNow, host.sink).empty());
  CHECK(host.table.on_groups(two, kNow, host.sink).empty());
  CHECK(host.events() == Words{"found", "start"});
  CHECK(to_string(host.sink.told[0].about) == "container:aaaaaaaaaaaa");
  CHECK(host.sink.told[0].get(attr::kContainerRuntime) == "containerd");
  CHECK(host.sink.told[1].get(attr::kContainerRuntime) == "podman");
  CHECK(host.table.on_groups(one, kNow, host.sink) == Words{id_of('b')});
  host.table.on_ended(id_of('b'), 7, kNow, host.sink);
  CHECK(host.sink.told[2].get(attr::kContainerEvent) == "die");
  CHECK(host.sink.told[2].get(attr::kContainerExitCode) == "7");
  CHECK(host.sink.retired == Words{"container:bbbbbbbbbbbb"});
}

TEST_CASE("a name that is learned later renames the entity") {
  Setting host;
  (void)host.table.on_groups(std::vector<GroupRow>{{id_of('a'), "x", "libpod"}}, kNow, host.sink);
  CHECK_FALSE(host.table.take_renamed());
  host.table.on_snapshot("podman", std::vector<ContainerFacts>{{id_of('a'), "web", "nginx", "", "", {}, {}, false}},
                         kNow, host.sink);
  CHECK(host.table.take_renamed());
  CHECK(host.table.entity_name(id_of('a')) == "web");
  CHECK(host.sink.retired == Words{"container:aaaaaaaaaaaa"});
  // Podman's files have no state: the end of the group is the end.
  CHECK(host.table.on_groups({}, kNow, host.sink) == Words{id_of('a')});
  host.table.on_ended(id_of('a'), 0, kNow, host.sink);
  CHECK(to_string(host.sink.told.back().about) == "container:web");
  CHECK(host.table.size() == 1);  // it still exists
}

TEST_CASE("two containers of one name have an entity each; the table has a bound") {
  Setting host;
  host.snapshot({facts('a', "web", "running")});
  host.table.on_snapshot("podman", std::vector<ContainerFacts>{facts('b', "web", "running")}, kNow, host.sink);
  CHECK(to_string(host.sink.told[1].about) == "container:bbbbbbbbbbbb");
  ContainerTable small(1);
  RecordingSink sink;
  small.on_snapshot("docker", std::vector<ContainerFacts>{facts('a', "x", "running"), facts('b', "y", "running")}, kNow,
                    sink);
  CHECK(small.size() == 1);
  CHECK(small.take_refused() >= 1);
}

TEST_CASE("another image under the name of a container is a change of it") {
  Setting host;
  const auto with = [](char c, std::string image, std::string image_id) {
    ContainerFacts one = facts(c, "web", "running");
    one.image = std::move(image);
    one.image_id = std::move(image_id);
    return one;
  };
  const auto changes = [&] {
    Words words;
    for (const auto& told : host.sink.told) {
      if (told.event.kind != EventKind::change) continue;
      CHECK(to_string(told.about) == "container:web");
      CHECK(told.get(attr::kChangeType) == "image");
      CHECK(told.get(attr::kChangeAction) == "modified");
      words.push_back(told.get(attr::kChangeName) + ": " + told.get(attr::kChangePreviousVersion) + " -> " +
                      told.get(attr::kChangeVersion));
    }
    host.sink.told.clear();
    return words;
  };
  host.snapshot({with('a', "nginx:1", "sha256:1")});
  host.socket(with('a', "nginx:1", "sha256:1"));
  CHECK(changes().empty());
  host.table.on_gone(id_of('a'), kNow, host.sink);
  host.socket(with('b', "nginx:2", "sha256:2"));
  CHECK(changes() == Words{"nginx:2: nginx:1 -> nginx:2"});
  host.socket(with('b', "nginx:2", ""));  // the same container, of which less is known this time
  host.table.on_gone(id_of('b'), kNow, host.sink);
  host.socket(with('c', "nginx:2", "sha256:3"));  // the name means another image now
  CHECK(changes() == Words{"nginx:2: nginx:2@sha256:2 -> nginx:2@sha256:3"});
  host.table.on_gone(id_of('c'), kNow, host.sink);
  host.socket(with('d', "nginx:2", "sha256:3"));  // only made anew
  host.table.on_gone(id_of('d'), kNow, host.sink);
  host.socket(with('e', "nginx:2", ""));  // not known to be another
  host.socket(facts('f', "other", "running"));
  CHECK(changes().empty());
  // Another engine may have a container of the same name.
  host.table.on_facts("podman", with('9', "httpd", ""), Source::disk, kNow, host.sink);
  CHECK(changes().empty());
}

TEST_CASE("images of containers that are gone are forgotten when there are too many") {
  ContainerTable table(2);
  RecordingSink sink;
  for (const char c : {'a', 'b', 'c'}) {
    ContainerFacts one = facts(c, std::string(1, c), "running");
    table.on_facts("docker", one, Source::socket, kNow, sink);
    if (c != 'b') table.on_gone(one.id, kNow, sink);
  }
  ContainerFacts again = facts('d', "b", "running");
  again.image = "nginx";
  sink.told.clear();
  table.on_gone(id_of('b'), kNow, sink);
  table.on_facts("docker", again, Source::socket, kNow, sink);
  CHECK(std::ranges::any_of(sink.told, [](const auto& told) { return told.event.kind == EventKind::change; }));
}
