// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/brake.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic::bpf {
namespace {

constexpr Bytes kMostMark{256};

std::string path_in(const std::string& state_dir) { return state_dir + "/bpf-attached"; }

Error refused(std::string why) { return make_error(ErrorCode::denied, "not here, because " + std::move(why)); }

Result<std::string> read_mark(const std::string& path) {
  auto text = read_file(path, kMostMark);
  if (!text) return std::move(text).error();
  return std::string(trim(*text));
}

// Somebody holds the mark now, so it is of this boot. In a container the id can differ from one view of /proc to the
// next.
bool is_held(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return file && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace

std::string boot_id(int proc) {
  const auto text = read_file_at(proc, "sys/kernel/random/boot_id", kMostMark);
  return text ? std::string(trim(*text)) : std::string();
}

Status BootMark::hold(const std::string& state_dir, std::string_view boot_id) {
  const std::string path = path_in(state_dir);
  if (file_ && path == path_) return ok();
  if (boot_id.empty()) return refused("the id of this boot cannot be read");
  constexpr int kTries = 5;  // another process may take the mark away meanwhile
  for (int i = 0; i < kTries; ++i) {
    const auto mark = read_mark(path);
    if (!mark && mark.error().code == ErrorCode::not_found) {
      if (auto written = write_file_atomic(path, std::string(boot_id) + "\n", 0644); !written)
        return refused("it cannot be noted that BPF programs are attached: " + written.error().message());
      continue;
    }
    if (!mark) return refused(mark.error().message());
    if (*mark != boot_id && !is_held(path))
      return refused("the host went down uncleanly while BPF programs were attached (" + path +
                     "); `hostmedic-probe --clear-bpf-brake` lets them be attached again");
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat found{};
    if (!file || ::flock(file.get(), LOCK_SH | LOCK_NB) != 0) continue;
    if (::fstat(file.get(), &found) != 0 || found.st_nlink == 0) continue;
    file_ = std::move(file);
    path_ = path;
    return ok();
  }
  return refused("the mark " + path + " cannot be held");
}

void BootMark::release() {
  // While another process holds it, it stays for that one.
  if (file_ && ::flock(file_.get(), LOCK_EX | LOCK_NB) == 0 && ::unlink(path_.c_str()) != 0) {
    // Left behind it sets the brake at worst, and the next start of this boot takes it over.
  }
  file_.reset();
}

Status hold_mark(const std::string& state_dir, std::string_view boot_id) {
  static BootMark mark;  // released when the process exits, after the programs are gone
  return mark.hold(state_dir, boot_id);
}

Result<bool> clear_brake(const std::string& state_dir, std::string_view boot_id) {
  const std::string path = path_in(state_dir);
  const auto mark = read_mark(path);
  if (!mark && mark.error().code == ErrorCode::not_found) return false;
  if (!mark) return mark.error();
  if (*mark == boot_id || is_held(path)) return false;
  if (::unlink(path.c_str()) != 0) return errno_error(errno, path);
  return true;
}

}  // namespace hostmedic::bpf
