// SPDX-License-Identifier: Apache-2.0
// Asks the running kernel about sockets that the test makes on the loopback.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "../fake_root.h"
#include "../recording_sink.h"
#include "probes/socket/cgroup_units.h"
#include "probes/socket/tcp_table.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo tcp_sockets_probe;
}

namespace {

InetSocket socket_in(std::uint8_t state, std::uint16_t port, std::uint64_t cgroup, std::uint32_t waiting = 0,
                     std::uint32_t limit = 0) {
  InetSocket socket;
  socket.state = state;
  socket.local_port = port;
  socket.receive_queue = waiting;
  socket.send_queue = limit;
  socket.cgroup_id = cgroup;
  return socket;
}
constexpr std::uint8_t kEstablished = 1, kCloseWait = 8, kListen = 10;

// A listener that nobody accepts from, and clients of it.
struct Neglected {
  explicit Neglected(int backlog) : listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), backlog) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
    for (int i = 0; i < 3; ++i) {
      clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      REQUIRE(::connect(clients.back().get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
  }
  Fd listener;
  std::vector<Fd> clients;
  std::uint16_t port = 0;
};

}  // namespace

TEST_CASE("tcp table: sockets of a port and owner are one listener, the fullest counts") {
  TcpTable table;
  table.add(socket_in(kListen, 80, 7, 10, 100));
  table.add(socket_in(kListen, 80, 7, 100, 100));
  table.add(socket_in(kListen, 80, 8, 1, 0));
  table.add(socket_in(kEstablished, 80, 7));
  table.add(socket_in(kCloseWait, 80, 7));
  table.add(socket_in(99, 80, 7));
  InetSocket orphan = socket_in(kEstablished, 80, 7);
  orphan.orphan = true;
  table.add(orphan);
  REQUIRE(table.listeners.size() == 2);
  CHECK(table.listeners[0].waiting == 110);
  CHECK(table.listeners[0].utilization == 1);
  CHECK(table.listeners[1].utilization == 0);
  CHECK(table.states[kEstablished] == 2);
  REQUIRE(table.owners.size() == 1);
  CHECK(table.owners.begin()->second.established == 1);
  CHECK(table.owners.begin()->second.close_wait == 1);
  for (int i = 0; i < 5000; ++i) {
    table.add(socket_in(kEstablished, 1, 1000 + i));
    table.add(socket_in(kListen, static_cast<std::uint16_t>(i), 9));
  }
  CHECK(table.owners.size() == TcpTable::kMostOwners);
  CHECK(table.listeners.size() == TcpTable::kMostListeners);
  CHECK(table.left_out == 10000 - (TcpTable::kMostOwners - 1) - (TcpTable::kMostListeners - 2));
}

