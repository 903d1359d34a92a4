// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/log_rotate/effect_logrotate.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "actions/catalog/effect_child.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr Bytes kMostConfig = kib(256);

// logrotate runs what its configuration says, as root: only root may have written it.
Result<std::string> read_trusted(const std::string& path) {
  auto fd = open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return std::move(fd.error()).in(path);
  struct stat seen{};
  if (::fstat(fd->get(), &seen) != 0) return errno_error(errno, path);
  if (!S_ISREG(seen.st_mode) || seen.st_uid != 0 || (seen.st_mode & 0022) != 0)
    return make_error(ErrorCode::denied, path + " is not a file that only root can write");
  std::string buffer(kMostConfig.count, '\0');
  const auto text = pread_all(fd->get(), buffer);
  if (!text) return Error(text.error()).in(path);
  return std::string(*text);
}

std::string_view first_word(std::string_view line) {
  line = trim(line);
  return line.substr(0, line.find_first_of(" \t="));
}

}  // namespace

std::string global_defaults(std::string_view main_config) {
  std::string defaults = "rotate 4\ncreate\n";
  bool in_block = false, in_script = false;
  TextCursor cursor(main_config);
  while (!cursor.at_end()) {
    const std::string_view line = trim(cursor.line());
    const std::string_view word = first_word(line);
    if (in_script) {
      in_script = word != "endscript";
      continue;
    }
    // Scripts at the top would run for each log; they are the daily run's business.
    in_script = word == "postrotate" || word == "prerotate" || word == "firstaction" || word == "lastaction" ||
                word == "preremove";
    if (line.find('{') != std::string_view::npos) in_block = true;
    const bool names_logs = line.starts_with('/') || line.starts_with('"') || line.starts_with('\'');
    const bool taken =
        !in_script && !in_block && !names_logs && !line.empty() && line.front() != '#' && word != "include";
    if (line.find('}') != std::string_view::npos) in_block = false;
    if (taken) defaults += std::string(line) + "\n";
  }
  return defaults;
}

bool copies_in_place(std::string_view config) {
  bool copies = false;
  TextCursor cursor(config);
  while (!cursor.at_end()) {
    const std::string_view word = first_word(cursor.line());
    if (word == "copytruncate" || word == "copy") copies = true;
  }
  return copies;
}

Status run_logrotate(const LogrotateJob& job) {
  if (!job.config.starts_with("/etc/logrotate.d/"))
    return make_error(ErrorCode::unsupported, job.config + " rotates more than this log");
  const auto config = read_trusted(job.config);
  if (!config) return config.error();
  const auto main_config = read_trusted(job.main_config);
  const std::string defaults = global_defaults(main_config ? *main_config : std::string());
  if (copies_in_place(*config) || copies_in_place(defaults))
    return make_error(ErrorCode::unsupported, job.config + " copies the log in place");

  const std::string prelude = job.scratch + "/logrotate.defaults", state = job.scratch + "/logrotate.state";
  if (Status written = write_file_atomic(prelude, defaults, 0600); !written) return written;
  const auto ended = run_program({job.program, "--force", "--state", state, prelude, job.config}, job.timeout);
  (void)::unlink(prelude.c_str());  // left over, they would only be overwritten
  (void)::unlink(state.c_str());
  if (!ended) return ended.error();
  if (*ended != 0) return make_error(ErrorCode::io, strf("logrotate ended with status %d", *ended));
  return ok();
}

std::string present_name(const LogFile& log) {
  constexpr int kMostEntries = 100'000;
  struct stat wanted{};
  if (::fstat(log.file.get(), &wanted) != 0 || wanted.st_nlink == 0) return {};
  // A descriptor of its own, since reading a directory moves the offset and closedir() closes it.
  Fd again(::openat(log.dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again) return {};
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(again.get()), ::closedir);
  if (!dir) return {};
  (void)again.release();  // belongs to dir now
  for (int i = 0; i < kMostEntries; ++i) {
    const struct dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    struct stat seen{};
    if (entry->d_ino == wanted.st_ino && ::fstatat(log.dir.get(), entry->d_name, &seen, AT_SYMLINK_NOFOLLOW) == 0 &&
        seen.st_dev == wanted.st_dev && seen.st_ino == wanted.st_ino)
      return entry->d_name;
  }
  return {};
}

}  // namespace hostmedic
