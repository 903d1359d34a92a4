// SPDX-License-Identifier: Apache-2.0
// The frame around whole state (detect/model/whole_state.h): what it is, in which version, what it may only be taken
// over with, and a checksum, so that a damaged or foreign one is refused before anything is changed. Pure; any thread.
//
//   snapshot = magic:4 bytes version:u32 n:u32 {print:u64} payload checksum:u64 (FNV-1a over words of eight bytes)
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "detect/model/whole_state.h"

namespace hostmedic::detect {

// A part of a configuration, "rules", and the hash of what it says.
struct Print {
  std::string_view part;
  std::uint64_t hash = 0;
};
struct SnapshotKind {
  std::string_view what, magic;  // "engine", 4 bytes
  std::uint32_t version = 1;     // another one is not read
};

inline constexpr Bytes kMostSnapshot = mib(64);

// Code limit past kMostSnapshot.
Result<std::string> seal_snapshot(const SnapshotKind& kind, std::span<const Print> prints, std::string_view payload);
// The payload. Code malformed for what is no such snapshot, was cut or changed; unsupported for another version;
// conflict for another configuration, with the part that differs.
Result<std::string_view> open_snapshot(const SnapshotKind& kind, std::span<const Print> prints, std::string_view bytes);

std::uint64_t hash_of(std::string_view bytes);
// Of values, whole.
template <class... Parts>
std::uint64_t print_of(const Parts&... parts) {
  StateWriter writer;
  (put_whole(writer, parts), ...);
  return hash_of(writer.bytes());
}

}  // namespace hostmedic::detect
