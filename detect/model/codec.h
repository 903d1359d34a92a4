// SPDX-License-Identifier: Apache-2.0
// Frames as bytes, for the probe's socket and the flight recorder. Pure; any thread. Little-endian.
//
//   frame    = "HMF1" flags:u8 (bit 0: first) sequence:u64 mono_ns:i64 wall_ns:i64
//              n:u32 gone     {id:u32}
//              n:u32 entities {id:u32 kind:u8 name:text}
//              n:u32 series   {id:u32 entity:u32 unit:u8 instrument:u8 name:text attributes:text}
//              n:u32 samples  {id:u32 known:u8 [value:f64 if known]}
//              n:u32 events   {kind:u8 entity:u32 at_ns:i64 n:u8 {key:text value:text}}
//   text     = length:u16 bytes
//
// A message holds exactly one frame. The receiver refuses what breaks a bound of frame.h, an unknown kind or unit,
// trailing bytes, a non-finite value, a time outside 0..2^62 ns and a truncated message.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "agent/base/result.h"
#include "detect/model/frame.h"

namespace hostmedic {

inline constexpr std::size_t kMostFrameBytes = 256 << 10;  // a producer with more to say sends several frames

// Replaces out (its capacity is kept). The caller keeps frame within the bounds of frame.h.
void encode_frame(const Frame& frame, std::string& ret_bytes);
// Replaces frame (capacity kept); on error its content is unspecified but valid.
Status decode_frame(std::string_view bytes, Frame& ret_frame);

}  // namespace hostmedic
