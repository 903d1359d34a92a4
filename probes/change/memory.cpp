// SPDX-License-Identifier: Apache-2.0
#include "probes/change/memory.h"

#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "probes/parse/lines.h"

namespace hostmedic::change {
namespace {

constexpr std::size_t kMostLogs = 8;

bool fits(std::string_view word) { return !word.empty() && word.size() <= 256; }

}  // namespace

std::string to_text(const Memory& memory) {
  std::string text;
  if (!memory.boot_id.empty()) text += "boot " + memory.boot_id + "\n";
  if (!memory.kernel.empty()) text += "kernel " + memory.kernel + "\n";
  text += strf("seen %lld\n", static_cast<long long>(to_ns(memory.seen)));
  for (const LogPlace& log : memory.logs) {
    text += strf("log %s %llu %llu %llu\n", log.path.c_str(), static_cast<unsigned long long>(log.device),
                 static_cast<unsigned long long>(log.inode), static_cast<unsigned long long>(log.offset));
  }
  return text + "end\n";
}

Result<Memory> parse_memory(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  if (text != "end\n" && !text.ends_with("\nend\n")) return make_error(ErrorCode::malformed, "cut off: no end");
  Memory memory;
  TextCursor cursor(text);
  bool seen = false;
  for (unsigned number = 1; !cursor.at_end(); ++number) {
    Columns columns(cursor.line(), number);
    const std::string_view key = columns.word();
    if (key == "end") break;
    std::string_view word;
    bool good = false;
    if (key == "boot" || key == "kernel") {
      std::string& value = key == "boot" ? memory.boot_id : memory.kernel;
      good = value.empty() && fits(word = columns.word());
      value = word;
    } else if (key == "seen") {
      good = !std::exchange(seen, true);
      memory.seen = wall_from_ns(static_cast<std::int64_t>(columns.need("seen") & 0x7fffffffffffffff));
    } else if (key == "log") {
      LogPlace log;
      good = memory.logs.size() < kMostLogs && fits(word = columns.word()) && word.starts_with('/');
      log.path = word;
      log.device = columns.need("device");
      log.inode = columns.need("inode");
      log.offset = columns.need("offset");
      memory.logs.push_back(std::move(log));
    }
    if (columns.failed()) return std::move(columns).error();
    if (!good || !columns.at_end()) return line_error(number, printable(key, 20), "not expected");
  }
  if (!seen) return make_error(ErrorCode::malformed, "no line says until when changes were seen");
  return memory;
}

}  // namespace hostmedic::change
