// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/frame_pack.h"

#include <array>
#include <bit>
#include <cmath>

#include "agent/recorder/bits.h"
#include "agent/recorder/large_frame.h"

namespace hostmedic {

namespace {

// The head of a frame: what is in it besides samples.
constexpr std::uint64_t kPlain = 0, kWithRest = 1;
// The ways to tell a value, by rising length of their marks: 0, 10, 110, 1110, 1111.
enum class Way : std::uint8_t { same, grown_as_before, grown, changed_bits, unknown };

constexpr std::array<double, 5> kScales = {1, 1e2, 1e3, 1e6, 1e9};  // ticks of 10 ms, milli, micro, nano
constexpr double kMostWhole = 9007199254740992;                     // 2^53: whole numbers of a double end here

void put_way(BitWriter& out, Way way) {
  const auto ones = static_cast<unsigned>(way);
  way == Way::unknown ? out.put(0xF, 4) : out.put((1U << (ones + 1)) - 2, ones + 1);
}
Way get_way(BitReader& in) {
  unsigned ones = 0;
  while (ones < 4 && in.get(1) == 1) ++ones;
  return static_cast<Way>(ones);
}

std::int64_t minus(std::int64_t a, std::int64_t b) {  // goes round instead of overflowing
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

void put_changed(BitWriter& out, std::uint64_t changed) {
  const auto leading = static_cast<unsigned>(std::countl_zero(changed | 1));
  const auto trailing = static_cast<unsigned>(std::countr_zero(changed | 1ULL << 63));
  const unsigned length = 64 - leading - trailing;
  out.put(leading, 6);
  out.put(length - 1, 6);
  out.put(changed >> trailing, length);
}
std::uint64_t get_changed(BitReader& in) {
  const auto leading = static_cast<unsigned>(in.get(6));
  const auto length = static_cast<unsigned>(in.get(6)) + 1;
  if (leading + length > 64) return in.get(64), in.get(64), in.get(64), 0;  // no frame is that long: it fails
  return in.get(length) << (64 - leading - length);
}

void put_value(BitWriter& out, SeriesMemory& memory, const std::optional<double>& value) {
  if (!value) return put_way(out, Way::unknown);
  const auto bits = std::bit_cast<std::uint64_t>(*value);
  if (bits == memory.bits) {
    put_way(out, Way::same);
  } else if (const auto number = memory.whole(*value)) {
    const std::int64_t change = minus(minus(*number, memory.last), memory.growth);
    put_way(out, change == 0 ? Way::grown_as_before : Way::grown);
    if (change != 0) out.put_signed(change);
  } else {
    put_way(out, Way::changed_bits);
    put_changed(out, bits ^ memory.bits);
  }
  memory.remember(*value);
}

std::optional<double> get_value(BitReader& in, SeriesMemory& memory) {
  double value = std::bit_cast<double>(memory.bits);
  switch (get_way(in)) {
    case Way::same: break;
    case Way::grown_as_before: value = memory.from_whole(plus(memory.last, memory.growth)); break;
    case Way::grown: value = memory.from_whole(plus(plus(memory.last, memory.growth), in.get_signed())); break;
    case Way::changed_bits: value = std::bit_cast<double>(memory.bits ^ get_changed(in)); break;
    case Way::unknown: return std::nullopt;
  }
  memory.remember(value);
  return value;
}

}  // namespace

std::optional<std::int64_t> SeriesMemory::whole(double value) const {
  if (scale_ < 0) return std::nullopt;
  const double scaled = value * kScales[static_cast<std::size_t>(scale_)];
  if (!(std::fabs(scaled) < kMostWhole)) return std::nullopt;
  const auto number = static_cast<std::int64_t>(std::llround(scaled));
  // To the bit: minus zero and what is between two numbers go another way.
  if (std::bit_cast<std::uint64_t>(from_whole(number)) != std::bit_cast<std::uint64_t>(value)) return std::nullopt;
  return number;
}

double SeriesMemory::from_whole(std::int64_t number) const {
  return scale_ < 0 ? 0 : static_cast<double>(number) / kScales[static_cast<std::size_t>(scale_)];
}

void SeriesMemory::remember(double value) {
  bits = std::bit_cast<std::uint64_t>(value);
  if (const auto again = whole(value)) {
    growth = minus(*again, last);
    last = *again;
    return;
  }
  growth = 0;
  for (scale_ = 0; scale_ < static_cast<std::int8_t>(kScales.size()); ++scale_)
    if (const auto found = whole(value)) {
      last = *found;
      return;
    }
  scale_ = -1;
  last = 0;
}

void FramePacker::restart() {
  series_.clear();
  sequence_ = 0;
  mono_ = mono_step_ = wall_ahead_ = 0;
  squeezer_.restart();
}

void FrameUnpacker::restart() {
  series_.clear();
  sequence_ = 0;
  mono_ = mono_step_ = wall_ahead_ = 0;
  unsqueezer_.restart();
}

void FramePacker::pack(const Frame& frame, std::string& ret_bytes) {
  ret_bytes.clear();
  BitWriter out(ret_bytes);
  const bool plain =
      !frame.first && frame.gone.empty() && frame.entities.empty() && frame.series.empty() && frame.events.empty();
  const std::int64_t mono = to_ns(frame.mono), ahead = minus(to_ns(frame.wall), mono);
  if (plain) {
    out.put(kPlain, 1);
    out.put_signed(minus(static_cast<std::int64_t>(frame.sequence), static_cast<std::int64_t>(sequence_ + 1)));
    out.put_signed(minus(minus(mono, mono_), mono_step_));
    out.put_signed(minus(ahead, wall_ahead_));
  } else {
    out.put(kWithRest, 1);
    without_samples_.clear();
    without_samples_.first = frame.first;
    without_samples_.sequence = frame.sequence;
    without_samples_.mono = frame.mono;
    without_samples_.wall = frame.wall;
    without_samples_.gone = frame.gone;
    without_samples_.entities = frame.entities;
    without_samples_.series = frame.series;
    without_samples_.events = frame.events;
    encode_large(without_samples_, rest_);
    squeezer_.pack(rest_, squeezed_);
    out.put_number(squeezed_.size());
    for (const char byte : squeezed_) out.put(static_cast<unsigned char>(byte), 8);
  }
  sequence_ = frame.sequence;
  mono_step_ = minus(mono, mono_);
  mono_ = mono;
  wall_ahead_ = ahead;

  out.put_number(frame.samples.size());
  std::uint32_t expected = 0, previous = 0;
  for (const Sample& sample : frame.samples) {
    const auto id = static_cast<std::uint32_t>(sample.series);
    if (id >= series_.size()) series_.resize(id + 1);
    out.put(id == expected ? 0 : 1, 1);
    if (id != expected) out.put_signed(static_cast<std::int64_t>(id) - static_cast<std::int64_t>(expected));
    if (&sample != frame.samples.data()) series_[previous].next = id;
    put_value(out, series_[id], sample.value);
    previous = id;
    expected = series_[id].next != 0 ? series_[id].next : id + 1;
  }
}

Status FrameUnpacker::unpack(std::string_view bytes, Frame& ret_frame) {
  const auto malformed = [](const char* why) { return make_error(ErrorCode::malformed, why); };
  BitReader in(bytes);
  ret_frame.clear();
  if (in.get(1) == kPlain) {
    ret_frame.sequence = sequence_ + 1 + static_cast<std::uint64_t>(in.get_signed());
    const std::int64_t mono = plus(plus(mono_, mono_step_), in.get_signed());
    const std::int64_t ahead = plus(wall_ahead_, in.get_signed());
    if (mono < 0) return malformed("a time before the boot");
    ret_frame.mono = mono_from_ns(mono);
    ret_frame.wall = wall_from_ns(plus(mono, ahead));
  } else {
    const std::uint64_t size = in.get_number();
    if (size > bytes.size()) return malformed("definitions longer than the frame");
    squeezed_.clear();
    for (std::uint64_t i = 0; i < size; ++i) squeezed_.push_back(static_cast<char>(in.get(8)));
    if (!in.good()) return malformed("the frame is cut");
    if (Status unpacked = unsqueezer_.unpack(squeezed_, kMostLargeFrame, rest_); !unpacked) return unpacked;
    if (Status decoded = decode_large(rest_, ret_frame); !decoded) return decoded;
  }
  sequence_ = ret_frame.sequence;
  mono_step_ = minus(to_ns(ret_frame.mono), mono_);
  mono_ = to_ns(ret_frame.mono);
  wall_ahead_ = minus(to_ns(ret_frame.wall), mono_);

  const std::uint64_t count = in.get_number();
  if (count > 2 * kMostSeries) return malformed("too many samples");
  std::uint32_t expected = 0, previous = 0;
  for (std::uint64_t i = 0; i < count && in.good(); ++i) {
    std::int64_t id = expected;
    if (in.get(1) == 1) id = plus(id, in.get_signed());
    if (id < 0 || id >= static_cast<std::int64_t>(kMostSeries)) return malformed("an id out of its bound");
    const auto index = static_cast<std::uint32_t>(id);
    if (index >= series_.size()) series_.resize(index + 1);
    if (i > 0) series_[previous].next = index;
    const auto value = get_value(in, series_[index]);
    if (value && !std::isfinite(*value)) return malformed("a value that is no number");
    ret_frame.samples.push_back({SeriesId{index}, value});
    previous = index;
    expected = series_[index].next != 0 ? series_[index].next : index + 1;
  }
  if (!in.good()) return malformed("the frame is cut");
  return ok();
}

}  // namespace hostmedic
