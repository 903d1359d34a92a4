// SPDX-License-Identifier: Apache-2.0
// Kernel files that name their numbers, in the four shapes the kernel knows. Only wanted numbers are converted, in one
// pass: where they stand is learned at the first reading and checked at each, so that no name is searched for again
// until the file's shape changes. Pure, with a memory of the shape; one thread. Allocates only when it learns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

class KeyedText {
 public:
  using Keys = std::vector<std::string_view>;
  using Values = std::span<std::optional<std::uint64_t>>;

  // The text of the keys must outlive this; at most kMostKeys are looked for.
  explicit KeyedText(Keys keys);
  virtual ~KeyedText() = default;
  KeyedText(const KeyedText&) = delete;
  KeyedText& operator=(const KeyedText&) = delete;

  // ret_values[i] is the number of keys[i]; absent: the file does not have it. On error all are absent.
  // malformed: a cut line, or a wanted number that is none; limit: more lines or columns than are followed.
  Status parse(std::string_view text, Values ret_values);
  std::size_t size() const { return keys_.size(); }

  static constexpr std::size_t kMostKeys = 512, kMostLines = 4096, kMostColumns = 1024;

 protected:
  // Takes the numbers. False: the text has not the shape that was learned.
  virtual Result<bool> follow(std::string_view text, Values ret_values) = 0;
  // After it, follow() says true for this text or fails.
  virtual Status learn(std::string_view text) = 0;
  // The key's index, -1 if it is not wanted.
  int index_of(std::string_view key) const;

 private:
  Keys keys_;
};

// "pgfault 123", "MemTotal:  123 kB": one per line, the key is the line's first word, or the one after `before` words
// ("Node 0 MemTotal: 123 kB" has two). What follows the number is ignored.
class KeyedLines final : public KeyedText {
 public:
  explicit KeyedLines(Keys keys, unsigned before = 0) : KeyedText(std::move(keys)), before_(before) {}

 private:
  Result<bool> follow(std::string_view text, Values ret_values) override;
  Status learn(std::string_view text) override;
  struct Line {
    int key;           // -1: not wanted
    std::string name;  // its key, so that another one in its place is noticed
  };
  unsigned before_;
  std::vector<Line> lines_;
};

// "Tcp: RtoMin RetransSegs" over "Tcp: 200 7": the key is "Tcp:RetransSegs".
class KeyedColumns final : public KeyedText {
 public:
  explicit KeyedColumns(Keys keys) : KeyedText(std::move(keys)) {}

 private:
  Result<bool> follow(std::string_view text, Values ret_values) override;
  Status learn(std::string_view text) override;
  struct Block {
    std::string heading;    // the line as it was
    std::vector<int> keys;  // by column, up to the last wanted one; -1: not wanted
  };
  std::vector<Block> blocks_;
};

// "TCP: inuse 1 orphan 0": the key is "TCP:orphan". For short files: nothing is learned.
class KeyedPairs final : public KeyedText {
 public:
  explicit KeyedPairs(Keys keys) : KeyedText(std::move(keys)) {}

 private:
  Result<bool> follow(std::string_view text, Values ret_values) override;
  Status learn(std::string_view) override { return ok(); }
};

// Hexadecimal columns, one row per CPU: the sum over the rows. The names of the columns are the first line, or given
// where the kernel prints none. The column "entries" is that of the whole table on each row, so it is taken once.
class KeyedHexTable final : public KeyedText {
 public:
  explicit KeyedHexTable(Keys keys, std::string_view heading = {}) : KeyedText(std::move(keys)), given_(heading) {}

 private:
  Result<bool> follow(std::string_view text, Values ret_values) override;
  Status learn(std::string_view text) override;
  struct Column {
    int key;    // -1: not wanted
    bool once;  // not summed
  };
  std::string_view given_;
  std::string heading_;
  std::vector<Column> columns_;  // up to the last wanted one
};

}  // namespace hostmedic
