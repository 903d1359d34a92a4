// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/meminfo.h"

#include "probes/parse/lines.h"

namespace hostmedic {
namespace {

struct Item {
  std::string_view key;
  std::optional<std::uint64_t> MemInfo::* field;
};
constexpr Item kItems[] = {
    {"MemFree:", &MemInfo::free_bytes},       {"MemAvailable:", &MemInfo::available_bytes},
    {"Buffers:", &MemInfo::buffers_bytes},    {"Cached:", &MemInfo::cached_bytes},
    {"Slab:", &MemInfo::slab_bytes},          {"SReclaimable:", &MemInfo::slab_reclaimable_bytes},
    {"Dirty:", &MemInfo::dirty_bytes},        {"SwapTotal:", &MemInfo::swap_total_bytes},
    {"SwapFree:", &MemInfo::swap_free_bytes},
};
constexpr std::uint64_t kKib = 1024;  // the kernel says "kB" and means 1024

}  // namespace

Result<MemInfo> parse_meminfo(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  MemInfo info;
  bool have_total = false;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    const std::string_view key = line.word();
    const std::string_view name = key.substr(0, key.size() - (key.empty() ? 0 : 1));
    if (key == "MemTotal:") {
      info.total_bytes = line.need(name, kKib);
      have_total = true;
    }
    for (const Item& item : kItems) {
      if (item.key == key) info.*item.field = line.need(name, kKib);
    }
    if (line.failed()) return std::move(line).error();
  }
  if (!have_total) return make_error(ErrorCode::malformed, "no MemTotal");
  return info;
}

}  // namespace hostmedic
