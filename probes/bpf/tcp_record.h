// SPDX-License-Identifier: Apache-2.0
// Checks and translates the records of tcp.bpf.c. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "detect/model/frame.h"
#include "probes/bpf/record/tcp.h"
#include "probes/parse/ip_address.h"

namespace hostmedic::bpf {

// "tcp://192.0.2.1:443", "tcp://[2001:db8::1]:443".
std::string remote_url(const std::uint8_t (&address)[16], std::uint64_t port);

struct TcpEvent {
  hm_tcp_event kind{};
  MonoTime at;
  std::uint64_t group = 0;
  std::uint32_t pid = 0;  // 0: not in our pid namespace
  std::uint32_t port = 0;
  IpAddress ip{};
  std::string address;           // the same in words
  std::string executable, unit;  // printable; empty when unknown
};
// nullopt for a record that our program cannot have written.
std::optional<TcpEvent> decode_tcp_record(std::span<const std::byte> record);
// As names.h has them. initial: it was so before anything could be known.
std::vector<Attribute> tcp_attributes(const TcpEvent& event, bool initial);

}  // namespace hostmedic::bpf
