// SPDX-License-Identifier: Apache-2.0
#include "detect/model/codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>

namespace hostmedic {

namespace {

constexpr std::string_view kMagic = "HMF1";
constexpr std::int64_t kMostNs = std::int64_t{1} << 62;  // so that a difference of two times cannot overflow

class Writer {
 public:
  explicit Writer(std::string& bytes) : bytes_(bytes) {}

  template <std::unsigned_integral T>
  void number(T value) {
    char raw[sizeof(T)];
    for (char& byte : raw) {
      byte = static_cast<char>(value & 0xFF);
      if constexpr (sizeof(T) > 1) value = static_cast<T>(value >> 8);
    }
    bytes_.append(raw, sizeof raw);
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void number(Enum value) {
    number(static_cast<std::make_unsigned_t<std::underlying_type_t<Enum>>>(value));
  }
  void signed_number(std::int64_t value) { number(static_cast<std::uint64_t>(value)); }
  void count(std::size_t n) { number(static_cast<std::uint32_t>(n)); }
  void text(std::string_view value) {
    value = value.substr(0, std::numeric_limits<std::uint16_t>::max());
    number(static_cast<std::uint16_t>(value.size()));
    bytes_.append(value);
  }

 private:
  std::string& bytes_;
};

// Reads on after an error as zeroes; the caller asks failed() before it believes anything.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool failed() const { return !why_.empty(); }
  std::string_view why() const { return why_; }
  void fail(std::string_view why) {
    if (!failed()) why_ = why;
    rest_ = {};
  }
  std::size_t left() const { return rest_.size(); }

