// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/container/effect_engine.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <thread>

#include "actions/catalog/container/effect_group.h"
#include "actions/catalog/container/effect_http.h"
#include "agent/base/fd.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

const std::string kId(64, 'c');
std::string inspect_of(const std::string& name) {
  return R"({"Id":")" + kId + R"(","Name":"/)" + name +
         R"(","State":{"Status":"running","Pid":42,"StartedAt":"2026-01-01T00:00:00Z","ExitCode":0,)"
         R"("Health":{"Status":"unhealthy"}},"HostConfig":{"NetworkMode":"bridge","Privileged":false,"CapAdd":null},)"
         R"("Config":{"Labels":{"com.docker.compose.project":"shop","com.docker.compose.service":"web"}}})";
}

// A listener that answers each connection in turn with one of the texts, and keeps what it was asked.
struct FakeEngine {
  TempDir dir;
  EnginePlace place{"docker", dir / "engine.sock"};
  std::vector<std::string> asked;
  Fd listener;
  std::thread thread;

  explicit FakeEngine(std::vector<std::string> answers) : listener(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    struct sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, place.socket.c_str());
    REQUIRE(::bind(listener.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 8) == 0);
    thread = std::thread([this, answers = std::move(answers)] {
      for (const std::string& answer : answers) {
        const Fd fd(::accept(listener.get(), nullptr, nullptr));
        std::string text(4096, '\0');
        const ssize_t n = ::recv(fd.get(), text.data(), text.size(), 0);
        asked.push_back(text.substr(0, static_cast<std::size_t>(n < 0 ? 0 : n)));
        if (answer.empty()) ::usleep(500'000);  // says nothing for longer than anybody waits
        (void)!::send(fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    });
  }
  ~FakeEngine() { thread.join(); }
};
std::string answer(int status, const std::string& body) {
  return "HTTP/1.0 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}
constexpr auto kSecond = std::chrono::seconds(1);

}  // namespace

TEST_CASE("an engine's answer is taken whole or not at all") {
  CHECK(parse_engine_answer("HTTP/1.1 204 No Content\r\n\r\n")->status == 204);
  CHECK(parse_engine_answer(answer(200, "{}"))->body == "{}");
  CHECK(parse_engine_answer("HTTP/1.0 200 OK\r\n\r\nabc")->body == "abc");
  for (const char* bad :
       {"", "HTTP/1.0 200 OK\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.0 x\r\n\r\n", "HTTP/1.0 99\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nabc", "HTTP/1.0 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_engine_answer(bad).has_value());
  }
}

TEST_CASE("what an engine says of a container") {
  const auto found = parse_engine_container(inspect_of("web"));
  REQUIRE(found.has_value());
  CHECK(found->name == "web");
  CHECK(found->pid == 42);
  CHECK(found->health == "unhealthy");
  CHECK(found->replacement == "Compose service web of shop");
  CHECK_FALSE(found->rules_its_network);
  CHECK(parse_engine_container(R"({"Id":")" + kId +
                               R"(","State":{"Status":"running"},"HostConfig":{"CapAdd":["NET_ADMIN"]}})")
            ->rules_its_network);
  for (const std::string& bad :
       {std::string(""), std::string("{"), std::string("[]"), std::string("{\"Id\":\"x\"}"), "{\"Id\":\"" + kId + "\"}",
        "{\"Id\":\"" + kId + "\",\"State\":{\"Status\":\"running\",\"Pid\":-1}}"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_engine_container(bad).has_value());
  }
}

TEST_CASE("a container is found by the engine that has it") {
  {
    FakeEngine engine({answer(200, inspect_of("web"))});
    const auto found = find_container("web", {{"podman", engine.dir / "none.sock"}, engine.place}, kSecond);
    REQUIRE(found.has_value());
    CHECK(found->engine.name == "docker");
    engine.thread.join();
    CHECK(engine.asked.at(0).starts_with("GET /containers/web/json HTTP/1.0\r\n"));
    engine.thread = std::thread([] {});
  }
  {
    FakeEngine one({answer(200, inspect_of("web"))}), two({answer(200, inspect_of("web"))});
    CHECK(find_container("web", {one.place, two.place}, kSecond).error().code == ErrorCode::conflict);
  }
  FakeEngine engine({answer(404, "{}"), answer(200, inspect_of("other")), answer(500, "{}"), ""});
  CHECK(find_container("web", {engine.place}, kSecond).error().code == ErrorCode::not_found);
  CHECK(find_container("web", {engine.place}, kSecond).error().code == ErrorCode::conflict);
  CHECK(find_container("web", {engine.place}, kSecond).error().code == ErrorCode::io);
  CHECK(find_container("web", {engine.place}, std::chrono::milliseconds(100)).error().code == ErrorCode::timeout);
  CHECK(find_container("web", {}, kSecond).error().code == ErrorCode::unsupported);
  CHECK(find_container("a\r\nb", {engine.place}, kSecond).error().code == ErrorCode::malformed);
}

TEST_CASE("an engine is told by the id in full, and its refusal is passed on") {
  FakeEngine engine({answer(204, ""), answer(304, ""), answer(409, R"({"message":"is paused"})")});
  EngineContainer container;
  container.id = kId;
  container.engine = engine.place;
  CHECK(tell_engine(container, "pause", kSecond).has_value());
  CHECK(tell_engine(container, "start", kSecond).has_value());
  const Status refused = tell_engine(container, "stop?t=10", kSecond);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message().find("is paused") != std::string::npos);
  engine.thread.join();
  CHECK(engine.asked.at(2).starts_with("POST /containers/" + kId + "/stop?t=10 HTTP/1.0\r\n"));
  engine.thread = std::thread([] {});
}

