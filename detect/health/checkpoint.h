// SPDX-License-Identifier: Apache-2.0
// What detection learnt, as one file: named sections between a version and a checksum, so that a restart forgets
// nothing and a damaged or foreign file is refused as a whole. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic::detect {

struct Checkpoint {
  WallTime written;
  std::map<std::string, std::string> sections;  // by name; what is inside has a version of its own
};
inline constexpr Bytes kMostCheckpoint = mib(64);

// Little-endian: "HMCK", format version, time, sections, FNV-1a of all before. Code limit past kMostCheckpoint.
Result<std::string> encode_checkpoint(const Checkpoint& checkpoint);
// Code malformed for what is not a checkpoint, was cut or changed; unsupported for another version.
Result<Checkpoint> decode_checkpoint(std::string_view bytes);

}  // namespace hostmedic::detect
