// SPDX-License-Identifier: Apache-2.0
// Drives everything that the entries for containers and the network read: answers of an engine, of nft and of the
// kernel, addresses of a plan. Input: byte 0 selects the reader, the rest is the text. What must hold: no crash, ids
// that are ids, addresses that read back as themselves, nothing that a script for nft could take for more than one
// word.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actions/catalog/container/container_name.h"
#include "actions/catalog/container/effect_engine.h"
#include "actions/catalog/container/effect_http.h"
#include "actions/catalog/network/effect_nft.h"
#include "actions/catalog/network/effect_sockets.h"
#include "actions/catalog/network/effect_surroundings.h"

using namespace hostmedic;

namespace {

void check(bool holds) {
  if (!holds) __builtin_trap();
}
void check_place(const NetPlace& place) {
  const std::string text = to_string(place);
  check(text.find_first_not_of("0123456789abcdef.:/") == std::string::npos);
  const auto again = parse_net_address(to_string(place.address));
  check(again.has_value() && *again == place.address && contains(place, place.address));
}

constexpr void (*kReaders[])(std::string_view) = {
    [](std::string_view text) {
      const auto answer = parse_engine_answer(text);
      if (answer) check(answer->status >= 100 && answer->status <= 599 && answer->body.size() < text.size());
    },
    [](std::string_view text) {
      const auto container = parse_engine_container(text);
      if (container) check(is_container_id(container->id) && !container->state.empty());
    },
    [](std::string_view text) {
      if (const auto counts = parse_nft_counts(text)) check(counts->rules >= 0);
      (void)nft_has(text, "set", "isolate");
      (void)nft_set_size(text, "isolate");
      if (const auto label = nft_element_label(text, "blocked4", "192.0.2.1")) check(label->size() <= 84);
      if (const auto label = nft_chain_label(text, "out")) check(label->starts_with("hostmedic"));
    },
    [](std::string_view text) {
      std::vector<TcpSocket> sockets;
      const auto last = parse_sockets(std::as_bytes(std::span(text)), sockets);
      if (last) check(sockets.size() <= text.size());
    },
    [](std::string_view text) {
      for (const TcpRow& row : parse_tcp_rows(text)) check_place({row.peer, row.peer.six ? 128 : 32, row.peer_port});
      (void)parse_gateways(text, text);
      for (const NetAddress& server : parse_name_servers(text)) check_place({server, server.six ? 128 : 32, 0});
      for (const std::uint16_t port : parse_ssh_ports(text)) check(port != 0);
    },
    [](std::string_view text) {
      if (const auto peer = parse_peer(text)) check_place(*peer);
      const auto allowed = parse_allowed(text);
      if (!allowed) return;
      check(allowed->size() <= kMostAllowed);
      for (const NetPlace& place : *allowed) check_place(place);
    },
};

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  const std::string id(64, 'a');
  return {
      std::string("\0HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 42),
      "\1{\"Id\":\"" + id +
          "\",\"Name\":\"/w\",\"State\":{\"Status\":\"running\",\"Pid\":3},\"HostConfig\":{\"CapAdd\":[1]}}",
      "\2{\"nftables\":[{\"set\":{\"name\":\"blocked4\",\"elem\":[{\"elem\":{\"val\":\"192.0.2.1\"}}]}},{\"rule\":{"
      "\"chain\":"
      "\"out\",\"comment\":\"hostmedic\",\"expr\":[{\"counter\":{\"packets\":1}}]}}]}",
      std::string("\3\x14\0\0\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 21),
      "\4h\n 0: 0100007F:0016 0200000A:D431 01 0:0 0:0 0 107 0\nnameserver ::1\nPort 22\n",
      "\5tcp://[2001:db8::1]:80,192.0.2.0/24",
  };
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kReaders[data[0] % std::size(kReaders)](std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
