// SPDX-License-Identifier: Apache-2.0
#include "probes/log/hunt.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>

#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "probes/parse/logrotate.h"

namespace hostmedic::log {
namespace {

constexpr Duration kWritersFor = std::chrono::seconds(5);  // a look at all processes is the dearest part
constexpr Duration kConfigsFor = std::chrono::seconds(60);
constexpr std::size_t kMostAsked = 64;
constexpr double kExplained = 0.5;  // of the growth, by the fastest files
constexpr std::string_view kManyMark = "/*";
constexpr std::size_t kMostConfigs = 256;
constexpr int kDeepestInclude = 4;
constexpr std::string_view kEtc = "/etc/";

Duration cpu_of_thread() {
  rusage usage{};
  (void)::getrusage(RUSAGE_THREAD, &usage);  // cannot fail with these arguments
  const auto of = [](const timeval& t) {
    return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace

Findings Hunt::step() {
  const Duration cpu_before = cpu_of_thread();
  Findings findings;
  std::vector<Grower> growers;
  const auto space = read_space_(roots_.front().dir.get());
  Snapshot now = walk(roots_, before_ ? &*before_ : nullptr, growers);
  findings.names_skipped = now.names_skipped;
  findings.compared = before_.has_value();
  double explained = 0;
  if (before_ && space && space_before_ && space->used > space_before_->used) {
    const double window = to_seconds(now.begun - before_->begun);
    const double all = static_cast<double>(space->used - space_before_->used) / std::max(window, 1e-3);
    for (const Grower& grower : growers) {
      // More than all: something else shrank meanwhile.
      const double share = std::min(1.0, grower.bytes_per_second / all);
      explained += share;
      if (share < kLeastShare) continue;
      findings.files.push_back({grower.path, grower.root->path, config_of(grower.path, now.begun), grower.size,
                                grower.allocated, grower.bytes_per_second, share, writers_of(grower, now.begun)});
    }
    if (explained < kExplained) {
      add_deleted(all, now.begun, findings);
      add_many(all, now, window, findings);
    }
  }
  if (explained >= kExplained) deleted_at_.reset();
  findings.ended = mono_now();
  findings.cpu = cpu_of_thread() - cpu_before;
  before_ = std::move(now);
  space_before_ = space;
  return findings;
}

void Hunt::add_many(double all, const Snapshot& now, double window, Findings& ret_findings) {
  for (const auto& [root, bytes] : now.grown) {
    const double rate = static_cast<double>(bytes) / std::max(window, 1e-3);
    if (rate < kExplained * all) continue;
    GrowingFile many;
    many.path = root->path + std::string(kManyMark);
    many.root = root->path;
    many.bytes_per_second = rate;
    many.share = std::min(1.0, rate / all);
    ret_findings.files.push_back(std::move(many));
  }
}

// all: growth of the filesystem, bytes per second.
void Hunt::add_deleted(double all, MonoTime now, Findings& ret_findings) {
  struct stat here{};
  if (::fstat(roots_.front().dir.get(), &here) < 0) return;
  auto found = find_deleted(proc_.get(), here.st_dev);
  for (const auto& [inode, file] : found) {
    const auto before = deleted_.find(inode);
    if (!deleted_at_ || before == deleted_.end() || file.allocated <= before->second.allocated) continue;
    const double rate =
        static_cast<double>(file.allocated - before->second.allocated) / std::max(to_seconds(now - *deleted_at_), 1e-3);
    const double share = std::min(1.0, rate / all);
    if (share < kLeastShare) continue;
    ret_findings.files.push_back({file.path, "", "", file.size, file.allocated, rate, share, file.writers});
  }
  std::ranges::stable_sort(ret_findings.files, std::greater(), &GrowingFile::bytes_per_second);
  deleted_ = std::move(found);
  deleted_at_ = now;
}

const Writers& Hunt::writers_of(const Grower& grower, MonoTime now) {
  if (asked_.size() >= kMostAsked) asked_.clear();
  auto [known, is_new] = asked_.try_emplace(grower.inode);
  if (is_new || now - known->second.at >= kWritersFor) {
    known->second = {find_writers(proc_.get(), grower.path, grower.device, grower.inode), now};
  }
  return known->second.writers;
}

std::string Hunt::config_of(const std::string& path, MonoTime now) {
  if (!configs_read_at_ || now - *configs_read_at_ >= kConfigsFor) {
    covered_.clear();
    configs_left_ = kMostConfigs;
    read_config("/etc/logrotate.conf", 0);
    configs_read_at_ = now;
  }
  const auto covers =
      std::ranges::find_if(covered_, [&](const Covered& one) { return logrotate_covers(one.pattern, path); });
  return covers == covered_.end() ? "" : covers->config;
}

// Only what lies below /etc; a file that cannot be read or understood covers nothing.
void Hunt::read_config(const std::string& path, int depth) {
  if (!path.starts_with(kEtc) || depth > kDeepestInclude || configs_left_ == 0) return;
  const std::string below = path.substr(kEtc.size());
  auto fd = open_at(etc_.get(), below.empty() ? "." : below, O_RDONLY | O_DIRECTORY);
  if (fd) {
    DIR* raw = ::fdopendir(fd->get());
    if (raw == nullptr) return;
    (void)fd->release();  // now the list's
    const std::unique_ptr<DIR, int (*)(DIR*)> list(raw, ::closedir);
    std::set<std::string> names;  // logrotate takes them in this order
    while (const dirent* entry = ::readdir(list.get())) {
      if (names.size() < kMostConfigs && logrotate_reads(entry->d_name)) names.insert(entry->d_name);
    }
    const std::string prefix = path.ends_with('/') ? path : path + "/";
    for (const std::string& name : names) read_config(prefix + name, depth + 1);
    return;
  }
  --configs_left_;
  const auto text = read_file_at(etc_.get(), below, kib(256));
  if (!text) return;
  const auto config = parse_logrotate(*text);
  if (!config) return;
  for (const std::string& pattern : config->patterns) {
    if (covered_.size() < kMostLogrotatePatterns) covered_.push_back({pattern, path});
  }
  for (const std::string& include : config->includes) read_config(include, depth + 1);
}

}  // namespace hostmedic::log
