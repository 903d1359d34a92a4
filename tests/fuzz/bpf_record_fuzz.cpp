// SPDX-License-Identifier: Apache-2.0
// Drives the decoders of records from the BPF programs. Input: the bytes of one record (record/process.h,
// record/tcp.h). What must hold: no crash, no read past the bytes, and texts that are short and printable.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/base/text.h"
#include "probes/bpf/behaviour_record.h"
#include "probes/bpf/process_record.h"
#include "probes/bpf/record/behaviour.h"
#include "probes/bpf/record/process.h"
#include "probes/bpf/record/tcp.h"
#include "probes/bpf/tcp_record.h"
#include "probes/bpf/unix_links.h"

using namespace hostmedic;

namespace {

void check(const std::vector<Attribute>& attributes) {
  for (const Attribute& attribute : attributes) {
    if (attribute.value != printable(attribute.value, 512) || attribute.value.size() > 160) __builtin_trap();
  }
}

void decode_tcp(std::string record) {
  if (record.size() % 4 == 1) record.resize(sizeof(hm_tcp_record));
  if (const auto event = bpf::decode_tcp_record(std::as_bytes(std::span(record))))
    check(bpf::tcp_attributes(*event, true));
}

void decode_unix(const std::string& bytes) {
  bpf::UnixLinks sockets;
  if (sockets.take(std::as_bytes(std::span(bytes))) > bytes.size()) __builtin_trap();
  for (const auto& [client, server] : sockets.links()) {
    if (client == server || client.size() > 128 || server.size() > 128) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string behaviour(reinterpret_cast<const char*>(data), size);
  if (size % 2 == 0) behaviour.resize(sizeof(hm_behaviour_record));
  if (size > 11) behaviour[8] = static_cast<char>(data[8] & 15), behaviour[9] = behaviour[10] = behaviour[11] = 0;
  if (const auto deed = bpf::decode_behaviour_record(std::as_bytes(std::span(behaviour))); deed)
    check(bpf::behaviour_attributes(*deed));
  // Cut or filled up to the right length, so that not only the refusal of a wrong one is tried.
  std::string record(reinterpret_cast<const char*>(data), size);
  decode_tcp(record);
  decode_unix(record);
  if (size % 4 == 0) record.resize(sizeof(hm_process_record));
  if (size % 4 == 2) record.resize(sizeof(hm_caused_record));
  if (size % 4 == 3) record.resize(sizeof(hm_exec_record));
  if (size > 17) record[16] = static_cast<char>(1 + (data[16] & 3)), record[17] = record[18] = record[19] = 0;
  const auto event = bpf::decode_process_record(std::as_bytes(std::span(record)));
  if (!event) return 0;
  if (event->status < 0 || event->status > 255) __builtin_trap();
  check(bpf::process_attributes(*event));
  return 0;
}
