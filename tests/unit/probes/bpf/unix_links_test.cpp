// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/unix_links.h"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "probes/bpf/record/unix_sockets.h"

using namespace hostmedic;

namespace {

hm_unix_socket socket_of(const char* unit, std::uint64_t place, bool serves) {
  hm_unix_socket made{};
  made.place = place;
  made.serves = serves ? 1 : 0;
  std::strcpy(made.unit, unit);
  return made;
}
std::string words(const bpf::UnixLinks& sockets) {
  std::string text;
  for (const auto& [client, server] : sockets.links()) text += client + ">" + server + " ";
  return text;
}

}  // namespace

TEST_CASE("services that are connected over Unix sockets, in whatever order they are told") {
  const std::vector<hm_unix_socket> records{
      socket_of("app.service", 1, false),     socket_of("db.service", 1, true),
      socket_of("app.service", 1, false),     socket_of("db.service", 1, false),
      socket_of("session-1.scope", 1, false), socket_of("app.service", 2, false),
      socket_of("init.scope", 3, true),       socket_of("app.service", 3, false),
      socket_of("web.service", 1, false),     socket_of("bad\x1b.service", 1, false),
  };
  const auto bytes = std::as_bytes(std::span(records));
  bpf::UnixLinks sockets;
  // In pieces, as a read may end inside a record.
  std::vector<std::byte> waiting;
  for (std::size_t at = 0; at < bytes.size(); at += 100) {
    const auto piece = bytes.subspan(at, std::min<std::size_t>(100, bytes.size() - at));
    waiting.insert(waiting.end(), piece.begin(), piece.end());
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(sockets.take(waiting)));
  }
  CHECK(waiting.empty());
  CHECK(words(sockets) == "app.service>db.service web.service>db.service ");
  CHECK(sockets.left_out() == 0);
}

TEST_CASE("more connections than are kept are counted, and a name without an end is none") {
  bpf::UnixLinks sockets;
  for (std::uint64_t place = 0; place < 5000; ++place) {
    const auto one = socket_of("app.service", place, false);
    CHECK(sockets.take(std::as_bytes(std::span(&one, 1))) == sizeof one);
  }
  CHECK(sockets.left_out() == 5000 - bpf::UnixLinks::kMost);
  bpf::UnixLinks broken;
  hm_unix_socket endless{};
  std::memset(endless.unit, 'a', sizeof endless.unit);
  CHECK(broken.take(std::as_bytes(std::span(&endless, 1))) == sizeof endless);
  CHECK(broken.take({}) == 0);
}
