// SPDX-License-Identifier: Apache-2.0
// gzip of whole texts in memory, the one content encoding that every OTLP receiver knows. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/result.h"

namespace hostmedic {

Result<std::string> gzip(std::string_view text);
// code limit once the text would be larger than most, before it takes that memory; code malformed for anything that is
// not one complete gzip member.
Result<std::string> gunzip(std::string_view packed, Bytes most);

}  // namespace hostmedic
