// SPDX-License-Identifier: Apache-2.0
// Loads the BPF programs into the running kernel and looks at a server of its own on the loopback device. It only
// attaches and reads. Where that is not allowed the tests say why and pass.
#include "probes/bpf/http_probe.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <thread>

#include "agent/base/clock.h"
#include "probes/bpf/load.h"
#include "probes/source/roots.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using namespace std::literals;
using hostmedic::test::RecordingSink;

namespace {

const ProbeSettings kSettings;
using Millis = std::chrono::milliseconds;

std::string h2_frame(char type, char flags, int stream, std::string_view block) {
  const std::string head{0, 0, static_cast<char>(block.size()), type, flags, 0, 0, 0, static_cast<char>(stream)};
  return head + std::string(block);
}
const std::string kH2Greeting = h2_frame(4, 0, 0, "\0\x03\0\0\0\x64"sv) + h2_frame(4, 1, 0, "");
const std::string kGrpcStatus = "\x40\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f"s;
// 200 with data and grpc-status 0; 502 spelled out; both on stream 1.
const std::string kH2Success =
    h2_frame(1, 4, 1, "\x88\x5f\x01x") + h2_frame(0, 0, 1, "some data") + h2_frame(1, 5, 1, kGrpcStatus + "\x01" + "0");
const std::string kH2Failure = h2_frame(1, 4, 1,
                                        "\x48\x03"
                                        "502") +
                               h2_frame(1, 5, 1, kGrpcStatus + "\x02" + "13");

// Answers whatever comes with what is found after its first space: "GET /404 " with 404. "/slow" takes 50 ms.
class Server {
 public:
  Server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&any), size) == 0);
    REQUIRE(::listen(listener_.get(), 128) == 0);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&any), &size);
    address = any;
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::string port() const { return std::to_string(ntohs(address.sin_port)); }
  sockaddr_in address{};

 private:
  void serve() {
    for (;;) {
      const Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer) return;
      const int yes = 1;
      ::setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      std::array<char, 4096> text;
      bool h2 = false;
      for (;;) {
        const ssize_t got = ::recv(peer.get(), text.data(), text.size(), 0);
        if (got <= 0) break;
        answer(peer.get(), {text.data(), static_cast<std::size_t>(got)}, h2);
      }
    }
  }
  static void answer(int peer, std::string_view request, bool& h2) {
    const auto path = request.find(" /");
    std::string status = path == std::string_view::npos ? "400" : std::string(request.substr(path + 2, 3));
    if (request.starts_with("PRI * HTTP/2.0")) {
      h2 = true;
      return send(peer, kH2Greeting);
    }
    if (h2) return send(peer, request.ends_with("fail") ? kH2Failure : kH2Success);
    if (status == "slo") {
      std::this_thread::sleep_for(Millis(50));
      status = "200";
    }
    if (status == "100") {
      send(peer, "HTTP/1.1 100 Continue\r\n\r\n");
      status = "201";
    }
    send(peer, "HTTP/1.1 " + status + " Text\r\nContent-Length: 2\r\n\r\nok");
  }
  static void send(int peer, const std::string& text) { (void)::send(peer, text.data(), text.size(), MSG_NOSIGNAL); }

  Fd listener_;
  std::thread thread_;
};

class Client {
 public:
  explicit Client(const Server& server) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    REQUIRE(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&server.address), sizeof server.address) == 0);
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  void send(std::string_view text) { REQUIRE(::send(socket_.get(), text.data(), text.size(), 0) > 0); }
  void receive() {
    std::array<char, 4096> text;
    REQUIRE(::recv(socket_.get(), text.data(), text.size(), 0) > 0);
  }
  void ask(std::string_view path, std::string_view method = "GET") {
    send(std::string(method) + " /" + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    receive();
  }

 private:
  Fd socket_;
};