TEST_CASE("tcp table: where a group listens and what it connects to") {
  TcpTable table;
  const auto at = [](InetSocket socket, std::uint8_t local, std::uint8_t peer, std::uint16_t peer_port) {
    // 0: any; below 100 on the loopback; else 10.0.0.x.
    const auto address = [](std::uint8_t last) {
      if (last == 0) return IpAddress{};
      IpAddress made{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, last};
      if (last >= 100) made[12] = 10;
      return made;
    };
    socket.local_address = address(local);
    socket.peer_address = address(peer);
    socket.peer_port = peer_port;
    return socket;
  };
  table.add(at(socket_in(kListen, 80, 7), 0, 0, 0));
  table.add(at(socket_in(kListen, 80, 7), 0, 0, 0));  // SO_REUSEPORT
  table.add(at(socket_in(kListen, 5432, 8), 1, 0, 0));
  table.add(at(socket_in(kListen, 22, 0), 1, 0, 0));                  // of nobody
  table.add(at(socket_in(kEstablished, 80, 7), 100, 200, 50000));     // a client of ours
  table.add(at(socket_in(kEstablished, 40000, 7), 1, 1, 5432));       // as a client, on the loopback
  table.add(at(socket_in(kEstablished, 5432, 8), 1, 1, 40000));       // its other end
  table.add(at(socket_in(kEstablished, 40001, 7), 1, 1, 5432));       // once more
  table.add(at(socket_in(kEstablished, 40002, 7), 100, 100, 33000));  // under our own address
  table.add(at(socket_in(kEstablished, 40003, 7), 100, 200, 443));    // far away
  table.add(at(socket_in(kEstablished, 40004, 7), 100, 200, 43210));  // a port that says nothing
  std::string listening, peers;
  for (const Place& one : table.listening)
    listening +=
        std::to_string(one.cgroup_id) + "@" + format_address(one.address) + ":" + std::to_string(one.port) + " ";
  for (const auto& [one, own] : table.peers)
    peers += std::to_string(one.cgroup_id) + ">" + format_address(one.address) + ":" + std::to_string(one.port) +
             (own ? "own " : " ");
  CHECK(listening == "7@:::80 8@127.0.0.1:5432 ");
  CHECK(peers == "7>10.0.0.100:33000own 7>10.0.0.200:443 7>127.0.0.1:5432 ");
  const std::uint64_t before = table.left_out;
  for (int i = 1; i < 2000; ++i) table.add(at(socket_in(kEstablished, 40000, 9), 1, 1, static_cast<std::uint16_t>(i)));
  CHECK(table.peers.size() == TcpTable::kMostPeers);
  CHECK(table.left_out - before == 1999 + 3 - TcpTable::kMostPeers);
}

TEST_CASE("tcp sockets probe: a listener whose connections nobody accepts") {
  FakeRoot root;
  ProbeUnderTest tested(tcp_sockets_probe, root);
  if (!tested.probe) {
    MESSAGE("skipped: " << tested.error);
    CHECK(tested.error.starts_with("not here, because "));
    return;
  }
  const Neglected server(5);
  RecordingSink sink;
  const auto look = [&](std::int64_t second) {
    REQUIRE(tested.probe->read(at_second(second), sink));
    pollfd polled{tested.probe->descriptors().at(0), POLLIN, 0};
    REQUIRE(::poll(&polled, 1, 10'000) == 1);
    REQUIRE(tested.probe->on_ready(at_second(second), sink));
  };
  look(5);
  const std::string port = "{server.port=" + std::to_string(server.port) + "}";
  CHECK(sink.values.at("host hostmedic.socket.accept_queue.length" + port) == 3);
  CHECK(sink.values.at("host hostmedic.socket.accept_queue.utilization" + port).value() == doctest::Approx(0.6));
  CHECK(sink.values.at("host system.network.connection.count{network.connection.state=established}").value() >= 6);
  CHECK(sink.values.at("host system.network.connection.count{network.connection.state=listen}").value() >= 1);
  CHECK(sink.values.count("host system.network.connection.count{network.connection.state=time_wait}") == 0);
  // The ends that were not accepted belong to nobody yet.
  const std::string user = std::to_string(::getuid());
  CHECK(sink.values.at("host hostmedic.user.connections{network.connection.state=established,user.id=" + user + "}")
            .value() >= 3);

  Fd accepted(::accept4(server.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(accepted);
  look(10);
  CHECK(sink.values.at("host hostmedic.socket.accept_queue.length" + port) == 2);
}

TEST_CASE("cgroup units: every group below a unit is the unit's") {
  FakeRoot root;
  root.write("sys/fs/cgroup/cgroup.controllers", "");
  root.mkdir("sys/fs/cgroup/system.slice/nginx.service/workers");
  root.mkdir("sys/fs/cgroup/user.slice");
  const Roots roots = root.roots();
  const auto units = cgroup_units(roots.sys.get());
  CHECK(units.size() == 2);
  for (const auto& [id, unit] : units) CHECK(unit == "nginx.service");
  root.remove("sys/fs/cgroup/cgroup.controllers");
  CHECK(cgroup_units(roots.sys.get()).empty());
}
