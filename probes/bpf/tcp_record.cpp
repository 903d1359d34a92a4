// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/tcp_record.h"

#include <algorithm>
#include <cstring>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/bpf/text.h"
#include "probes/parse/ip_address.h"

namespace hostmedic::bpf {

std::string remote_url(const std::uint8_t (&address)[16], std::uint64_t port) {
  std::string text = format_address(address);
  if (text.find(':') != std::string::npos) text = "[" + text + "]";
  return "tcp://" + text + ":" + std::to_string(port);
}

std::optional<TcpEvent> decode_tcp_record(std::span<const std::byte> bytes) {
  hm_tcp_record record;
  if (bytes.size() != sizeof record) return std::nullopt;
  std::memcpy(&record, bytes.data(), sizeof record);
  if (record.kind < HM_TCP_LISTENING || record.kind > HM_TCP_DESTINATION) return std::nullopt;
  if (record.at_ns > static_cast<std::uint64_t>(INT64_MAX) || record.port > 0xffff) return std::nullopt;
  TcpEvent event;
  event.kind = static_cast<hm_tcp_event>(record.kind);
  event.at = mono_from_ns(static_cast<std::int64_t>(record.at_ns));
  event.group = record.group;
  event.pid = record.pid;
  event.port = record.port;
  std::ranges::copy(record.address, event.ip.begin());
  event.address = format_address(event.ip);
  event.executable = printable(text_of(record.executable), sizeof record.executable);
  if (const auto unit = text_of(record.unit); is_unit(unit)) event.unit = unit;
  return event;
}

std::vector<Attribute> tcp_attributes(const TcpEvent& event, bool initial) {
  std::vector<Attribute> attributes;
  const auto add = [&](std::string_view key, std::string value) {
    if (!value.empty()) attributes.push_back({std::string(key), std::move(value)});
  };
  add(attr::kNetworkTransport, "tcp");
  if (event.kind == HM_TCP_DESTINATION) {
    add(attr::kNetworkPeerAddress, event.address);
    add(attr::kNetworkPeerPort, std::to_string(event.port));
  } else {
    add(attr::kNetworkLocalAddress, event.address);
    add(attr::kNetworkLocalPort, std::to_string(event.port));
    add(attr::kListenerState, event.kind == HM_TCP_LISTENING ? "listening" : "closed");
  }
  if (initial) add(attr::kNetworkInitial, "1");
  if (event.pid != 0) add(attr::kProcessPid, std::to_string(event.pid));
  add(attr::kProcessName, event.executable);
  add(attr::kProcessUnit, event.unit);
  return attributes;
}

}  // namespace hostmedic::bpf
