// SPDX-License-Identifier: Apache-2.0
#include "probes/log/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>

#include "agent/base/fd.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"

namespace hostmedic::log {
namespace {

constexpr const char* kFile = "/system.journal";
constexpr std::string_view kManager = "init.scope";
constexpr std::size_t kLongestUnit = 256;

struct Number {
  std::string_view sequence;  // who numbers
  std::uint64_t value = 0;
};

// "s=0f3a...;i=ea62;b=...": a part of what libsystemd promises not to change only within one version, so it is used
// for nothing but counting what was lost.
std::optional<Number> number_of(std::string_view cursor) {
  if (!cursor.starts_with("s=")) return std::nullopt;
  const std::size_t end = cursor.find(";i=");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view rest = cursor.substr(end + 3);
  const auto value = parse_u64(rest.substr(0, rest.find(';')), 16);
  if (!value) return std::nullopt;
  return Number{cursor.substr(2, end - 2), *value};
}

// How many numbers `to` is after `from`; 0 when they cannot be compared.
std::uint64_t distance(std::string_view from, std::string_view to) {
  const auto a = number_of(from), b = number_of(to);
  if (!a || !b || a->sequence != b->sequence || b->value <= a->value) return 0;
  return b->value - a->value;
}

}  // namespace

void Journal::Close::operator()(sd_journal* journal) const { sd_journal_close(journal); }

Journal::Journal(std::vector<std::string> directories) : directories_(std::move(directories)) {}
Journal::~Journal() = default;

// The file that was written last: one of a storage that journald no longer uses may be left over.
Result<Journal::Place> Journal::place() const {
  Place found;
  timespec newest{};
  Error error = make_error(ErrorCode::not_found, "there is no journal");
  for (const std::string& directory : directories_) {
    struct stat file{};
    std::string path = directory + kFile;
    if (::stat(path.c_str(), &file) != 0) {
      if (errno != ENOENT) error = errno_error(errno, path);
      continue;
    }
    const bool newer = file.st_mtim.tv_sec > newest.tv_sec ||
                       (file.st_mtim.tv_sec == newest.tv_sec && file.st_mtim.tv_nsec > newest.tv_nsec);
    if (!found.path.empty() && !newer) continue;
    newest = file.st_mtim;
    found = {std::move(path), file.st_dev, file.st_ino};
  }
  if (found.path.empty()) return error;
  return found;
}

Status Journal::open(const std::string& cursor) {
  auto found = place();
  if (!found) return std::move(found).error();
  return open_at(*found, cursor);
}

Status Journal::open_at(const Place& place, const std::string& cursor) {
  auto file = hostmedic::open_at(AT_FDCWD, place.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (!file) return std::move(file).error();
  int fd = file->get();
  sd_journal* opened = nullptr;
  if (const int r = sd_journal_open_files_fd(&opened, &fd, 1, 0); r < 0) return errno_error(-r, place.path);
  (void)file->release();  // the journal's from now on
  journal_.reset(opened);
  open_ = place;
  mapped_ = 0;
  pending_ = false;
  (void)sd_journal_set_data_threshold(opened, kLongestMessage + sizeof "MESSAGE=");  // cannot fail
  if (cursor.empty() || sd_journal_seek_cursor(opened, cursor.c_str()) < 0) return go_to_end();
  const int r = sd_journal_next(opened);
  if (r < 0) return errno_error(-r, "journal");
  if (r == 0) return go_to_end();
  if (sd_journal_test_cursor(opened, cursor.c_str()) > 0) return ok();
  pending_ = true;
  const std::uint64_t ahead = distance(cursor, this->cursor());
  lost_ += ahead > 0 ? ahead - 1 : 0;
  return ok();
}

Status Journal::go_to_end() {
  int r = sd_journal_seek_tail(journal_.get());
  // Stands on the last entry then; without this step a later one is not found from the end.
  if (r >= 0) r = sd_journal_previous(journal_.get());
  if (r == 0) r = sd_journal_seek_head(journal_.get());  // it is empty
  pending_ = false;
  return r < 0 ? Status(errno_error(-r, "journal")) : ok();
}

Status Journal::follow() {
  auto found = place();
  if (!found) return journal_ ? ok() : Status(std::move(found).error());  // between two files
  const bool other = found->device != open_.device || found->inode != open_.inode || !journal_;
  if (!other && mapped_ < kMostMapped) return ok();
  if (journal_ && other && !pending_) {  // first what the old one still holds
    const auto more = advance(1);
    if (more && *more > 0) {
      pending_ = true;
      return ok();
    }
  }
  if (pending_) return ok();
  const std::string here = cursor();
  const std::uint64_t lost = lost_;
  auto opened = open_at(*found, here);
  if (!opened && opened.error().sys_errno == ENODATA) return ok();  // it is just being made
  lost_ = lost;  // files follow each other without a gap; what is between their numbers went to journals of sessions
  if (opened && here.empty()) (void)sd_journal_seek_head(journal_.get());  // nothing was in the old one
  return opened;
}

Result<std::uint64_t> Journal::advance(std::uint64_t entries) {
  if (!journal_) return std::uint64_t{0};
  std::uint64_t count = 0;
  if (pending_) {
    pending_ = false;
    count = 1;
  }
  if (count < entries) {
    const std::uint64_t left = entries - count;
    const int r = left == 1 ? sd_journal_next(journal_.get()) : sd_journal_next_skip(journal_.get(), left);
    if (r < 0) return errno_error(-r, "journal");
    count += static_cast<std::uint64_t>(r);
  }
  mapped_ += count;
  return count;
}

Result<JournalEntry> Journal::entry() {
  JournalEntry entry;
  unit_.clear();
  message_.clear();
  spoken_of_.clear();
  bool from_kernel_log = false, facility_kernel = false;
  sd_journal_restart_data(journal_.get());
  const void* data = nullptr;
  std::size_t size = 0;
  int r = 0;
  while ((r = sd_journal_enumerate_available_data(journal_.get(), &data, &size)) > 0) {
    const std::string_view field(static_cast<const char*>(data), size);
    const std::size_t joint = std::min(field.find('='), field.size());
    const std::string_view name = field.substr(0, joint), value = field.substr(std::min(joint + 1, field.size()));
    // The data are valid only until the next field.
    if (name == "MESSAGE") message_.assign(value.substr(0, kLongestMessage));
    if (name == "_SYSTEMD_UNIT") unit_.assign(value.substr(0, kLongestUnit));
    if (name == "UNIT") spoken_of_.assign(value.substr(0, kLongestUnit));
    if (name == "PRIORITY" && value.size() == 1 && value[0] >= '0' && value[0] <= '7')
      entry.priority = static_cast<unsigned>(value[0] - '0');
    if (name == "_TRANSPORT") {
      from_kernel_log = value == "kernel";
      entry.plain_output = value == "stdout";
    }
    if (name == "SYSLOG_FACILITY") facility_kernel = value == "0";
  }
  if (r < 0) return errno_error(-r, "journal");
  entry.kernel = from_kernel_log && facility_kernel;  // programs may write to the kernel's log too
  std::uint64_t microseconds = 0;
  if (sd_journal_get_realtime_usec(journal_.get(), &microseconds) >= 0)
    entry.at = wall_from_ns(static_cast<std::int64_t>(microseconds) * 1000);
  // Only process 1 is in this scope, so what it says of a unit is systemd's word.
  if (unit_ == kManager && !spoken_of_.empty()) unit_.swap(spoken_of_);
  entry.unit = unit_;
  entry.message = message_;
  return entry;
}

Status Journal::skip_to_end() {
  const std::string from = cursor();
  auto skipped = go_to_end();
  if (skipped) lost_ += distance(from, cursor());
  return skipped;
}

std::string Journal::cursor() const {
  char* text = nullptr;
  if (!journal_ || sd_journal_get_cursor(journal_.get(), &text) < 0) return {};
  std::string cursor(text);
  std::free(text);
  return cursor;
}

std::uint64_t Journal::take_lost() { return std::exchange(lost_, 0); }

}  // namespace hostmedic::log
