// SPDX-License-Identifier: Apache-2.0
// `hostmedic keep`: root says that configuration files are good as they are, so that a roll-back may come back to them.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "actions/catalog/config_rollback/store.h"
#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {
namespace {

// Below the actuator's state directory, which is root's.
Status make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    if (::mkdir(path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST)
      return errno_error(errno, path.substr(0, slash));
  return ok();
}

Status keep(const std::string& path) {
  if (!is_kept_config(path))
    return make_error(ErrorCode::denied, printable(path, 300) + " is no file below /etc that a roll-back may write");
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) != 0) return errno_error(errno, path);
  if (!S_ISREG(seen.st_mode)) return make_error(ErrorCode::denied, path + " is not an ordinary file");
  if (seen.st_uid != 0 || (seen.st_mode & 022) != 0)
    return make_error(ErrorCode::denied, path + " can be written by others than root");
  const auto content = read_file(path, kMostConfig);
  if (!content) return content.error();
  const std::string copy = std::string(kKnownGood) + path;
  if (Status made = make_directories(copy); !made) return made;
  return write_file_atomic(copy, *content, 0600);
}

}  // namespace

Exit keep_files(Context& context, const std::vector<std::string>& files) {
  if (::geteuid() != 0) return fail(context, {Exit::denied, "what is good is root's to say", "run this as root"});
  for (const std::string& path : files) {
    if (const Status kept = keep(path); !kept) return fail(context, {Exit::unavailable, kept.error().message(), ""});
    say(context, "Kept as good: " + path);
  }
  return Exit::fine;
}

}  // namespace hostmedic
