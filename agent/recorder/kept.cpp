// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/kept.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "agent/base/file.h"
#include "agent/recorder/segment.h"

namespace hostmedic {
namespace {

constexpr std::string_view kSuffix = ".hmrec";

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ok();
}

struct KeptFile {
  std::string path, id;
  WallTime changed;
  Bytes size;
};

Result<std::vector<KeptFile>> kept_files(const std::string& dir) {
  std::vector<KeptFile> files;
  DIR* stream = ::opendir(dir.c_str());
  if (stream == nullptr) {
    if (errno == ENOENT) return files;
    return errno_error(errno, dir);
  }
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (!name.ends_with(kSuffix)) continue;
    KeptFile file{dir + "/" + name, name.substr(0, name.size() - kSuffix.size()), {}, {}};
    struct stat seen{};
    if (::stat(file.path.c_str(), &seen) != 0) continue;
    file.changed = wall_from_ns(seen.st_mtim.tv_sec * 1'000'000'000 + seen.st_mtim.tv_nsec);
    file.size = {static_cast<std::uint64_t>(seen.st_size)};
    files.push_back(std::move(file));
  }
  (void)::closedir(stream);  // nothing was written
  std::ranges::sort(files, {}, &KeptFile::changed);
  return files;
}

}  // namespace

Result<Kept> Kept::open(const std::string& dir, KeptLimits limits) {
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(errno, dir);
  return Kept(dir, limits);
}

// Where a recording that is there ends, or with which segment one that is not begins.
Result<Kept::End> Kept::end_of(const std::string& path, WallTime from, const Ring& ring) {
  End end;
  const auto bytes = read_file(path, gib(1));
  const auto parsed = bytes ? parse_recording(*bytes) : Result<ParsedRecording>(bytes.error());
  if (parsed && !parsed->segments.empty()) {
    const Segment& last = parsed->segments.back();
    return End{last.head.sequence, static_cast<std::uint64_t>(last.bytes.data() - bytes->data())};
  }
  if (!bytes && bytes.error().code != ErrorCode::not_found) return bytes.error();
  for (const RingFile& file : ring.files())
    if (end.sequence == 0 || file.begin <= from) end.sequence = file.sequence;
  return end;
}

Status Kept::extend(const std::string& incident_id, WallTime from, const Ring& ring) {
  const std::string path = path_of(dir_, incident_id);
  auto known = open_.find(incident_id);
  if (known == open_.end()) {
    auto end = end_of(path, from, ring);
    if (!end) return std::move(end).error();
    known = open_.emplace(incident_id, *end).first;
  }
  End& end = known->second;
  if (end.full) return ok();
  auto fd = open_at(AT_FDCWD, path, O_WRONLY | O_CREAT, 0600);
  if (!fd) return std::move(fd).error();
  // The last segment is taken anew where the ring still has it: it may have grown.
  const bool again =
      std::ranges::any_of(ring.files(), [&](const RingFile& file) { return file.sequence == end.sequence; });
  if (again && ::ftruncate(fd->get(), static_cast<off_t>(end.offset)) != 0) return errno_error(errno, path);
  const off_t size = ::lseek(fd->get(), 0, SEEK_END);
  if (size < 0) return errno_error(errno, path);
  auto at = static_cast<std::uint64_t>(size);
  for (const RingFile& file : ring.files()) {
    if (file.sequence < end.sequence || at >= limits_.each.count) continue;
    auto bytes = read_file(file.path, gib(1));
    if (!bytes) return std::move(bytes).error();
    const std::string_view part = std::string_view(*bytes).substr(0, limits_.each.count - at);
    if (Status written = write_all(fd->get(), part); !written) return std::move(written).error().in(path);
    end = {file.sequence, at, false};
    at += part.size();
  }
  end.full = at >= limits_.each.count;
  return ::fdatasync(fd->get()) == 0 ? ok() : errno_error(errno, path);
}

Result<std::vector<std::string>> Kept::recordings(const std::string& dir) {
  auto files = kept_files(dir);
  if (!files) return std::move(files).error();
  std::vector<std::string> paths;
  for (KeptFile& file : *files) paths.push_back(std::move(file.path));
  return paths;
}

void Kept::prune(WallTime now) {
  const std::vector<KeptFile> files = kept_files(dir_).value_or({});  // what cannot be read is tried again next time
  size_ = {};
  count_ = files.size();
  for (const KeptFile& file : files) size_ = size_ + file.size;
  for (const KeptFile& file : files) {
    const bool much = size_ > limits_.all || now - file.changed > limits_.keep;
    if (!much || open_.contains(file.id) || ::unlink(file.path.c_str()) != 0) continue;
    size_.count -= file.size.count;
    --count_;
  }
}

}  // namespace hostmedic
