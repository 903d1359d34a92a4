// SPDX-License-Identifier: Apache-2.0
#include "probes/log/followed_file.h"

#include <algorithm>

namespace hostmedic::log {

FollowedFile::FollowedFile(std::string path, Fd file, const struct stat& found, std::uint64_t offset)
    : path_(std::move(path)), file_(std::move(file), offset), device_(found.st_dev), inode_(found.st_ino) {
  char buffer[kLongestLine];
  if (offset > 0) (void)file_.read(buffer, 1, [](std::string_view, double) {});  // so that only growth counts as growth
}

void FollowedFile::replace(Fd file, const struct stat& found, MonoTime now) {
  // A third file within kOldFor: what the first still gets is lost.
  old_ = std::move(file_);
  old_device_ = std::exchange(device_, found.st_dev);
  old_inode_ = std::exchange(inode_, found.st_ino);
  old_since_ = now;
  file_ = TailedFile(std::move(file), 0);
}

bool FollowedFile::has_grown() const {
  struct stat now{};
  const auto grown = [&](const TailedFile& file) { return ::fstat(file.fd(), &now) == 0 && file.has_more(now); };
  return grown(file_) || (old_ && grown(*old_));
}

void FollowedFile::set_owner(EntityId entity, MonoTime now) {
  source_ = std::make_unique<LogSource>(entity, path_, now);
}

void FollowedFile::take(std::string_view line, double weight, NewTemplates& news, MonoTime now, Sink& sink) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (const auto request = parse_access_line(line)) {
    if (!access_) access_ = std::make_unique<AccessStats>(source_->entity(), path_);
    access_->add(*request, weight);
    return;
  }
  if (joiner_.continues(line)) return;
  const LogLine parsed = parse_log_line(line);
  const LogRecord record{parsed.severity, parsed.message, weight};
  source_->count(record);
  source_->mine(record, news, now, sink);
}

Result<TailedFile::Read> FollowedFile::read(std::span<char> buffer, std::uint64_t most, NewTemplates& news,
                                            MonoTime now, Sink& sink) {
  const auto taker = [&](std::string_view line, double weight) {
    grown_ = now;
    take(line, weight, news, now, sink);
  };
  TailedFile::Read all;
  if (old_) {
    const auto rest = old_->read(buffer, most, taker);
    if (rest) all = *rest;
    if (!rest || now - old_since_ >= kOldFor) {
      old_->finish(buffer, taker);
      old_.reset();
      old_device_ = old_inode_ = 0;
    }
  }
  const auto added = file_.read(buffer, most, taker);
  if (!added) return added.error();
  return TailedFile::Read{all.grown + added->grown, all.skipped + added->skipped};
}

void FollowedFile::finish(std::span<char> buffer, NewTemplates& news, MonoTime now, Sink& sink) {
  if (!source_) return;
  file_.finish(buffer, [&](std::string_view line, double weight) { take(line, weight, news, now, sink); });
}

void FollowedFile::sample(Sink& sink) {
  if (!source_) return;
  if (access_) access_->sample_counts(sink);
  if (!access_ || source_->used() != MonoTime{}) source_->sample_severities(sink);
}

void FollowedFile::sample_slow(MonoTime now, Sink& sink) {
  if (!source_) return;
  if (access_) access_->sample_durations(sink);
  if (!access_ || source_->used() != MonoTime{}) source_->sample_templates(now, sink);
}

}  // namespace hostmedic::log