TEST_CASE("without an engine a container is found by its control group") {
  TempDir root;
  const std::string other = std::string(12, 'c') + std::string(52, 'd');
  const std::string group = root / ("system.slice/docker-" + kId + ".scope");
  std::filesystem::create_directories(group + "/inner");
  std::filesystem::create_directories(root / ("system.slice/libpod-conmon-" + kId + ".scope"));
  write(group + "/cgroup.procs", "17\n18\n");
  write(group + "/inner/cgroup.procs", "19\n");
  const auto found = find_container_group(root.path, kId.substr(0, 12));
  REQUIRE(found.has_value());
  CHECK(found->path == group);
  CHECK(found->id == kId);
  CHECK(processes_of(group, 10) == std::vector<std::uint32_t>{17, 18, 19});
  CHECK(processes_of(group, 1) == std::vector<std::uint32_t>{17});
  CHECK(find_container_group(root.path, "web").error().code == ErrorCode::not_found);
  CHECK(find_container_group(root.path, "ccc").error().code == ErrorCode::not_found);
  CHECK(find_container_group(root.path, std::string(64, 'e')).error().code == ErrorCode::not_found);
  std::filesystem::create_directories(root / ("kubepods/" + other));
  CHECK(find_container_group(root.path, kId.substr(0, 12)).error().code == ErrorCode::conflict);
}

TEST_CASE("a socket that is no engine's is not taken for one, and a right is the one that is named") {
  FakeEngine none({});
  const std::string path = none.dir / "datagrams";
  const Fd datagrams(::socket(AF_UNIX, SOCK_DGRAM, 0));
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  REQUIRE(::bind(datagrams.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0);
  CHECK(find_container("web", {{"docker", path}}, kSecond).error().code == ErrorCode::io);
  CHECK_FALSE(parse_engine_container(R"({"Id":")" + kId +
                                     R"(","State":{"Status":"running"},"HostConfig":{"CapAdd":["SYS_TIME"]}})")
                  ->rules_its_network);
}

TEST_CASE("a unit's control group is found, or not, among as many as are looked at; what does not freeze is told") {
  TempDir root;
  std::filesystem::create_directories(root / "system.slice/app.service");
  CHECK(find_unit_group(root.path, "app.service").value_or("") == root / "system.slice/app.service");
  CHECK(find_unit_group(root.path, "other.service").error().code == ErrorCode::not_found);
  const std::string group = root / "system.slice/app.service";
  write(group + "/cgroup.events", "populated 1\n");
  write(group + "/cgroup.freeze", "0");
  CHECK(freeze_group(group, true).error().code == ErrorCode::unsupported);
  write(group + "/cgroup.events", "populated 1\nfrozen 0\n");
  CHECK(freeze_group(group, true).error().code == ErrorCode::timeout);
  for (int i = 0; i <= kMostGroups; ++i) ::mkdir((root / ("a" + std::to_string(i))).c_str(), 0755);
  CHECK(find_unit_group(root.path, "other.service").error().code == ErrorCode::limit);
  CHECK(find_container_group(root.path, kId).error().code == ErrorCode::limit);
}
