// SPDX-License-Identifier: Apache-2.0
#include "probes/cgroup/group_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "probes/parse/cgroup.h"

namespace hostmedic {
namespace {

constexpr std::size_t index(GroupValue value) { return static_cast<std::size_t>(value); }

bool is_gone(const Error& error) { return error.code == ErrorCode::not_found || error.sys_errno == ENODEV; }

}  // namespace

GroupReader::GroupReader(int sys, CgroupLayout layout, const GroupMetrics& metrics)
    : sys_(sys), layout_(std::move(layout)), metrics_(metrics) {}

const std::string& GroupReader::path_of(const FollowedGroup& group, const GroupFile& file, const std::string& name) {
  path_ = file.tree;
  path_ += '/';
  path_ += group.path;
  path_ += '/';
  path_ += name;
  return path_;
}

FollowedGroup GroupReader::follow(EntityId entity, const std::string& path) {
  FollowedGroup group;
  group.entity = entity;
  group.path = path;
  group.series.fill(kNoSeries);
  for (const GroupFile& file : layout_.cpu) {
    KeptFile kept(sys_, path_of(group, file, file.file), KeptFile::Shape::whole);
    if (!kept.open()) continue;
    group.cpu_file = std::move(kept);
    group.cpu = &file;
    break;
  }
  return group;
}

bool GroupReader::due(const FollowedGroup& group, MonoTime now) {
  if (!group.details_at || group.busy >= kBusy) return true;
  // Where the CPU time is not known, nothing says that the group rests.
  const bool changed = !group.cpu_seconds || group.cpu_seconds != group.cpu_at_details;
  return now - *group.details_at >= (changed ? kChanged : kResting);
}

// Series are made when there is something to tell; from then on a value that cannot be had is unknown.
void GroupReader::tell(FollowedGroup& group, const GroupFile& file, const GroupValues& values, Sink& sink) const {
  for (const GroupValue value : file.gives) {
    SeriesId& series = group.series[index(value)];
    if (series == kNoSeries && values[index(value)]) {
      const GroupMetric& metric = metrics_[index(value)];
      series = sink.series(group.entity, *metric.metric, metric.attributes);
    }
    sink.sample(series, values[index(value)]);
  }
}

Status GroupReader::read_cpu(FollowedGroup& group, MonoTime now, Sink& sink) {
  if (group.cpu == nullptr) return ok();
  GroupValues values;
  const auto text = group.cpu_file.read();
  Status status = ok();
  if (!text) {
    status = text.error();
  } else {
    status = group.cpu->parse(*text, values);
    if (!status) status = std::move(status).error().in(group.cpu_file.path());
  }
  const std::optional<double> seconds = values[index(GroupValue::cpu_time)];
  group.busy = 0;
  if (seconds && group.cpu_seconds && group.read_at && now > *group.read_at)
    group.busy = (*seconds - *group.cpu_seconds) / to_seconds(now - *group.read_at);
  group.cpu_seconds = seconds;
  group.read_at = now;
  tell(group, *group.cpu, values, sink);
  if (status || !is_gone(status.error())) return status;
  vanished_ = true;
  return ok();
}

Status GroupReader::read_details(FollowedGroup& group, MonoTime now, Sink& sink) {
  Status status = ok();
  // A controller may be switched on for a group at any time, so what was not there is looked for, but rarely.
  const bool look = !group.looked_at || now - *group.looked_at >= kChanged;
  if (look) group.looked_at = now;
  group.details_at = now;
  group.cpu_at_details = group.cpu_seconds;
  for (std::size_t row = 0; row < layout_.details.size(); ++row) {
    const GroupFile* const before = group.details[row];
    if (before == nullptr && !look) continue;
    GroupValues values;
    Status one = read_detail(group, row, values);
    if (!one && status) status = std::move(one);
    const GroupFile* const file = group.details[row] != nullptr ? group.details[row] : before;
    if (file != nullptr) tell(group, *file, values, sink);
    if (before != nullptr && group.details[row] == nullptr) vanished_ = true;
  }
  return status;
}

// Takes the first of the row's files that is there.
Status GroupReader::read_detail(FollowedGroup& group, std::size_t row, GroupValues& values) {
  if (group.details[row] != nullptr) {
    auto status = read_file(group, *group.details[row], values);
    if (status || !is_gone(status.error())) return status;
    group.details[row] = nullptr;
    return ok();
  }
  for (const GroupFile& file : layout_.details[row]) {
    if (file.group_only && has_groups_below(group, file)) continue;
    auto status = read_file(group, file, values);
    if (!status && is_gone(status.error())) continue;
    group.details[row] = &file;
    return status;
  }
  return ok();
}

Status GroupReader::read_file(const FollowedGroup& group, const GroupFile& file, GroupValues& values) {
  // Only a list of threads comes in pieces.
  const auto shape = file.group_only ? KeptFile::Shape::pieces : KeptFile::Shape::whole;
  KeptFile once(sys_, path_of(group, file, file.file), shape);
  const auto text = once.read();
  if (!text) return text.error();
  if (auto parsed = file.parse(*text, values); !parsed) return std::move(parsed).error().in(once.path());
  if (file.limit.empty()) return ok();
  // Without a limit, or where it cannot be read, there is no utilization.
  KeptFile limit_file(sys_, path_of(group, file, file.limit), KeptFile::Shape::whole);
  const auto limit_text = limit_file.read();
  if (!limit_text) return ok();
  auto limit = parse_cgroup_limit(*limit_text);
  if (!limit) return std::move(limit).error().in(limit_file.path());
  const auto used = values[index(file.gives[0])];
  if (used && *limit && **limit > 0) values[index(file.gives[1])] = *used / static_cast<double>(**limit);
  return ok();
}

// Lists of threads hold those of the one group only.
bool GroupReader::has_groups_below(const FollowedGroup& group, const GroupFile& file) {
  struct stat info{};
  return ::fstatat(sys_, path_of(group, file, ".").c_str(), &info, 0) == 0 && info.st_nlink > 2;
}

}  // namespace hostmedic
