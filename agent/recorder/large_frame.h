// SPDX-License-Identifier: Apache-2.0
// A frame of any size as codec.h writes frames, which are bounded for the socket: in as many parts as it takes. Pure.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "detect/model/frame.h"

namespace hostmedic {

inline constexpr Bytes kMostLargeFrame = mib(64);

// Replaces ret_bytes.
void encode_large(const Frame& frame, std::string& ret_bytes);
// Replaces ret_frame.
Status decode_large(std::string_view bytes, Frame& ret_frame);

}  // namespace hostmedic
