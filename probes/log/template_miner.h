// SPDX-License-Identifier: Apache-2.0
// Groups the lines of one source by their template: what stays the same when numbers, names and addresses change. The
// method is Drain (P. He, J. Zhu, Z. Zheng, M. R. Lyu: "Drain: an online log parsing approach with fixed depth tree",
// IEEE ICWS 2017). A line goes down a tree of fixed depth, by its number of tokens and its first two tokens, to a leaf
// with few templates; it joins the most similar one, which turns tokens that differ into "<*>", or founds a new one.
//
// Same lines in the same order give the same templates. Bounded: kMostTemplates, then the one that was longest unused
// is evicted and counted. A line of a known template allocates nothing. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hostmedic::log {

inline constexpr std::size_t kMostTemplates = 256;
inline constexpr std::size_t kMostTokens = 24;  // of a line; the rest of it does not count

class TemplateMiner {
 public:
  using Index = std::uint16_t;  // of a template; given away again after an eviction
  struct Match {
    Index index = 0;
    bool is_new = false;
  };

  // The template of the line's message. pinned templates are never evicted; when all are, the line has none: kNone.
  Match take(std::string_view message);
  static constexpr Index kNone = 0xffff;

  // With "<*>" and the marks of MaskedToken, tokens separated by one blank. Changes when the template grows wider.
  const std::string& text(Index index) const { return templates_[index].text; }
  std::uint64_t lines(Index index) const { return templates_[index].lines; }
  void pin(Index index) { templates_[index].pinned = true; }

  std::size_t size() const { return templates_.size(); }
  std::uint64_t evicted() const { return evicted_; }

 private:
  using Token = std::uint32_t;  // hash of a masked token; kAny in a template
  static constexpr Token kAny = 0;
  struct Line {
    std::array<Token, kMostTokens> tokens;
    std::uint8_t count = 0;
    bool cut = false;  // it has more tokens than are looked at
  };
  struct Template {
    std::array<Token, kMostTokens> tokens;
    std::uint8_t count = 0;
    bool pinned = false;
    std::uint32_t path = 0;  // of the leaf
    Index next = kNone;      // in the same bucket
    std::uint64_t lines = 0, last = 0;
    std::string text;
  };

  static Line read(std::string_view message);
  std::uint32_t path_of(const Line& line) const;
  Index most_similar(const Line& line, std::uint32_t path) const;
  void widen(Template& known, const Line& line);
  Index found(const Line& line, std::uint32_t path, std::string_view message);
  void unlink(Index index);

  static constexpr std::size_t kBuckets = 256;
  std::array<Index, kBuckets> buckets_ = make_buckets();
  std::array<std::uint16_t, kMostTokens + 1> leaves_{};  // templates by number of tokens
  std::vector<Template> templates_;
  std::uint64_t clock_ = 0, evicted_ = 0;

  static std::array<Index, kBuckets> make_buckets() {
    std::array<Index, kBuckets> buckets;
    buckets.fill(kNone);
    return buckets;
  }
};

}  // namespace hostmedic::log
