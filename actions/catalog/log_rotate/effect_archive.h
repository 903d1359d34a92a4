// SPDX-License-Identifier: Apache-2.0
// Moves the older part of a log into a compressed archive beside it while others go on writing, chunk by chunk: read,
// compress as a gzip member of its own, append to the archive, sync, compare with the log again, and only then free
// that part of the log. So space comes free at once, also on a full filesystem, and at every moment each byte is in
// the log or synced in the archive. To be killed at any point costs nothing but a part that is in both.
//
// The archive followed by what is left of the log is the log. One thread per file. Blocks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "actions/catalog/log_rotate/effect_open.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

// The calls that a test replaces to see what happens when the disk is full or cannot free parts of a file.
struct DiskCalls {
  int (*fallocate)(int fd, int mode, off_t offset, off_t length);
  ssize_t (*pwrite)(int fd, const void* data, std::size_t size, off_t offset);
  int (*fdatasync)(int fd);
};
DiskCalls disk_calls();

inline constexpr std::size_t kLeastChunk = 64 << 10;
inline constexpr std::size_t kMostChunk = 8 << 20;

struct ArchiveJob {
  std::uint64_t keep = 0;               // the newest bytes that stay in the log in any case
  bool whole = false;                   // nobody has it open any more: take it to the last byte, whatever keep says
  bool writers_append = false;          // all who write it append: the freed beginning may be cut away
  MonoTime deadline = MonoTime::max();  // begins no further chunk after it
  std::size_t most_chunk = kMostChunk;  // a power of two from kLeastChunk
  std::string archive;                  // file name in the log's directory; must not exist
  DiskCalls calls = disk_calls();
};

struct ArchiveReport {
  std::uint64_t bytes_before = 0;  // apparent size of the log
  std::uint64_t bytes_freed = 0;   // moved out of the log
  std::uint64_t archive_bytes = 0;
  std::uint64_t chunks = 0;
  std::uint64_t bytes_after = 0;  // apparent size of the log
  bool complete = false;          // nothing but holes is left in the log
  std::string note;               // what is not as one might expect, in words; empty: nothing
};

// On an error after the first chunk the archive stays, for it holds what was freed; the report says how far it came in
// `ret_report`, which is filled in any case. Errors: limit (no room even for the smallest chunk), unsupported (this
// filesystem cannot free parts of a file and somebody has it open), conflict (the log was rewritten meanwhile), io.
Status archive_log(const LogFile& log, const ArchiveJob& job, ArchiveReport& ret_report);

// True if no other open descriptor of the file exists on this host. False also when the filesystem cannot say.
bool is_sole_user(int fd);

}  // namespace hostmedic
