// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/log_rotate/effect_archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kComparePiece = 1 << 20;  // freed at a time, right after it was compared
// So many chunks must have become smaller by a tenth, or it is not worth the wear.
constexpr std::uint64_t kTrialChunks = 8;

bool is_full(int error) { return error == ENOSPC || error == EDQUOT; }

class Archiver {
 public:
  Archiver(const LogFile& log, const ArchiveJob& job, ArchiveReport& report) : log_(log), job_(job), report_(report) {}
  Status run();

 private:
  Status begin();
  Status move_chunks();
  Result<std::size_t> next_chunk();
  Status move_one(std::size_t size);
  Status read_exactly(std::uint64_t offset, std::vector<unsigned char>& into, std::size_t size) const;
  Status compress(std::size_t size);
  Status append();
  Status free_part(std::size_t size);
  void cut_beginning();
  Status close_unpunchable();
  std::uint64_t log_size() const;

  const LogFile& log_;
  const ArchiveJob& job_;
  ArchiveReport& report_;
  Fd archive_;
  bool can_punch_ = true;
  std::uint64_t block_ = 4096;
  std::uint64_t position_ = 0;  // what lies before is a hole, or is in the archive where can_punch_ is false
  std::size_t base_chunk_ = kMostChunk, chunk_ = kMostChunk;
  std::vector<unsigned char> raw_, packed_, again_;
};

std::uint64_t Archiver::log_size() const {
  struct stat seen{};
  return ::fstat(log_.file.get(), &seen) == 0 ? static_cast<std::uint64_t>(seen.st_size) : 0;
}

Status Archiver::begin() {
  struct stat seen{};
  if (::fstat(log_.file.get(), &seen) != 0) return errno_error(errno, log_.path);
  const auto size = static_cast<std::uint64_t>(seen.st_size);
  report_.bytes_before = report_.bytes_after = size;
  block_ = std::max<std::uint64_t>(static_cast<std::uint64_t>(seen.st_blksize), 4096);
  // Small files in small chunks, so that little is left behind.
  base_chunk_ = std::clamp<std::size_t>(std::bit_floor<std::size_t>(size / 16 + 1), kLeastChunk, job_.most_chunk);
  chunk_ = base_chunk_;

  archive_ =
      Fd(::openat(log_.dir.get(), job_.archive.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!archive_) return errno_error(errno, "archive " + job_.archive);
  // Readable by the same people as the log: first the owner, since chown clears bits of the mode.
  if (::fchown(archive_.get(), seen.st_uid, seen.st_gid) != 0 || ::fchmod(archive_.get(), seen.st_mode & 0777) != 0)
    return errno_error(errno, "owner and mode of " + job_.archive);
  // The archive is on the same filesystem and still empty: a good place to ask.
  can_punch_ = job_.calls.fallocate(archive_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                                    static_cast<off_t>(block_)) == 0;
  if (!can_punch_ && !is_sole_user(log_.file.get()))
    return make_error(ErrorCode::unsupported,
                      "this filesystem cannot free parts of a file, and somebody has the log open: " + log_.path);
  return ok();
}

// Size of the next chunk; 0: enough was moved.
Result<std::size_t> Archiver::next_chunk() {
  // A beginning that was freed before, or that a writer skipped, holds no log.
  std::uint64_t size = log_size();
  const off_t data = ::lseek(log_.file.get(), static_cast<off_t>(position_), SEEK_DATA);
  if (data < 0 && errno != ENXIO) return errno_error(errno, log_.path);
  position_ = std::max(position_, data < 0 ? size : static_cast<std::uint64_t>(data) / block_ * block_);

  size = log_size();
  const std::uint64_t rest = size > position_ ? size - position_ : 0;
  const bool to_the_end = job_.whole || !can_punch_;
  if (to_the_end) return static_cast<std::size_t>(std::min<std::uint64_t>(rest, chunk_));
  return rest > chunk_ + job_.keep ? chunk_ : 0;  // never to the very end: a file cannot be cut away whole
}

Status Archiver::read_exactly(std::uint64_t offset, std::vector<unsigned char>& into, std::size_t size) const {
  into.resize(size);
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = ::pread(log_.file.get(), into.data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, log_.path);
    if (got == 0) return make_error(ErrorCode::conflict, log_.path + " was truncated meanwhile");
    done += static_cast<std::size_t>(got);
  }
  return ok();
}

