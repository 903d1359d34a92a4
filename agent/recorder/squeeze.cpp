// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/squeeze.h"

#include <zlib.h>

#include <array>

namespace hostmedic {
namespace {

// Raw deflate with a window of 16 KiB: some 50 KiB of memory, and what repeats within minutes is found.
constexpr int kWindow = -14, kMemory = 5;
// What a flush ends with each time: not kept.
constexpr std::string_view kFlushed("\0\0\xff\xff", 4);

Bytef* bytes_of(std::string_view text) {  // zlib's interface is not const-correct; it only reads the input
  return const_cast<Bytef*>(static_cast<const Bytef*>(static_cast<const void*>(text.data())));
}

}  // namespace

Squeezer::Squeezer() : stream_(std::make_unique<z_stream_s>()) {
  if (::deflateInit2(stream_.get(), 6, Z_DEFLATED, kWindow, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) stream_.reset();
}
Squeezer::~Squeezer() {
  if (stream_) (void)::deflateEnd(stream_.get());  // reports only what is being thrown away
}
void Squeezer::restart() {
  if (stream_) (void)::deflateReset(stream_.get());  // fails only on a stream that is none
}

void Squeezer::pack(std::string_view text, std::string& ret_bytes) {
  ret_bytes.clear();
  if (!stream_) return;
  stream_->next_in = bytes_of(text);
  stream_->avail_in = static_cast<uInt>(text.size());
  std::array<char, 4096> chunk;
  do {
    stream_->next_out = static_cast<Bytef*>(static_cast<void*>(chunk.data()));
    stream_->avail_out = static_cast<uInt>(chunk.size());
    (void)::deflate(stream_.get(), Z_SYNC_FLUSH);  // goes on while it fills the room
    ret_bytes.append(chunk.data(), chunk.size() - stream_->avail_out);
  } while (stream_->avail_out == 0);
  if (ret_bytes.ends_with(kFlushed)) ret_bytes.resize(ret_bytes.size() - kFlushed.size());
}

Unsqueezer::Unsqueezer() : stream_(std::make_unique<z_stream_s>()) {
  if (::inflateInit2(stream_.get(), kWindow) != Z_OK) stream_.reset();
}
Unsqueezer::~Unsqueezer() {
  if (stream_) (void)::inflateEnd(stream_.get());  // as above
}
void Unsqueezer::restart() {
  if (stream_) (void)::inflateReset(stream_.get());
}

Status Unsqueezer::unpack(std::string_view bytes, Bytes most, std::string& ret_text) {
  ret_text.clear();
  if (!stream_) return make_error(ErrorCode::limit, "no memory to unpack with");
  std::array<char, 4096> chunk;
  for (const std::string_view part : {bytes, kFlushed}) {
    stream_->next_in = bytes_of(part);
    stream_->avail_in = static_cast<uInt>(part.size());
    do {
      stream_->next_out = static_cast<Bytef*>(static_cast<void*>(chunk.data()));
      stream_->avail_out = static_cast<uInt>(chunk.size());
      const int state = ::inflate(stream_.get(), Z_SYNC_FLUSH);
      if (state != Z_OK && state != Z_BUF_ERROR) return make_error(ErrorCode::malformed, "packed text is damaged");
      const std::size_t size = chunk.size() - stream_->avail_out;
      if (ret_text.size() + size > most.count) return make_error(ErrorCode::limit, "packed text is too long");
      ret_text.append(chunk.data(), size);
    } while (stream_->avail_out == 0);
    if (stream_->avail_in != 0) return make_error(ErrorCode::malformed, "packed text is damaged");
  }
  return ok();
}

}  // namespace hostmedic
