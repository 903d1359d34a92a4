// SPDX-License-Identifier: Apache-2.0
// The control socket of a whole daemon. Input: byte 0 selects who asks (somebody, a member of the group, root) at the
// daemon's own door, or that it goes over the socket, where the kernel says who asks; the rest is what is sent. What
// must hold: each line has one answer, which is a JSON object with "ok" on one line; a refusal says its code; who is
// not root releases nothing.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/daemon/daemon.h"
#include "agent/record/record_json.h"
#include "support.h"

using namespace hostmedic;
using fuzz::check;
namespace asio = boost::asio;

namespace {

constexpr std::string_view kRootOnly[] = {"resume",       "maintenance-off", "silence-off", "expect-off",
                                          "feedback-off", "relearn",         "reload"};

bool answered(std::string_view answer) {
  check(answer.find('\n') == std::string_view::npos);
  const auto value = parse_json(answer, answer.size());
  check(value.has_value() && value->is_object());
  const auto* ok = value->get_object().if_contains("ok");
  check(ok != nullptr && ok->is_bool());
  if (!ok->get_bool()) check(value->get_object().contains("code") && value->get_object().contains("message"));
  return ok->get_bool();
}

class World {
 public:
  World() {
    Settings settings;
    settings.agent.engine = {};  // what is asked for here needs no rules
    settings.agent.recorder.enabled = false;
    DaemonOptions options;
    options.state_dir = options.run_dir = directory_.path();
    options.actuator_socket = directory_ / "no-actuator.sock";
    options.paths = {{directory_ / "none.toml", directory_ / "none.d"}, directory_ / "policy.toml", {}};
    daemon_ = std::make_unique<Daemon>(io_, std::move(options), std::move(settings));
    check(daemon_->start().has_value());
    api_ = std::make_unique<ControlApi>(*daemon_);
  }

  std::string ask(const Peer& peer, std::string_view line) {
    std::optional<std::string> answer;
    auto work = [&]() -> asio::awaitable<void> { answer = co_await api_->handle(peer, std::string(line)); };
    asio::co_spawn(io_, work(), [](std::exception_ptr thrown) { check(thrown == nullptr); });
    until([&] { return answer.has_value(); });
    return std::move(*answer);
  }

  std::string talk(std::string_view text) {
    const Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (directory_ / "control.sock").c_str(), sizeof address.sun_path - 1);
    check(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    std::string heard;
    bool said = false;
    until([&] {
      said = said || say(client.get(), text);
      std::array<char, 65536> room{};
      const ssize_t got = ::recv(client.get(), room.data(), room.size(), 0);
      if (got > 0) heard.append(room.data(), static_cast<std::size_t>(got));
      return got == 0 || (got < 0 && errno != EAGAIN);
    });
    return heard;
  }

 private:
  // True when there is no more to say, or nobody listens.
  static bool say(int fd, std::string_view& text) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return false;
    if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
    if (sent > 0 && !text.empty()) return false;
    ::shutdown(fd, SHUT_WR);
    return true;
  }
  template <class Done>
  void until(Done done) {
    const MonoTime end = mono_now() + std::chrono::seconds(8);
    while (!done()) {
      check(mono_now() < end);
      io_.restart();
      (void)io_.run_one_for(std::chrono::milliseconds(5));
    }
  }

  fuzz::Directory directory_;
  asio::io_context io_{1};
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<ControlApi> api_;
};

void ask_as(World& world, const Peer& peer, std::string_view line) {
  const bool ok = answered(world.ask(peer, line));
  if (!ok || peer.uid == 0) return;
  const auto request = parse_json(line, line.size());
  check(request.has_value() && request->is_object());
  const auto* verb = request->get_object().if_contains("verb");
  check(verb != nullptr && verb->is_string());
  for (const std::string_view reserved : kRootOnly) check(verb->get_string() != reserved);
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  const std::string requests[] = {
      R"({"verb":"status"})",
      R"({"verb":"incidents","all":true,"limit":3})",
      R"({"verb":"incident","id":"0"})",
      R"({"verb":"proposals"})",
      R"({"verb":"list","what":"probes"})",
      R"({"verb":"list","what":"silences"})",
      R"({"verb":"halt","reason":"x"})",
      R"({"verb":"resume"})",
      R"({"verb":"maintenance","seconds":60,"reason":"x","entity":"service:*"})",
      R"({"verb":"maintenance-off"})",
      R"({"verb":"silence","seconds":60,"entity":"service:*","kind":"*"})",
      R"({"verb":"silence-off","entity":"*"})",
      R"({"verb":"ack","id":"0","reason":"x"})",
      R"({"verb":"expect","seconds":60,"entity":"host","series":"*","factor":2,"name":"n"})",
      R"({"verb":"expect-off","name":"n"})",
      R"({"verb":"feedback","id":"0","real":true,"note":"x"})",
      R"({"verb":"report","seconds":60})",
      R"({"verb":"approve","id":"0","key":"0123456789abcdef01234567"})",
      R"({"verb":"reject","id":"0"})",
      R"({"verb":"runbook","name":"r"})",
      R"({"verb":"runbook-test","name":"r","id":"0"})",
      R"({"verb":"relearn","entity":"*"})",
      R"({"verb":"deploy-mark","name":"n","version":"1","entity":"host"})",
      R"({"verb":"reload"})",
  };
  std::vector<std::string> seeds;
  std::string all;
  for (const std::string& request : requests) {
    all += request + "\n";
    for (char who = 0; who < 3; who = static_cast<char>(who + 2)) seeds.push_back(who + request);
  }
  seeds.push_back('\3' + all);
  seeds.push_back("\3{}\n\n{\"verb\":5}\nno json\n{\"verb\":\"status\"");
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World* const world = new World();  // never taken down: its threads must not outlive what they use
  fuzz::Input input(data, size);
  const std::uint8_t way = input.byte() % 4;
  if (way < 3) {
    const Peer peer{way == 2 ? 0U : 1000U, 1000, 1, way == 1 ? std::vector<gid_t>{4} : std::vector<gid_t>{}};
    ask_as(*world, peer, input.rest());
    return 0;
  }
  const std::string heard = world->talk(input.rest());
  fuzz::Input answers(reinterpret_cast<const std::uint8_t*>(heard.data()), heard.size());
  while (!answers.empty()) (void)answered(answers.until('\n'));
  return 0;
}
