// SPDX-License-Identifier: Apache-2.0
// gzip of whole texts in memory, the one content encoding that every OTLP receiver knows, and piece by piece for files
// that are larger than what may be held. Pure; any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/result.h"

namespace hostmedic {

Result<std::string> gzip(std::string_view text);
// code limit once the text would be larger than most, before it takes that memory; code malformed for anything that is
// not one complete gzip member.
Result<std::string> gunzip(std::string_view packed, Bytes most);

// Unpacks a stream of gzip members, as a file may be one. One owner.
class GunzipStream {
 public:
  struct Progress {
    std::size_t taken = 0, given = 0;  // of packed, into room
  };
  static Result<GunzipStream> make();
  ~GunzipStream();
  GunzipStream(GunzipStream&& other) noexcept;
  GunzipStream& operator=(GunzipStream&& other) noexcept;

  // Takes and gives what it can; neither is empty. Code malformed for what is not gzip.
  Result<Progress> step(std::string_view packed, std::span<char> room);
  // The last member is complete: here the stream may end.
  bool complete() const;

 private:
  struct Internals;
  explicit GunzipStream(std::unique_ptr<Internals> internals);
  std::unique_ptr<Internals> internals_;
};

}  // namespace hostmedic
