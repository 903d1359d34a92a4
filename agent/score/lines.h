// SPDX-License-Identifier: Apache-2.0
// The lines of a text, of any length as a whole, each within a bound; packed by gzip or not, which its first bytes
// tell. Blocking reads; one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/net/gzip.h"

namespace hostmedic {

inline constexpr std::size_t kMostLine = 1 << 20;

// Fills a part of the room, which is not empty; 0 at the end.
using ReadBytes = std::function<Result<std::size_t>(std::span<char> room)>;
Result<ReadBytes> read_bytes_of(const std::string& path);

class LineReader {
 public:
  explicit LineReader(ReadBytes read) : read_(std::move(read)) {}

  // The next line, without its end ("\n" or "\r\n") and without a byte order mark, until the next call; nothing at the
  // end of the text. Codes limit: longer than kMostLine; malformed: the packing is damaged or cut short.
  Result<std::optional<std::string_view>> next();
  std::uint64_t number() const { return number_; }  // of the line last given or failed at, from 1

 private:
  Status fill();
  Result<std::size_t> unpack(std::span<char> room);

  ReadBytes read_;
  std::optional<GunzipStream> gunzip_;
  std::string packed_, text_;  // read and not yet unpacked; unpacked and not yet given out
  std::size_t packed_at_ = 0, text_at_ = 0;
  std::uint64_t number_ = 0;
  bool begun_ = false, ended_ = false;
};

}  // namespace hostmedic
