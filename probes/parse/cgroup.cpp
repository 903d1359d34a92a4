// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/cgroup.h"

#include "probes/parse/lines.h"

namespace hostmedic {

namespace {

// No host has this much memory; version 1 prints such a number for "no limit".
constexpr std::uint64_t kUnreachable = std::uint64_t{1} << 62;

// Adds without wrapping round: a sum that does not fit stays at the end of the range.
void add(std::uint64_t& sum, std::uint64_t value) {
  sum =
      sum > std::numeric_limits<std::uint64_t>::max() - value ? std::numeric_limits<std::uint64_t>::max() : sum + value;
}

}  // namespace

Status parse_cgroup_keyed(std::string_view text, std::span<const std::string_view> keys,
                          std::span<std::optional<std::uint64_t>> values) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  bool any = false;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    const std::string_view key = line.word();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] != key) continue;
      values[i] = line.need(key);
      if (line.failed()) return std::move(line).error();
      any = true;
    }
  }
  if (!any && !keys.empty()) return make_error(ErrorCode::malformed, "no " + std::string(keys.front()));
  return ok();
}

Result<std::optional<std::uint64_t>> parse_cgroup_limit(std::string_view text) {
  if (text == "max\n") return std::optional<std::uint64_t>{};
  auto value = parse_cgroup_number(text);
  if (!value) return std::move(value).error();
  return *value >= kUnreachable ? std::optional<std::uint64_t>{} : std::optional(*value);
}

Result<CgroupIo> parse_cgroup_io_stat(std::string_view text) {
  CgroupIo sum;
  if (text.empty()) return sum;
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    (void)line.word();  // the device
    for (std::string_view word = line.word(); !word.empty(); word = line.word()) {
      const std::size_t equals = word.find('=');
      const std::string_view key = word.substr(0, equals);
      std::uint64_t* const into = key == "rbytes"   ? &sum.read
                                  : key == "wbytes" ? &sum.written
                                  : key == "rios"   ? &sum.reads
                                  : key == "wios"   ? &sum.writes
                                                    : nullptr;
      if (into == nullptr) continue;
      auto value = parse_u64(equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1));
      if (!value) return line_error(number, key, std::move(value).error());
      add(*into, *value);
    }
  }
  return sum;
}

Result<CgroupIo> parse_cgroup_blkio(std::string_view text) {
  CgroupIo sum;
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    (void)line.word();  // the device; in the last line: "Total"
    const std::string_view kind = line.word();
    std::uint64_t* const into = kind == "Read" ? &sum.read : kind == "Write" ? &sum.written : nullptr;
    if (into == nullptr) continue;
    const std::uint64_t value = line.need(kind);
    if (line.failed()) return std::move(line).error();
    add(*into, value);
  }
  return sum;
}

Result<std::uint64_t> parse_cgroup_number(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  text.remove_suffix(1);
  auto value = parse_u64(text);
  if (!value) return line_error(1, "value", std::move(value).error());
  return value;
}

Result<std::uint64_t> parse_cgroup_tasks(std::string_view text) {
  if (text.empty()) return std::uint64_t{0};
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  std::uint64_t count = 0;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    line.skip("task id");
    if (line.failed()) return std::move(line).error();
    ++count;
  }
  return count;
}

}  // namespace hostmedic
