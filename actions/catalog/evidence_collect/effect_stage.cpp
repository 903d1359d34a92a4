// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/evidence_collect/effect_stage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostLeftOut = 200;

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

Result<Fd> create(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
  return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

}  // namespace

Result<Stage> Stage::make(std::string directory, std::uint64_t most_bytes, MonoTime end) {
  std::error_code failed;
  std::filesystem::remove_all(directory, failed);
  if (!failed) std::filesystem::create_directory(directory, failed);
  if (failed) return errno_error(failed.value(), directory);
  Stage stage;
  stage.directory_ = std::move(directory);
  stage.most_bytes_ = most_bytes;
  stage.end_ = end;
  return stage;
}

bool Stage::goes_on() const {
  return bytes_ < most_bytes_ && members_.size() < kMostEvidenceMembers && mono_now() < end_;
}

Duration Stage::left() const { return std::max(Duration{}, Duration(end_ - mono_now())); }

void Stage::leave_out(const std::string& name, const std::string& why) {
  if (left_out_.size() < kMostLeftOut) left_out_.push_back(printable(name + ": " + why, 300));
  if (left_out_.size() == kMostLeftOut) left_out_.emplace_back("...: more was left out than is told");
}

bool Stage::has_room(const std::string& name) {
  if (goes_on()) return true;
  leave_out(name, mono_now() >= end_ ? "no time was left" : "no room was left");
  return false;
}

void Stage::put(const std::string& name, std::string_view content) {
  if (content.empty() || !has_room(name)) return;
  const std::string_view kept = content.substr(0, most_bytes_ - bytes_);
  const auto file = create(directory_ + "/" + name);
  if (!file || !write_all(file->get(), kept))
    return leave_out(name, file ? errno_error(errno, "write").message() : file.error().message());
  if (kept.size() < content.size()) leave_out(name, "cut at " + format_bytes(Bytes{kept.size()}));
  bytes_ += kept.size();
  members_.push_back({name, kept.size(), ""});
}

void Stage::copy(const std::string& name, const std::string& source, std::uint64_t most) {
  if (!has_room(name)) return;
  const auto from = open_at(AT_FDCWD, source, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!from) return leave_out(name, from.error().message());
  most = std::min(most, most_bytes_ - bytes_);
  char chunk[16384];
  Fd to;
  std::uint64_t copied = 0;
  for (;;) {
    const ssize_t n = ::read(from->get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) leave_out(name, errno_error(errno, "read").message());
    if (n <= 0) break;
    const std::uint64_t kept = std::min<std::uint64_t>(static_cast<std::uint64_t>(n), most - copied);
    if (!to) {
      auto made = create(directory_ + "/" + name);
      if (!made) return leave_out(name, made.error().message());
      to = std::move(*made);
    }
    if (!write_all(to.get(), {chunk, kept})) {
      leave_out(name, errno_error(errno, "write").message());
      break;
    }
    copied += kept;
    if (kept < static_cast<std::uint64_t>(n) || mono_now() >= end_) {
      leave_out(name, "cut at " + format_bytes(Bytes{copied}));
      break;
    }
  }
  if (!to) return;
  bytes_ += copied;
  members_.push_back({name, copied, ""});
}

}  // namespace hostmedic
