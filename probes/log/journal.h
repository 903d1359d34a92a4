// SPDX-License-Identifier: Apache-2.0
// Reads the system's journal as it is written, one entry after the other, over rotations and over the move from /run to
// /var. Nothing is waited for: who reads asks once per tick. Follows one file at a time, the one that journald writes
// now, so that archived files cost neither descriptors nor memory; what it maps is given back every kMostMapped
// entries. Journals of other users' sessions and of journal namespaces are not read. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

struct sd_journal;

namespace hostmedic::log {

// Texts are valid until the next entry.
struct JournalEntry {
  unsigned priority = 6;      // 0..7
  std::string_view unit;      // that wrote it, or that systemd speaks of; empty for none
  std::string_view message;   // cut at kLongestMessage
  bool kernel = false;        // from the kernel itself
  bool plain_output = false;  // a line of a service's standard output: its priority says nothing of it
  WallTime at;
};

class Journal {
 public:
  static constexpr std::size_t kLongestMessage = 2048;
  static constexpr std::uint64_t kMostMapped = 8192;

  // directories: absolute, where system.journal may be, now or later.
  explicit Journal(std::vector<std::string> directories);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Opens the journal at the entry after the cursor, or after the last one if the cursor is empty or of no use.
  // not_found: there is none; denied.
  Status open(const std::string& cursor);
  // Asked once per tick before the entries: goes on to the file that journald writes now, if it is another one.
  Status follow();
  // To the next entry, or past several: how many it went on, 0 at the end.
  Result<std::uint64_t> advance(std::uint64_t entries);
  // The entry it stands on.
  Result<JournalEntry> entry();
  // Past everything that is written.
  Status skip_to_end();

  // Where it stands, for open(); empty before the first entry.
  std::string cursor() const;
  // Entries that were passed over unseen: those of a gap behind the cursor of open(), and those of skip_to_end(). An
  // upper bound, since the journals of sessions share the numbers.
  std::uint64_t take_lost();

 private:
  struct Close {
    void operator()(sd_journal* journal) const;
  };
  struct Place {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;
  };
  Result<Place> place() const;
  Status open_at(const Place& place, const std::string& cursor);
  Status go_to_end();

  const std::vector<std::string> directories_;
  Place open_;
  std::unique_ptr<sd_journal, Close> journal_;
  bool pending_ = false;  // it stands on an entry that advance() has not yet given
  std::uint64_t mapped_ = 0, lost_ = 0;
  std::string unit_, spoken_of_, message_;
};

}  // namespace hostmedic::log
