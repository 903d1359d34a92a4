// SPDX-License-Identifier: Apache-2.0
#include "detect/health/checkpoint.h"

#include <doctest/doctest.h>

#include <limits>

#include "detect/model/state_codec.h"

using namespace hostmedic;
using namespace hostmedic::detect;

TEST_CASE("a checkpoint comes back as it was") {
  const Checkpoint written{wall_from_ns(1'790'000'000'000'000'000),
                           {{"survey", std::string("\0\x01 bytes", 8)}, {"empty", ""}}};
  const auto bytes = encode_checkpoint(written);
  REQUIRE(bytes);
  const auto read = decode_checkpoint(*bytes);
  REQUIRE(read);
  CHECK(read->written == written.written);
  CHECK(read->sections == written.sections);
}

TEST_CASE("any cut and any changed byte is refused") {
  const auto bytes = encode_checkpoint({wall_from_ns(1), {{"a", "12345"}, {"b", "67"}}});
  REQUIRE(bytes);
  for (std::size_t size = 0; size < bytes->size(); ++size)
    CHECK_FALSE(decode_checkpoint(std::string_view(*bytes).substr(0, size)));
  for (std::size_t at = 0; at < bytes->size(); ++at) {
    std::string changed = *bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x20);
    CHECK_FALSE(decode_checkpoint(changed));
  }
  CHECK_FALSE(decode_checkpoint(*bytes + "x"));
}

TEST_CASE("a reader past its end, or of a number that is not finite, fails once and for all") {
  StateWriter writer;
  writer.put(1.5F);
  writer.put(std::numeric_limits<double>::infinity());
  writer.put(std::uint32_t{7});
  StateReader reader(writer.bytes());
  CHECK(reader.get<float>() == 1.5F);
  CHECK(reader.good());
  CHECK(reader.get<double>() == 0);
  CHECK_FALSE(reader.good());
  CHECK(reader.get<std::uint32_t>() == 0);  // nothing more is given out

  StateReader counts(std::string_view("\xff\xff\xff\xff", 4));
  CHECK(counts.get_count(100) == 0);
  CHECK_FALSE(counts.good());
}
