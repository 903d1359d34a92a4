// SPDX-License-Identifier: Apache-2.0
#include "probes/container/engine_json.h"

#include <doctest/doctest.h>

#include "probes/container/engine_http.h"
#include "tests/unit/probes/container/engine_texts.h"

using namespace hostmedic;
using namespace hostmedic::container;
using hostmedic::test::docker_config;
using hostmedic::test::id_of;

TEST_CASE("inspect: what is told of a container") {
  const auto facts = parse_inspect(R"({"Id":")" + id_of('a') + R"(","Name":"/web","RestartCount":2,"Image":"sha256:1",
      "Config":{"Image":"nginx:1"},"State":{"Status":"running","ExitCode":0,"OOMKilled":false,
      "Health":{"Status":"unhealthy","FailingStreak":3,"Log":[{"Output":"x"}]}}})");
  REQUIRE(facts);
  CHECK(*facts == ContainerFacts{id_of('a'), "web", "nginx:1", "running", "unhealthy", 0, 2, false, "sha256:1"});
}

TEST_CASE("inspect: what is missing is unknown, what is of another kind too, and without an id there is nothing") {
  const auto facts =
      parse_inspect(R"({"Id":")" + id_of('a') + R"(","Name":7,"RestartCount":-1,"State":[],"Config":{"Image":null}})");
  REQUIRE(facts);
  CHECK(*facts == ContainerFacts{id_of('a'), "", "", "", "", {}, {}, false});
  CHECK(parse_inspect("{}").error().message() == "no container id");
  CHECK_FALSE(parse_inspect(R"({"Id":"../../etc"})"));
  CHECK_FALSE(parse_inspect("[]"));
  CHECK_FALSE(parse_inspect(""));
  CHECK_FALSE(parse_inspect(R"({"Id":")" + id_of('a')));
  CHECK_FALSE(parse_inspect(std::string(100000, '[')));
  CHECK(parse_inspect(std::string(kMostJson + 1, ' ')).error().code == ErrorCode::limit);
}

TEST_CASE("texts from outside are made printable and are bounded") {
  const auto facts = parse_inspect(R"({"Id":")" + id_of('a') + R"(","Name":"/a\u001b[31m\n","Config":{"Image":")" +
                                   std::string(5000, 'x') + R"("}})");
  REQUIRE(facts);
  CHECK(facts->name == "a?[31m?");
  CHECK(facts->image.size() <= kMostText);
}

TEST_CASE("Docker's own file: its states") {
  struct Row {
    const char *state, *word;
  };
  const Row rows[] = {
      {R"("Running":true)", "running"},
      {R"("Running":true,"Paused":true)", "paused"},
      {R"("Running":true,"Restarting":true)", "restarting"},
      {R"("RemovalInProgress":true)", "removing"},
      {R"("Dead":true)", "dead"},
      {R"("StartedAt":"0001-01-01T00:00:00Z")", "created"},
      {R"("StartedAt":"2026-01-01T00:00:00Z","ExitCode":3)", "exited"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.word);
    const auto facts = parse_docker_config(docker_config('b', row.state, 4));
    REQUIRE(facts);
    CHECK(facts->state == row.word);
    CHECK(facts->name == "web");
    CHECK(facts->image == "busybox");
    CHECK(facts->restarts == 4);
  }
  CHECK(parse_docker_config(docker_config('b', R"("OOMKilled":true,"ExitCode":137)", 0))->oom_killed);
  CHECK_FALSE(parse_docker_config("{\"ID\":1}"));
}

TEST_CASE("the storage that Podman and CRI-O share: names and images") {
  const auto rows =
      parse_storage_list(R"([{"id":")" + id_of('a') +
                         R"(","names":["web"],"image":"1","metadata":"{\"image-name\":\"docker.io/nginx:1\"}"},
          {"id":")" + id_of('b') +
                         R"(","names":[],"metadata":"not json"},{"id":"short"},7])");
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK((*rows)[0].name == "web");
  CHECK((*rows)[0].image == "docker.io/nginx:1");
  CHECK((*rows)[0].state == "");
  CHECK((*rows)[1].name == "");
  CHECK_FALSE(parse_storage_list("{}"));
}

TEST_CASE("lists are bounded") {
  std::string text = "[";
  for (int i = 0; i < 400; ++i) {
    std::string id = std::to_string(100000 + i);
    text += (i > 0 ? "," : "") + std::string(R"({"Id":")") + std::string(58, '0') + id + R"("})";
  }
  const auto ids = parse_id_list(text + "]");
  REQUIRE(ids);
  CHECK(ids->size() == kMostContainers);
}

TEST_CASE("the stream: Docker's words and Podman's") {
  const auto line = [](const std::string& action, const std::string& attributes) {
    return parse_news(R"({"Type":"container","Action":")" + action + R"(","Actor":{"ID":")" + id_of('a') +
                      R"(","Attributes":{"name":"web","image":"busybox")" + attributes + "}}}");
  };
  const auto died = line("die", R"(,"exitCode":"3")");
  REQUIRE(died);
  CHECK(died->id == id_of('a'));
  CHECK(died->action == "die");
  CHECK(died->exit_code == 3);
  CHECK(died->name == "web");
  CHECK(died->image == "busybox");
  CHECK(line("died", R"(,"containerExitCode":"137")")->exit_code == 137);
  CHECK(line("died", "")->action == "die");
  CHECK(line("remove", "")->action == "destroy");
  CHECK(line("health_status: unhealthy", "")->action == "health_status");
  CHECK(line("health_status: unhealthy", "")->health == "unhealthy");
  CHECK(line("exec_die: sh", "")->health == "");
  CHECK(parse_news(R"({"Type":"image","Action":"pull","Actor":{"ID":")" + id_of('a') + R"("}})")->id == "");
  CHECK(parse_news("{}")->id == "");
  CHECK_FALSE(parse_news("[1]"));
  CHECK_FALSE(parse_news("{\"Type\":"));
}

TEST_CASE("data-root of the daemon's configuration") {
  CHECK(*parse_data_root(R"({"data-root":"/srv/docker"})") == "/srv/docker");
  CHECK(*parse_data_root(R"({"data-root":"relative"})") == "");
  CHECK(*parse_data_root("{}") == "");
  CHECK_FALSE(parse_data_root("# no json"));
}

TEST_CASE("the head of an HTTP answer") {
  const std::string good = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}";
  const auto head = parse_http_head(good);
  REQUIRE(head);
  REQUIRE(*head);
  CHECK((*head)->status == 200);
  CHECK(good.substr((*head)->size) == "{}");
  for (std::size_t cut = 0; cut < good.size() - 2; ++cut) {
    const auto part = parse_http_head(good.substr(0, cut));
    REQUIRE(part);
    CHECK_FALSE(part->has_value());
  }
  CHECK((*parse_http_head("HTTP/1.1 404 Not Found\r\n\r\n"))->status == 404);
  CHECK_FALSE(parse_http_head("HTTP/2 200\r\n\r\n"));
  CHECK_FALSE(parse_http_head("{\"x\":1}"));
  CHECK_FALSE(parse_http_head("HTTP/1.0 banana\r\n\r\n"));
  CHECK_FALSE(parse_http_head("HTTP/1.0 99999\r\n\r\n"));
  CHECK_FALSE(parse_http_head("HTTP/1.1 200 OK\r\nTRANSFER-Encoding: chunked\r\n\r\n"));
  CHECK_FALSE(parse_http_head("HTTP/1.0 200 OK\r\nX: " + std::string(kMostHead, 'x')));
}
