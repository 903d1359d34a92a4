// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/mountinfo.h"

#include "probes/parse/lines.h"

namespace hostmedic {
namespace {

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// "\040" is a blank: the kernel escapes blank, tab, newline and backslash as three octal digits.
std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
                        is_octal(text[i + 3]);
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const auto comma = options.find(',');
    if (options.substr(0, comma) == wanted) return true;
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
  return false;
}

Result<Mount> parse_mount(std::string_view text, unsigned number) {
  Columns line(text, number);
  Mount mount;
  line.skip("mount id");
  line.skip("parent id");
  if (line.failed()) return std::move(line).error();
  const std::string_view device = line.word();
  const auto colon = device.find(':');
  if (colon == std::string_view::npos) return line_error(number, "device", "not major:minor");
  const auto major = parse_u64(device.substr(0, colon)), minor = parse_u64(device.substr(colon + 1));
  if (!major || !minor || *major > 0xfff || *minor > 0xfffff) return line_error(number, "device", "not major:minor");
  mount.major = static_cast<unsigned>(*major);
  mount.minor = static_cast<unsigned>(*minor);
  mount.root = unescape(line.word());
  mount.mount_point = unescape(line.word());
  if (!mount.mount_point.starts_with('/')) return line_error(number, "mount point", "not an absolute path");
  mount.read_only = has_option(line.word(), "ro");
  std::string_view word = line.word();
  while (word != "-") {  // optional fields: shared:1 master:2 ...
    if (word.empty()) return line_error(number, "separator", "missing");
    word = line.word();
  }
  mount.type = unescape(line.word());
  if (mount.type.empty()) return line_error(number, "filesystem type", "missing");
  mount.source = unescape(line.word());
  // ext4 of Linux 6.15 and later says "rw,emergency_ro" once it has refused to write after an error.
  const std::string_view whole = line.word();
  mount.filesystem_read_only = has_option(whole, "ro") || has_option(whole, "emergency_ro");
  mount.read_only = mount.read_only || mount.filesystem_read_only;
  return mount;
}

}  // namespace

Result<std::vector<Mount>> parse_mountinfo(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  std::vector<Mount> mounts;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    if (mounts.size() == kMostMounts) return make_error(ErrorCode::limit, "more mounts than are followed");
    auto mount = parse_mount(lines.line(), number);
    if (!mount) return std::move(mount).error();
    mounts.push_back(std::move(*mount));
  }
  return mounts;
}

}  // namespace hostmedic
