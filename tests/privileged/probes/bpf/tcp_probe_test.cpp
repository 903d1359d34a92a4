// SPDX-License-Identifier: Apache-2.0
// Known numbers of connections in a network namespace of the test's own, told apart from all others by an address that
// nobody else has. Where there can be no namespace the tests say why and pass.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "agent/base/fd.h"
#include "agent/base/parse.h"
#include "detect/model/names.h"
#include "tests/privileged/probes/bpf/attached.h"

namespace hostmedic {
extern const ProbeInfo tcp_probe;
}

using namespace hostmedic;
using hostmedic::test::AttachedProbe;

namespace {

constexpr const char* kAddress = "10.213.77.1";
constexpr int kServed = 8080, kUnserved = 8081;
const std::string kRemote = std::string("endpoint:tcp://") + kAddress + ":";

sockaddr_in at(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, kAddress, &address.sin_addr);
  return address;
}
bool connect_to(const Fd& socket, int port) {
  const sockaddr_in address = at(port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}
Fd tcp() { return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }
Fd listener() {
  Fd socket = tcp();
  const sockaddr_in address = at(kServed);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) ::_exit(3);
  if (::listen(socket.get(), 128) != 0) ::_exit(3);
  return socket;
}
void serve(const Fd& listening, int count) {
  char buffer[65536];
  for (int i = 0; i < count; ++i) {
    const Fd accepted(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    while (::read(accepted.get(), buffer, sizeof buffer) > 0) {
    }
  }
}
int retransmitted_segments() {
  std::ifstream file("/proc/self/net/snmp");
  std::string line, names;
  while (std::getline(file, line)) {
    if (!line.starts_with("Tcp:")) continue;
    if (names.empty()) {
      names = line;
      continue;
    }
    std::istringstream name(names), value(line);
    for (std::string n, v; name >> n && value >> v;) {
      if (n == "RetransSegs") return static_cast<int>(parse_u64(v).value_or(0));
    }
  }
  return -1;
}

// Runs body in a child with a network of its own; what it returns is the child's answer, below 200. -1: no namespace.
int in_own_network(const std::string& shaping, const std::function<int()>& body) {
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    const std::string up =
        std::string("ip link set lo mtu 1500 up && ip addr add ") + kAddress + "/32 dev lo" + shaping;
    int answer = -1;
    if (::unshare(CLONE_NEWNET) == 0 && std::system(up.c_str()) == 0) answer = body();
    (void)!::write(ends[1], &answer, sizeof answer);
    ::_exit(0);
  }
  ::close(ends[1]);
  int answer = -1;
  (void)!::read(ends[0], &answer, sizeof answer);
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);
  return answer;
}

}  // namespace

TEST_CASE("connections that come about and those that are refused are counted, with their latency") {
  AttachedProbe host(tcp_probe);
  if (!host.probe) return;
  const int done = in_own_network("", [] {
    const Fd listening = listener();
    std::thread server(serve, std::cref(listening), 40);
    int refused = 0;
    for (int i = 0; i < 40; ++i) {
      const Fd socket = tcp();
      if (!connect_to(socket, kServed)) ::_exit(3);
      (void)!::write(socket.get(), "x", 1);
    }
    server.join();
    for (int i = 0; i < 60; ++i) refused += connect_to(tcp(), kUnserved) ? 0 : 1;
    return refused;
  });
  if (done < 0) {
    MESSAGE("skipped: no network namespace to be had");
    return;
  }
  REQUIRE(done == 60);
  const std::string served = kRemote + "8080 ", unserved = kRemote + "8081 ";
  CHECK(host.value(served + "hostmedic.tcp.connections{role=client}") == 40);
  CHECK(host.last(served + "hostmedic.tcp.connect.failures{role=client}") == 0);
  CHECK(host.last(served + "hostmedic.tcp.connect.latency.p50{role=client}") > 0);
  CHECK(host.last(served + "hostmedic.tcp.connect.latency.p50{role=client}") < 0.1);
  CHECK(host.last(served + "hostmedic.tcp.round_trip.time{role=client}") > 0);
  CHECK(host.last(unserved + "hostmedic.tcp.connections{role=client}") == 0);
  CHECK(host.last(unserved + "hostmedic.tcp.connect.failures{role=client}") == 60);
  CHECK(host.last(unserved + "hostmedic.tcp.resets{network.io.direction=receive,role=client}") == 60);
  CHECK(host.last("host hostmedic.tcp.connections{role=server}") >= 40);
  CHECK(host.last("host hostmedic.tcp.connect.failures{error.type=refused,role=client}") >= 60);
  CHECK(host.last("agent:probe.tcp hostmedic.bpf.events.dropped{reason=no_room}") == 0);

  std::string listened, connected;
  for (const auto& told : host.sink.told) {
    if (told.event.kind == EventKind::listener && told.get(attr::kNetworkLocalAddress) == kAddress)
      listened += told.get(attr::kNetworkLocalPort) + told.get(attr::kListenerState) + " ";
    if (told.event.kind == EventKind::destination && told.get(attr::kNetworkPeerAddress) == kAddress)
      connected += told.get(attr::kProcessName) + ":" + told.get(attr::kNetworkPeerPort) + " ";
  }
  CHECK(listened == "8080listening 8080closed ");
  CHECK(connected == "privileged_probes:8080 privileged_probes:8081 ");  // each once
}

TEST_CASE("segments sent again are those that the kernel counts") {
  AttachedProbe host(tcp_probe);
  if (!host.probe) return;
  const int counted = in_own_network(" && tc qdisc add dev lo root tbf rate 20mbit burst 4kb latency 1ms", [] {
    const Fd listening = listener();
    std::thread server(serve, std::cref(listening), 1);
    {
      const Fd socket = tcp();
      if (!connect_to(socket, kServed)) ::_exit(3);
      const std::string data(200'000, 'x');
      (void)!::write(socket.get(), data.data(), data.size());
    }
    server.join();
    return retransmitted_segments();
  });
  if (counted <= 0) {
    MESSAGE("skipped: no network namespace, or nothing to lose packets with");
    return;
  }
  const double ours = host.value(kRemote + "8080 hostmedic.tcp.retransmits{role=client}");
  MESSAGE("retransmitted: " << ours << ", by the kernel's own count " << counted);
  CHECK(ours >= 0.98 * counted - 1);
  CHECK(ours <= 1.02 * counted + 1);
}