  std::string_view take(std::size_t n) {
    if (rest_.size() < n) {
      fail("truncated");
      return {};
    }
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  template <std::unsigned_integral T>
  T number() {
    const std::string_view raw = take(sizeof(T));
    std::uint64_t value = 0;
    for (std::size_t i = raw.size(); i > 0; --i) value = value << 8 | static_cast<unsigned char>(raw[i - 1]);
    return static_cast<T>(value);
  }
  // A number of things of at least `smallest` bytes each, so that a lie cannot make us allocate.
  std::size_t count(std::size_t most, std::size_t smallest) {
    const std::size_t n = number<std::uint32_t>();
    if (n > most) fail("too many");
    if (n > left() / smallest) fail("truncated");
    return failed() ? 0 : n;
  }
  std::uint32_t id(std::size_t below) {
    const std::uint32_t value = number<std::uint32_t>();
    if (value >= below) fail("an id out of range");
    return value;
  }
  template <class Enum>
  Enum choice(int below) {
    const std::uint8_t value = number<std::uint8_t>();
    if (value >= below) fail("an unknown kind");
    return failed() ? Enum{} : static_cast<Enum>(value);
  }
  std::int64_t time() {
    const auto ns = static_cast<std::int64_t>(number<std::uint64_t>());
    if (ns < 0 || ns > kMostNs) fail("a time out of range");
    return failed() ? 0 : ns;
  }
  void text(std::size_t most, std::string& ret_text) {
    const std::size_t length = number<std::uint16_t>();
    if (length > most) fail("a text that is too long");
    ret_text.assign(take(failed() ? 0 : length));
  }

 private:
  std::string_view rest_;
  std::string_view why_;
};

constexpr int kInstrumentCount = 2;

void decode_definitions(Reader& in, Frame& frame) {
  frame.gone.resize(in.count(kMostEntities, 4));
  for (EntityId& id : frame.gone) id = EntityId{in.id(kMostEntities)};
  frame.entities.resize(in.count(kMostEntities, 7));
  for (EntityDef& def : frame.entities) {
    def.id = EntityId{in.id(kMostEntities)};
    def.entity.kind = in.choice<EntityKind>(kEntityKindCount);
    in.text(kMostEntityName, def.entity.name);
  }
  frame.series.resize(in.count(kMostSeries, 14));
  for (SeriesDef& def : frame.series) {
    def.id = SeriesId{in.id(kMostSeries)};
    def.entity = EntityId{in.id(kMostEntities)};
    def.unit = in.choice<Unit>(kUnitCount);
    def.instrument = in.choice<Instrument>(kInstrumentCount);
    in.text(kMostSeriesText, def.name);
    in.text(kMostSeriesText, def.attributes);
  }
}

void decode_samples(Reader& in, Frame& frame) {
  frame.samples.resize(in.count(kMostSeries, 5));
  for (Sample& sample : frame.samples) {
    sample.series = SeriesId{in.id(kMostSeries)};
    const auto known = in.number<std::uint8_t>();
    if (known > 1) in.fail("an unknown flag");
    sample.value.reset();
    if (in.failed()) return;
    if (known == 0) continue;
    sample.value = std::bit_cast<double>(in.number<std::uint64_t>());
    if (!std::isfinite(*sample.value)) in.fail("a value that is not finite");
  }
}

void decode_events(Reader& in, Frame& frame) {
  frame.events.resize(in.count(kMostEventsPerFrame, 14));
  for (Event& event : frame.events) {
    event.kind = in.choice<EventKind>(kEventKindCount);
    event.entity = EntityId{in.id(kMostEntities)};
    event.at = mono_from_ns(in.time());
    const std::size_t attributes = in.number<std::uint8_t>();
    if (attributes > kMostAttributes) in.fail("too many attributes");
    event.attributes.resize(in.failed() ? 0 : attributes);
    for (Attribute& attribute : event.attributes) {
      in.text(kMostAttributeKey, attribute.key);
      in.text(kMostAttributeValue, attribute.value);
    }
    if (in.failed()) return;
  }
}

}  // namespace

void encode_frame(const Frame& frame, std::string& ret_bytes) {
  ret_bytes.clear();
  ret_bytes.append(kMagic);
  Writer out(ret_bytes);
  out.number(static_cast<std::uint8_t>(frame.first ? 1 : 0));
  out.number(frame.sequence);
  out.signed_number(to_ns(frame.mono));
  out.signed_number(to_ns(frame.wall));
  out.count(frame.gone.size());
  for (const EntityId id : frame.gone) out.number(id);
  out.count(frame.entities.size());
  for (const EntityDef& def : frame.entities) {
    out.number(def.id);
    out.number(def.entity.kind);
    out.text(def.entity.name);
  }
  out.count(frame.series.size());
  for (const SeriesDef& def : frame.series) {
    out.number(def.id);
    out.number(def.entity);
    out.number(def.unit);
    out.number(def.instrument);
    out.text(def.name);
    out.text(def.attributes);
  }
  out.count(frame.samples.size());
  for (const Sample& sample : frame.samples) {
    out.number(sample.series);
    out.number(static_cast<std::uint8_t>(sample.value ? 1 : 0));
    if (sample.value) out.number(std::bit_cast<std::uint64_t>(*sample.value));
  }
  out.count(frame.events.size());
  for (const Event& event : frame.events) {
    out.number(event.kind);
    out.number(event.entity);
    out.signed_number(to_ns(event.at));
    const std::size_t attributes = std::min<std::size_t>(event.attributes.size(), 255);
    out.number(static_cast<std::uint8_t>(attributes));
    for (std::size_t i = 0; i < attributes; ++i) {
      out.text(event.attributes[i].key);
      out.text(event.attributes[i].value);
    }
  }
}

Status decode_frame(std::string_view bytes, Frame& ret_frame) {
  ret_frame.clear();
  if (bytes.size() > kMostFrameBytes) return make_error(ErrorCode::limit, "frame: larger than a frame may be");
  Reader in(bytes);
  if (in.take(kMagic.size()) != kMagic) return make_error(ErrorCode::malformed, "frame: not a frame");
  const auto flags = in.number<std::uint8_t>();
  if (flags > 1) in.fail("an unknown flag");
  ret_frame.first = flags == 1;
  ret_frame.sequence = in.number<std::uint64_t>();
  ret_frame.mono = mono_from_ns(in.time());
  ret_frame.wall = wall_from_ns(in.time());
  decode_definitions(in, ret_frame);
  decode_samples(in, ret_frame);
  decode_events(in, ret_frame);
  if (!in.failed() && in.left() > 0) in.fail("bytes after its end");
  if (in.failed()) return make_error(ErrorCode::malformed, "frame: " + std::string(in.why()));
  return ok();
}

}  // namespace hostmedic