Status Archiver::compress(std::size_t size) {
  z_stream stream{};
  constexpr int kFastest = 1, kGzipWindow = 15 + 16, kMemory = 8;
  if (::deflateInit2(&stream, kFastest, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
    // uncovered: only for want of memory
    return make_error(ErrorCode::limit, "no memory for the compressor");
  packed_.resize(::deflateBound(&stream, size));
  stream.next_in = raw_.data();
  stream.avail_in = static_cast<uInt>(size);
  stream.next_out = packed_.data();
  stream.avail_out = static_cast<uInt>(packed_.size());
  const bool complete = ::deflate(&stream, Z_FINISH) == Z_STREAM_END;
  packed_.resize(stream.total_out);
  ::deflateEnd(&stream);
  return complete ? ok() : Status(make_error(ErrorCode::io, "the compressor failed"));
}

// Code limit: the disk is full, and the archive is as long as before.
Status Archiver::append() {
  int error = 0;
  for (std::size_t done = 0; done < packed_.size() && error == 0;) {
    const ssize_t put = job_.calls.pwrite(archive_.get(), packed_.data() + done, packed_.size() - done,
                                          static_cast<off_t>(report_.archive_bytes + done));
    if (put >= 0) done += static_cast<std::size_t>(put);
    if (put < 0 && errno != EINTR) error = errno;
  }
  if (error == 0 && job_.calls.fdatasync(archive_.get()) != 0) error = errno;
  if (error == 0) return ok();
  if (::ftruncate(archive_.get(), static_cast<off_t>(report_.archive_bytes)) != 0) error = EIO;
  return is_full(error) ? Status(make_error(ErrorCode::limit, "no room for the archive"))
                        : Status(errno_error(error, "archive " + job_.archive));
}

Status Archiver::free_part(std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const std::size_t piece = std::min(size - done, kComparePiece);
    if (Status read = read_exactly(position_ + done, again_, piece); !read) return read;
    if (std::memcmp(again_.data(), raw_.data() + done, piece) != 0)
      return make_error(ErrorCode::conflict, log_.path + " was rewritten meanwhile");
    if (job_.calls.fallocate(log_.file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                             static_cast<off_t>(position_ + done), static_cast<off_t>(piece)) != 0)
      return errno_error(errno, "freeing a part of " + log_.path);
    done += piece;
    report_.bytes_freed += piece;
  }
  return ok();
}

Status Archiver::move_one(std::size_t size) {
  if (Status read = read_exactly(position_, raw_, size); !read) return read;
  if (Status packed = compress(size); !packed) return packed;
  if (Status appended = append(); !appended) return appended;
  // The name must be as durable as the content before the first byte is freed.
  if (report_.chunks == 0 && ::fsync(log_.dir.get()) != 0) return errno_error(errno, "directory of " + log_.path);
  report_.archive_bytes += packed_.size();
  ++report_.chunks;
  if (can_punch_) {
    if (Status freed = free_part(size); !freed) return freed;
  }
  position_ += size;
  return ok();
}

Status Archiver::move_chunks() {
  while (mono_now() < job_.deadline) {
    const auto size = next_chunk();
    if (!size) return size.error();
    if (*size == 0) return ok();
    const Status moved = move_one(*size);
    if (moved) {
      chunk_ = std::min(chunk_ * 2, base_chunk_);  // what was freed may hold the next, larger one
    } else if (moved.error().code == ErrorCode::limit && chunk_ > kLeastChunk) {
      chunk_ /= 2;
    } else {
      return moved;
    }
    if (report_.chunks == kTrialChunks && can_punch_ && report_.archive_bytes > report_.bytes_freed / 10 * 9) {
      report_.note = "stopped early: the log hardly becomes smaller when compressed";
      return ok();
    }
  }
  if (!can_punch_) return make_error(ErrorCode::timeout, "not archived in time; nothing was freed");
  report_.note = "stopped early: out of time";
  return ok();
}

// The freed blocks at the beginning become no blocks at all, so that the size is small again. Where this cannot be
// done the hole stays: it takes no space, and the next run skips it.
void Archiver::cut_beginning() {
  const std::uint64_t head = position_ / block_ * block_;
  if (head == 0) return;
  if (!job_.writers_append) {
    report_.note += std::string(report_.note.empty() ? "" : "; ") +
                    "the size is unchanged: a writer does not append, so the freed beginning stays as a hole";
  } else if (job_.calls.fallocate(log_.file.get(), FALLOC_FL_COLLAPSE_RANGE, 0, static_cast<off_t>(head)) != 0) {
    report_.note += std::string(report_.note.empty() ? "" : "; ") +
                    "the size is unchanged: this filesystem keeps the freed beginning as a hole";
  }
}

// All is in the archive, nothing was freed yet, and nobody had the log open when we began.
Status Archiver::close_unpunchable() {
  const std::uint64_t size = log_size();
  // A lease holds off whoever opens it now until we are done.
  if (size != position_ || ::fcntl(log_.file.get(), F_SETLEASE, F_WRLCK) != 0)
    return make_error(ErrorCode::conflict, "somebody opened " + log_.path + " meanwhile; nothing was freed");
  const bool same = log_size() == size;
  const bool cut = same && ::ftruncate(log_.file.get(), 0) == 0;
  (void)::fcntl(log_.file.get(), F_SETLEASE, F_UNLCK);  // ends with the descriptor anyway
  if (!cut) return make_error(ErrorCode::conflict, log_.path + " changed meanwhile; nothing was freed");
  report_.bytes_freed = size;
  return ok();
}

Status Archiver::run() {
  Status status = begin();
  if (status) status = move_chunks();
  if (status && !can_punch_ && report_.chunks > 0) status = close_unpunchable();
  const bool useless = report_.bytes_freed == 0;
  if (useless && archive_) {
    // Nothing was taken out of the log, so whatever the archive holds is in the log too.
    (void)::unlinkat(log_.dir.get(), job_.archive.c_str(), 0);
    report_.archive_bytes = 0;
  }
  if (can_punch_ && !job_.whole && !useless) cut_beginning();
  report_.bytes_after = log_size();
  report_.complete = status && (report_.bytes_after == 0 || position_ >= report_.bytes_after);
  return status;
}

}  // namespace

DiskCalls disk_calls() { return {::fallocate, ::pwrite, ::fdatasync}; }

bool is_sole_user(int fd) {
  // A lease that somebody breaks is announced by SIGIO, which would end the process.
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  (void)::sigaction(SIGIO, &ignore, nullptr);
  // The kernel grants a write lease only while no other open file description exists.
  if (::fcntl(fd, F_SETLEASE, F_WRLCK) != 0) return false;
  return ::fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
}

Status archive_log(const LogFile& log, const ArchiveJob& job, ArchiveReport& ret_report) {
  ret_report = {};
  return Archiver(log, job, ret_report).run();
}

}  // namespace hostmedic
