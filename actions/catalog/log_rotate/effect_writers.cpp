// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/log_rotate/effect_writers.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "agent/base/file.h"
#include "agent/base/parse.h"

namespace hostmedic {
namespace {

constexpr int kMostProcesses = 65'536, kMostDescriptors = 65'536;

// Names in a directory that are numbers.
std::vector<std::string> numbers_in(const std::string& path, int most) {
  std::vector<std::string> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
  while (dir && static_cast<int>(numbers.size()) < most) {
    const struct dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    if (parse_u64(entry->d_name)) numbers.emplace_back(entry->d_name);
  }
  return numbers;
}

// "flags:\t0102001", octal.
Result<std::uint64_t> flags_of(const std::string& fdinfo) {
  const auto text = read_file(fdinfo, kib(64));
  if (!text) return text.error();
  TextCursor cursor(*text);
  while (!cursor.at_end()) {
    const std::string_view line = cursor.line();
    if (!line.starts_with("flags:")) continue;
    TextCursor value(line.substr(6));
    return parse_u64(value.word(), 8);
  }
  return make_error(ErrorCode::malformed, fdinfo + " has no flags");
}

}  // namespace

WritersSeen look_for_writers(const std::string& proc, const struct stat& file) {
  WritersSeen seen;
  const std::string self = std::to_string(::getpid());
  for (const std::string& process : numbers_in(proc, kMostProcesses)) {
    if (process == self) continue;
    const std::string base = proc + "/" + process;
    for (const std::string& descriptor : numbers_in(base + "/fd", kMostDescriptors)) {
      struct stat open{};
      if (::stat((base + "/fd/" + descriptor).c_str(), &open) != 0 || open.st_dev != file.st_dev ||
          open.st_ino != file.st_ino)
        continue;
      const auto flags = flags_of(base + "/fdinfo/" + descriptor);
      if (!flags || (*flags & O_ACCMODE) == O_RDONLY) continue;
      ++((*flags & O_APPEND) != 0 ? seen.append : seen.other);
    }
  }
  return seen;
}

}  // namespace hostmedic
