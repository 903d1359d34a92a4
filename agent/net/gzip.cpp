// SPDX-License-Identifier: Apache-2.0
#include "agent/net/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace hostmedic {
namespace {

constexpr int kGzipFormat = 15 + 16;  // largest window, gzip header
constexpr std::size_t kChunk = 16384;

// zlib's interface is not const-correct; it only reads the input.
Bytef* input_of(std::string_view text) {
  return const_cast<Bytef*>(static_cast<const Bytef*>(static_cast<const void*>(text.data())));
}

struct Inflater {
  z_stream stream{};
  bool ready = ::inflateInit2(&stream, kGzipFormat) == Z_OK;
  ~Inflater() { (void)::inflateEnd(&stream); }  // reports only what is being thrown away
};
struct Deflater {
  z_stream stream{};
  bool ready = ::deflateInit2(&stream, 6, Z_DEFLATED, kGzipFormat, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  ~Deflater() { (void)::deflateEnd(&stream); }  // as above
};

}  // namespace

Result<std::string> gzip(std::string_view text) {
  if (text.size() > std::numeric_limits<uInt>::max()) return make_error(ErrorCode::limit, "too large for gzip");
  Deflater deflater;
  if (!deflater.ready) return make_error(ErrorCode::io, "gzip cannot start");
  std::string packed(::deflateBound(&deflater.stream, text.size()), '\0');
  deflater.stream.next_in = input_of(text);
  deflater.stream.avail_in = static_cast<uInt>(text.size());
  deflater.stream.next_out = static_cast<Bytef*>(static_cast<void*>(packed.data()));
  deflater.stream.avail_out = static_cast<uInt>(packed.size());
  if (::deflate(&deflater.stream, Z_FINISH) != Z_STREAM_END) return make_error(ErrorCode::io, "gzip failed");
  packed.resize(deflater.stream.total_out);
  return packed;
}

Result<std::string> gunzip(std::string_view packed, Bytes most) {
  if (packed.size() > std::numeric_limits<uInt>::max()) return make_error(ErrorCode::limit, "too large for gzip");
  Inflater inflater;
  if (!inflater.ready) return make_error(ErrorCode::io, "gzip cannot start");
  inflater.stream.next_in = input_of(packed);
  inflater.stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  std::array<char, kChunk> chunk;
  for (;;) {
    inflater.stream.next_out = static_cast<Bytef*>(static_cast<void*>(chunk.data()));
    inflater.stream.avail_out = static_cast<uInt>(chunk.size());
    const int state = ::inflate(&inflater.stream, Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END) return make_error(ErrorCode::malformed, "not gzip, or cut short");
    const std::size_t size = chunk.size() - inflater.stream.avail_out;
    if (text.size() + size > most.count)
      return make_error(ErrorCode::limit, "unpacks to more than " + format_bytes(most));
    text.append(chunk.data(), size);
    if (state == Z_STREAM_END) break;
  }
  if (inflater.stream.avail_in != 0) return make_error(ErrorCode::malformed, "something follows the gzip data");
  return text;
}

struct GunzipStream::Internals {
  Inflater inflater;
  bool complete = false;
};

GunzipStream::GunzipStream(std::unique_ptr<Internals> internals) : internals_(std::move(internals)) {}
GunzipStream::~GunzipStream() = default;
GunzipStream::GunzipStream(GunzipStream&& other) noexcept = default;
GunzipStream& GunzipStream::operator=(GunzipStream&& other) noexcept = default;

Result<GunzipStream> GunzipStream::make() {
  auto internals = std::make_unique<Internals>();
  if (!internals->inflater.ready) return make_error(ErrorCode::io, "gzip cannot start");
  return GunzipStream(std::move(internals));
}

Result<GunzipStream::Progress> GunzipStream::step(std::string_view packed, std::span<char> room) {
  constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
  z_stream& stream = internals_->inflater.stream;
  if (internals_->complete && ::inflateReset(&stream) != Z_OK) return make_error(ErrorCode::io, "gzip cannot go on");
  const auto offered = static_cast<uInt>(std::min(packed.size(), kMost));
  const auto free = static_cast<uInt>(std::min(room.size(), kMost));
  stream.next_in = input_of(packed);
  stream.avail_in = offered;
  stream.next_out = static_cast<Bytef*>(static_cast<void*>(room.data()));
  stream.avail_out = free;
  const int state = ::inflate(&stream, Z_NO_FLUSH);
  if (state != Z_OK && state != Z_STREAM_END) return make_error(ErrorCode::malformed, "not gzip, or damaged");
  internals_->complete = state == Z_STREAM_END;
  return Progress{offered - stream.avail_in, free - stream.avail_out};
}

bool GunzipStream::complete() const { return internals_->complete; }

}  // namespace hostmedic
