// SPDX-License-Identifier: Apache-2.0
#include "agent/score/lines.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

using namespace hostmedic;

namespace {

// A text in pieces of this size, as a pipe may give it.
ReadBytes pieces(std::string text, std::size_t size) {
  return [text = std::move(text), size, at = std::size_t{0}](std::span<char> room) mutable -> Result<std::size_t> {
    const std::size_t n = std::min({size, room.size(), text.size() - at});
    std::memcpy(room.data(), text.data() + at, n);
    at += n;
    return n;
  };
}

struct Lines {
  std::vector<std::string> lines;
  std::string error;
  std::uint64_t number = 0;
};
Lines read_all(ReadBytes read) {
  Lines all;
  LineReader reader(std::move(read));
  for (;;) {
    auto line = reader.next();
    all.number = reader.number();
    if (!line) all.error = line.error().message();
    if (!line || !*line) return all;
    all.lines.emplace_back(**line);
  }
}

std::string packed(const std::string& text) {
  auto result = gzip(text);
  REQUIRE(result.has_value());
  return *result;
}

}  // namespace

TEST_CASE("lines end as files end them") {
  for (const std::size_t size : {1UL, 3UL, 1000UL}) {
    CHECK(read_all(pieces("a\nbb\r\n\nd", size)).lines == std::vector<std::string>{"a", "bb", "", "d"});
    CHECK(read_all(pieces("\xef\xbb\xbf"
                          "a\n",
                          size))
              .lines == std::vector<std::string>{"a"});
    CHECK(read_all(pieces("", size)).lines.empty());
  }
}

TEST_CASE("gzip is unpacked, also in several members") {
  const std::string text = "a\nb\n", two = packed(text) + packed("c\n");
  for (const std::size_t size : {2UL, 7UL, 1000UL})
    CHECK(read_all(pieces(two, size)).lines == std::vector<std::string>{"a", "b", "c"});
  std::string large;
  for (int i = 0; i < 100000; ++i) large += std::to_string(i) + "\n";
  const Lines all = read_all(pieces(packed(large), 4096));
  REQUIRE(all.lines.size() == 100000);
  CHECK(all.lines[99999] == "99999");
}

TEST_CASE("damaged gzip is an error, after the lines before it") {
  std::string text;
  for (int i = 0; i < 50000; ++i) text += std::to_string(i * 7919 % 100003) + "\n";
  const std::string whole = packed(text);
  const Lines cut = read_all(pieces(whole.substr(0, whole.size() - 9), 5000));
  CHECK(cut.error == "the gzip data is cut short");
  CHECK(cut.lines.size() > 1000);
  CHECK(cut.number == cut.lines.size() + 1);
  std::string broken = whole;
  broken[whole.size() / 2] = static_cast<char>(broken[whole.size() / 2] ^ 0x55);
  CHECK_FALSE(read_all(pieces(broken, 5000)).error.empty());
  CHECK(read_all(pieces(whole + "rest", 5000)).error == "not gzip, or damaged");
}

TEST_CASE("a line has a bound") {
  CHECK(read_all(pieces(std::string(kMostLine, 'x') + "\ny", 1 << 20)).lines.size() == 2);
  const Lines long_line = read_all(pieces("a\n" + std::string(kMostLine + 1, 'x') + "\ny", 1 << 20));
  CHECK(long_line.error == "a line of more than 1048576 bytes");
  CHECK(long_line.number == 2);
  // Endless, and never held as a whole.
  std::size_t given = 0;
  const Lines endless = read_all([&](std::span<char> room) -> Result<std::size_t> {
    std::ranges::fill(room, 'x');
    given += room.size();
    return room.size();
  });
  CHECK(endless.lines.empty());
  CHECK(given < 2 * kMostLine);
}
