// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/keyed.h"

#include <algorithm>

#include "probes/parse/lines.h"

namespace hostmedic {
namespace {

// "Tcp:" of "Tcp: a b"; empty if the line does not begin so.
std::string_view prefix_of(std::string_view line) {
  const std::string_view first = line.substr(0, line.find_first_of(" \t"));
  return first.ends_with(':') ? first : std::string_view();
}

// Columns behind the last wanted one need not be looked at.
template <class Column, class Wanted>
void cut_behind_last(std::vector<Column>& columns, Wanted wanted) {
  while (!columns.empty() && !wanted(columns.back())) columns.pop_back();
}

}  // namespace

KeyedText::KeyedText(Keys keys) : keys_(std::move(keys)) {
  if (keys_.size() > kMostKeys) keys_.resize(kMostKeys);
}

int KeyedText::index_of(std::string_view key) const {
  const auto found = std::find(keys_.begin(), keys_.end(), key);
  return found == keys_.end() ? -1 : static_cast<int>(found - keys_.begin());
}

Status KeyedText::parse(std::string_view text, Values ret_values) {
  const auto forget = [&] { std::fill(ret_values.begin(), ret_values.end(), std::nullopt); };
  forget();
  if (ret_values.size() < keys_.size()) return make_error(ErrorCode::limit, "no room for the values");
  if (auto whole = require_whole_lines(text); !whole) return whole;
  auto followed = follow(text, ret_values);
  if (followed && !*followed) {
    forget();
    if (auto learned = learn(text); !learned) return learned;
    followed = follow(text, ret_values);
  }
  if (followed) return ok();
  forget();
  return std::move(followed).error();
}

Result<bool> KeyedLines::follow(std::string_view text, Values ret_values) {
  TextCursor lines(text);
  std::size_t at = 0;
  for (; !lines.at_end(); ++at) {
    if (at == lines_.size()) return false;
    const Line& known = lines_[at];
    Columns line(lines.line(), static_cast<unsigned>(at + 1));
    for (unsigned i = 0; i < before_; ++i) line.word();
    if (line.word() != known.name) return false;
    if (known.key < 0) continue;
    ret_values[static_cast<std::size_t>(known.key)] = line.need(known.name);
    if (line.failed()) return std::move(line).error();
  }
  return at == lines_.size();
}

Status KeyedLines::learn(std::string_view text) {
  lines_.clear();
  TextCursor lines(text);
  while (!lines.at_end()) {
    if (lines_.size() == kMostLines) {
      lines_.clear();
      return make_error(ErrorCode::limit, "more lines than are followed");
    }
    TextCursor line(lines.line());
    for (unsigned i = 0; i < before_; ++i) line.word();
    const std::string_view name = line.word();
    lines_.push_back({index_of(name), std::string(name)});
  }
  return ok();
}

Result<bool> KeyedColumns::follow(std::string_view text, Values ret_values) {
  TextCursor lines(text);
  std::size_t at = 0;
  for (unsigned number = 1; !lines.at_end(); number += 2, ++at) {
    const std::string_view heading = lines.line();
    if (at == blocks_.size() || blocks_[at].heading != heading) return false;
    const std::string_view prefix = prefix_of(heading), whole_line = lines.line();
    if (prefix.empty()) return line_error(number, "heading", "no name and colon");
    if (prefix_of(whole_line) != prefix) return line_error(number + 1, prefix, "no numbers for the heading");
    Columns line(whole_line.substr(prefix.size()), number + 1);
    for (const int key : blocks_[at].keys) {
      if (key < 0) {
        line.word();
      } else {
        ret_values[static_cast<std::size_t>(key)] = line.need(prefix);
        if (line.failed()) return std::move(line).error();
      }
    }
  }
  return at == blocks_.size();
}

Status KeyedColumns::learn(std::string_view text) {
  blocks_.clear();
  TextCursor lines(text);
  while (!lines.at_end()) {
    const std::string_view heading = lines.line(), prefix = prefix_of(heading);
    lines.line();
    Block block{std::string(heading), {}};
    TextCursor words(heading.substr(prefix.size()));
    std::string key;
    for (std::string_view word = words.word(); !word.empty(); word = words.word()) {
      if (block.keys.size() == kMostColumns || blocks_.size() == kMostColumns) {
        blocks_.clear();
        return make_error(ErrorCode::limit, "more columns than are followed");
      }
      key.assign(prefix).append(word);
      block.keys.push_back(index_of(key));
    }
    cut_behind_last(block.keys, [](int wanted) { return wanted >= 0; });
    blocks_.push_back(std::move(block));
  }
  return ok();
}

Result<bool> KeyedPairs::follow(std::string_view text, Values ret_values) {
  TextCursor lines(text);
  char key[64];
  for (unsigned number = 1; !lines.at_end(); ++number) {
    if (number > kMostLines) return make_error(ErrorCode::limit, "more lines than are followed");
    const std::string_view whole_line = lines.line(), prefix = prefix_of(whole_line);
    if (prefix.empty()) return line_error(number, "line", "no name and colon");
    Columns line(whole_line.substr(prefix.size()), number);
    for (std::string_view word = line.word(); !word.empty(); word = line.word()) {
      // A name longer than any that is wanted is none that is wanted.
      const bool fits = prefix.size() + word.size() <= sizeof key;
      if (fits) std::copy(word.begin(), word.end(), std::copy(prefix.begin(), prefix.end(), key));
      const int index = fits ? index_of({key, prefix.size() + word.size()}) : -1;
      const std::uint64_t value = index < 0 ? (line.word(), 0) : line.need(word);
      if (line.failed()) return std::move(line).error();
      if (index >= 0) ret_values[static_cast<std::size_t>(index)] = value;
    }
  }
  return true;
}

Result<bool> KeyedHexTable::follow(std::string_view text, Values ret_values) {
  TextCursor lines(text);
  if (heading_ != (given_.empty() ? lines.line() : given_)) return false;
  for (unsigned number = given_.empty() ? 2 : 1; !lines.at_end(); ++number) {
    if (number > kMostLines) return make_error(ErrorCode::limit, "more lines than are followed");
    TextCursor line(lines.line());
    for (const Column& column : columns_) {
      const std::string_view word = line.word();
      if (column.key < 0) continue;
      // Older kernels print fewer columns where there is no heading.
      if (word.empty() && !given_.empty()) break;
      auto value = parse_u64(word, 16);
      if (!value) return line_error(number, "column", std::move(value).error());
      std::optional<std::uint64_t>& sum = ret_values[static_cast<std::size_t>(column.key)];
      if (column.once && sum) continue;
      std::uint64_t total = 0;
      if (__builtin_add_overflow(sum.value_or(0), *value, &total)) return line_error(number, "column", "too large");
      sum = total;
    }
  }
  return true;
}

Status KeyedHexTable::learn(std::string_view text) {
  columns_.clear();
  heading_.assign(given_.empty() ? TextCursor(text).line() : given_);
  TextCursor names(heading_);
  for (std::string_view name = names.word(); !name.empty(); name = names.word()) {
    if (columns_.size() == kMostColumns) {
      heading_.clear();
      return make_error(ErrorCode::limit, "more columns than are followed");
    }
    columns_.push_back({index_of(name), name == "entries"});
  }
  cut_behind_last(columns_, [](const Column& column) { return column.key >= 0; });
  return ok();
}

}  // namespace hostmedic
