// SPDX-License-Identifier: Apache-2.0
// Drives the decoder of the stream that the walk over the kernel's tasks writes, and the ledger behind it. Input: byte
// 0 says where the stream is cut into two reads, the rest is the stream; every fourth byte group that could be a kind
// is made one, so that not only the refusal is tried. What must hold: no crash, no read past the bytes, what one read
// left over goes on in the next, and sums that are those of the processes that live.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "probes/bpf/sweep_record.h"
#include "probes/process/ledger.h"

using namespace hostmedic;

namespace {

struct Nowhere final : process::PlaceFinder {
  std::optional<process::Place> find(std::uint32_t pid) override {
    if (pid % 3 == 0) return std::nullopt;
    return process::Place{pid % 2 == 0 ? "a.service" : "", ""};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (std::size_t at = 0; at + 4 <= stream.size(); at += stream[at] == HM_SWEEP_ALIVE ? 8 : sizeof(hm_sweep_process)) {
    stream[at] = static_cast<char>(1 + (stream[at] & 1));
    stream[at + 1] = stream[at + 2] = stream[at + 3] = 0;
    if (at + 6 < stream.size()) stream[at + 5] = stream[at + 6] = 0;  // few pids, so that they meet again
  }
  const auto bytes = std::as_bytes(std::span(stream));
  Nowhere nowhere;
  process::ProcessLedger ledger(nowhere, mono_from_ns(0));
  ledger.begin(mono_from_ns(1));
  const std::size_t cut = std::min<std::size_t>(data[0], bytes.size());
  const auto first = bpf::decode_sweep(bytes.first(cut), 4096, ledger);
  if (first && *first > cut) __builtin_trap();
  if (first) {
    const auto second = bpf::decode_sweep(bytes.subspan(*first), 4096, ledger);
    if (second && *first + *second > bytes.size()) __builtin_trap();
  }
  ledger.end(true);
  const auto& groups = ledger.groups(process::GroupKind::executable);
  std::uint64_t members = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) members += groups[i].sums.members;
  if (members != ledger.followed()) __builtin_trap();
  ledger.begin(mono_from_ns(2));
  ledger.end(true);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].sums.members != 0) __builtin_trap();
    for (const std::uint64_t gauge : groups[i].sums.gauges) {
      if (gauge != 0) __builtin_trap();
    }
  }
  return 0;
}
