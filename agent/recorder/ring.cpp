// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/ring.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::string_view kSuffix = ".hmseg";
constexpr std::size_t kMostFiles = 4096;

std::string file_name(std::uint64_t sequence, WallTime at) {
  return strf("%010llu-%lld%s", static_cast<unsigned long long>(sequence),
              static_cast<long long>(to_ns(at) / 1'000'000'000), kSuffix.data());
}

// False for a name that is not one of ours.
bool parse_name(std::string_view name, RingFile& ret_file) {
  if (!name.ends_with(kSuffix)) return false;
  name.remove_suffix(kSuffix.size());
  const auto dash = name.find('-');
  if (dash == std::string_view::npos) return false;
  const auto sequence = parse_u64(name.substr(0, dash));
  const auto seconds = parse_u64(name.substr(dash + 1));
  if (!sequence || !seconds || *seconds > 9'000'000'000ULL) return false;
  ret_file.sequence = *sequence;
  ret_file.begin = wall_from_ns(static_cast<std::int64_t>(*seconds) * 1'000'000'000);
  return true;
}

}  // namespace

Result<std::vector<RingFile>> ring_files(const std::string& dir) {
  std::vector<RingFile> files;
  DIR* stream = ::opendir(dir.c_str());
  if (stream == nullptr) {
    if (errno == ENOENT) return files;
    return errno_error(errno, dir);
  }
  while (const dirent* entry = ::readdir(stream)) {
    RingFile file;
    if (files.size() >= kMostFiles || !parse_name(entry->d_name, file)) continue;
    file.path = dir + "/" + entry->d_name;
    struct stat seen{};
    if (::stat(file.path.c_str(), &seen) != 0) continue;  // gone since: the ring turns
    file.size = {static_cast<std::uint64_t>(seen.st_size)};
    files.push_back(std::move(file));
  }
  (void)::closedir(stream);  // nothing was written
  std::ranges::sort(files, {}, &RingFile::sequence);
  return files;
}

Result<Ring> Ring::open(const std::string& dir, RingLimits limits) {
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(errno, dir);
  auto files = ring_files(dir);
  if (!files) return std::move(files).error();
  return Ring(dir, limits, *std::move(files));
}

Bytes Ring::size() const {
  Bytes sum;
  for (const RingFile& file : files_) sum = sum + file.size;
  return sum;
}

Status Ring::give_up(int error, const char* what) {
  fd_.reset();
  return errno_error(error, what);
}

Status Ring::begin(std::uint64_t sequence, WallTime at, std::string_view bytes) {
  if (fd_) (void)sync();  // the segment is over either way
  RingFile file{dir_ + "/" + file_name(sequence, at), sequence, at, {}};
  auto fd = open_at(AT_FDCWD, file.path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600);
  if (!fd) return std::move(fd).error();
  fd_ = *std::move(fd);
  files_.push_back(std::move(file));
  if (Status written = append(bytes); !written) {
    (void)::unlink(files_.back().path.c_str());  // its beginning alone is of no use
    files_.pop_back();
    return written;
  }
  prune(at);
  return ok();
}

Status Ring::append(std::string_view bytes) {
  if (!fd_) return make_error(ErrorCode::conflict, "no segment is at hand");
  files_.back().size = files_.back().size + Bytes{bytes.size()};
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return give_up(errno, "write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  while (files_.size() > 1 && size() > limits_.size && forget_oldest()) {
  }
  return ok();
}

Status Ring::sync() {
  if (!fd_) return ok();
  return ::fdatasync(fd_.get()) == 0 ? ok() : give_up(errno, "fdatasync");
}

// A file is as old as the beginning of the next one. The one at hand stays.
void Ring::prune(WallTime now) {
  while (files_.size() > 1 && now - files_[1].begin > limits_.keep && forget_oldest()) {
  }
}

bool Ring::forget_oldest() {
  if (::unlink(files_.front().path.c_str()) != 0 && errno != ENOENT) return false;  // tried again with what follows
  files_.erase(files_.begin());
  return true;
}

}  // namespace hostmedic
