// SPDX-License-Identifier: Apache-2.0
// Texts one after the other as few bytes: each may refer to those before it, so that what repeats costs little. What
// was packed can only be unpacked in the same order. Pure; one owner.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/result.h"

struct z_stream_s;

namespace hostmedic {

class Squeezer {
 public:
  Squeezer();
  ~Squeezer();
  void restart();
  // Replaces ret_bytes. Empty when there is no memory for it.
  void pack(std::string_view text, std::string& ret_bytes);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

class Unsqueezer {
 public:
  Unsqueezer();
  ~Unsqueezer();
  void restart();
  // Replaces ret_text. Error malformed; limit when it would be longer than most.
  Status unpack(std::string_view bytes, Bytes most, std::string& ret_text);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

}  // namespace hostmedic