// The probe on tracepoints, or on the root of the control groups. Both must see the same.
struct Attached {
  explicit Attached(bool group, std::uint32_t sample_shift = 0) : roots(std::move(*open_roots("/"))) {
    const std::uint64_t root = bpf::own_place(roots).root_cgroup_id;
    REQUIRE(bpf::begin(ProbeContext{roots, kSettings}));
    auto programs = group ? bpf::load_on_group(roots, root) : bpf::load_on_tracepoints(root);
    if (programs) {
      *programs->sample_shift = sample_shift;
      probe = make_http_probe(std::move(*programs));
    } else {
      MESSAGE("skipped: " << programs.error().message());
      CHECK(programs.error().code == ErrorCode::unsupported);
      CHECK(programs.error().message().starts_with("not here, because "));
    }
  }
  void read() { REQUIRE(probe->read(mono_now(), sink)); }
  // Of the server, whatever unit the tests run in; nullopt if there is no such series or it is not known.
  std::optional<double> value(const Server& server, std::string_view metric, std::string_view attributes = "") {
    const std::string tail = " hostmedic.http.server." + std::string(metric) + "{" + std::string(attributes) +
                             "network.local.port=" + server.port() + "}";
    return ending(tail);
  }
  std::optional<double> answers(const Server& server, std::string_view status) {
    return value(server, "request.count", "http.response.status_code=" + std::string(status) + ",");
  }
  std::optional<double> grpc(const Server& server, std::string_view status) {
    const std::string tail = " hostmedic.rpc.server.response.count{network.local.port=" + server.port() +
                             ",rpc.response.status_code=" + std::string(status) + "}";
    return ending(tail);
  }
  std::optional<double> ending(std::string_view tail) {
    for (const auto& [key, value] : sink.values) {
      if (key.ends_with(tail)) return value;
    }
    return std::nullopt;
  }
  double agent(std::string_view name) {
    return sink.values.at("agent:probe.http hostmedic." + std::string(name)).value();
  }

  Roots roots;
  std::unique_ptr<Probe> probe;
  RecordingSink sink;
};

}  // namespace

TEST_CASE("each request and its status is counted, on one connection and on one for each") {
  bool group = false;
  SUBCASE("on tracepoints") { group = false; }
  SUBCASE("on the control group") { group = true; }
  Attached host(group);
  if (!host.probe) return;
  Server server;
  {
    Client kept(server);
    for (int i = 0; i < 100; ++i) kept.ask("200");
    for (int i = 0; i < 10; ++i) kept.ask("404", "POST");
    kept.ask("500", "DELETE");
    kept.ask("301", "HEAD");
  }
  host.read();
  CHECK(host.answers(server, "2xx") == 100.0);
  CHECK(host.answers(server, "3xx") == 1.0);
  CHECK(host.answers(server, "4xx") == 10.0);
  CHECK(host.answers(server, "5xx") == 1.0);
  CHECK(host.value(server, "request.begun") == 112.0);
  for (int i = 0; i < 50; ++i) Client(server).ask(i % 5 == 0 ? "503" : "204");
  host.read();
  CHECK(host.answers(server, "2xx") == 140.0);
  CHECK(host.answers(server, "5xx") == 11.0);
  CHECK(host.value(server, "request.begun") == 162.0);
  CHECK_FALSE(host.answers(server, "unknown"));
}

TEST_CASE("latency is from the request to the final answer") {
  bool group = false;
  SUBCASE("on tracepoints") { group = false; }
  SUBCASE("on the control group") { group = true; }
  Attached host(group);
  if (!host.probe) return;
  Server server;
  Client client(server);
  for (int i = 0; i < 9; ++i) client.ask("slow");
  host.read();
  CHECK(host.value(server, "request.duration.p50").value() > 0.045);
  CHECK(host.value(server, "request.duration.p50").value() < 0.080);
  for (int i = 0; i < 100; ++i) client.ask("200");
  for (int i = 0; i < 3; ++i) client.ask("slow");
  host.read();
  CHECK(host.value(server, "request.duration.p50").value() < 0.010);
  CHECK(host.value(server, "request.duration.p99").value() > 0.045);
  host.read();
  CHECK_FALSE(host.value(server, "request.duration.p50"));
}

TEST_CASE("an interim answer does not end a request, a head sent in pieces and a body are no further ones") {
  bool group = false;
  SUBCASE("on tracepoints") { group = false; }
  SUBCASE("on the control group") { group = true; }
  Attached host(group);
  if (!host.probe) return;
  Server server;
  Client client(server);
  client.send("POST /100 HTTP/1.1\r\nExpect: 100-continue\r\n\r\n");
  client.receive();
  std::this_thread::sleep_for(Millis(20));  // both answers are out
  client.send("some body, which the server takes for a bad request");
  client.receive();
  std::this_thread::sleep_for(Millis(20));
  host.read();
  CHECK(host.value(server, "request.begun") == 1.0);
  CHECK(host.answers(server, "2xx") == 1.0);
  CHECK_FALSE(host.answers(server, "1xx"));
  CHECK(host.answers(server, "4xx") == 1.0);
}

TEST_CASE("an encrypted port is left alone and gives no series") {
  bool group = false;
  SUBCASE("on tracepoints") { group = false; }
  SUBCASE("on the control group") { group = true; }
  Attached host(group);
  if (!host.probe) return;
  Server server;
  constexpr std::string_view kHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and much more", 25);
  for (int i = 0; i < 20; ++i) {
    Client client(server);
    client.send(kHello);  // the server answers in clear, so that an answer would be seen
    std::this_thread::sleep_for(Millis(1));
  }
  host.read();
  CHECK(host.agent("http.encrypted.ports") == 1.0);
  const auto before = host.answers(server, "2xx");
  for (int i = 0; i < 20; ++i) Client(server).ask("200");
  host.read();
  CHECK(host.answers(server, "2xx") == before);
}

TEST_CASE("HTTP/2 in clear text: requests, status and latency; the status of gRPC where it is spelled out") {
  bool group = false;
  SUBCASE("on tracepoints") { group = false; }
  SUBCASE("on the control group") { group = true; }
  Attached host(group);
  if (!host.probe) return;
  Server server;
  for (int i = 0; i < 10; ++i) {
    Client client(server);
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(4, 0, 0, "\0\x03\0\0\0\x64"sv));
    client.receive();
    client.send(h2_frame(1, 5, 1, i < 7 ? "\x83\x86\x84 some fields" : "\x83\x86\x84 fields that fail"));
    client.receive();
  }
  host.read();
  CHECK(host.value(server, "http2.connections") == 10.0);
  CHECK(host.value(server, "request.begun") == 10.0);
  CHECK(host.answers(server, "2xx") == 7.0);
  CHECK(host.answers(server, "5xx") == 3.0);
  CHECK(host.value(server, "request.duration.p50").value() < 0.010);
  CHECK(host.grpc(server, "ok") == 7.0);
  CHECK(host.grpc(server, "error") == 3.0);
}

TEST_CASE("under load one connection of many is looked at, and counts for all") {
  Attached host(false, 2);
  if (!host.probe) return;
  Server server;
  for (int i = 0; i < 4000; ++i) Client(server).ask("200");
  host.read();
  CHECK(host.agent("http.sampling.ratio") == 0.25);
  // Of 4,000 at one in four, five standard deviations are 550.
  CHECK(std::abs(host.answers(server, "2xx").value() - 4000) < 600);
  CHECK(host.answers(server, "2xx") == host.value(server, "request.begun"));
  for (int i = 0; i < 2; ++i) host.read();  // the load is gone
  CHECK(host.agent("http.sampling.ratio") == 0.5);
  host.read();
  CHECK(host.agent("http.sampling.ratio") == 1.0);
}

TEST_CASE("more connections than are kept lose nothing") {
  bool group = false;
  SUBCASE("on tracepoints") { group = false; }
  SUBCASE("on the control group") { group = true; }
  Attached host(group);
  if (!host.probe) return;
  Server server;
  for (int i = 0; i < 10'000; ++i) Client(server).ask("200");
  host.read();
  CHECK(host.answers(server, "2xx") == 10'000.0);
  CHECK(host.value(server, "request.begun") == 10'000.0);
  CHECK(host.agent("bpf.events.dropped{reason=services}") == 0.0);
  CHECK(host.agent("bpf.events.dropped{reason=rows}") == 0.0);
}

TEST_CASE("what this kernel allows is what is taken, and an interval without anybody says so") {
  const Roots roots = std::move(*open_roots("/"));
  const auto made = http_probe.make(ProbeContext{roots, kSettings});
  if (!made) {
    MESSAGE("skipped: " << made.error().message());
    return;
  }
  RecordingSink sink;
  REQUIRE((*made)->read(mono_now(), sink));
  CHECK(sink.values.at("agent:probe.http hostmedic.http.sampling.ratio") == 1.0);
  CHECK(sink.values.at("agent:probe.http hostmedic.http.encrypted.ports") == 0.0);
}
