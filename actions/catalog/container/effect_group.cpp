// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/container/effect_group.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "actions/catalog/container/container_name.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

namespace fs = std::filesystem;

// Walks the groups below, outermost first; visit() says whether to go on below it. False: there are too many.
template <class Visit>
bool each_group(const std::string& root, Visit visit) {
  std::error_code error;
  fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error), end;
  int left = kMostGroups;
  while (!error && at != end) {
    std::error_code kind_error;
    if (at->is_directory(kind_error) && !at->is_symlink(kind_error)) {
      if (left-- == 0) return false;
      if (!visit(at->path().string())) at.disable_recursion_pending();
    }
    at.increment(error);  // a group that is removed meanwhile ends the walk; what was found stands
  }
  return true;
}

}  // namespace

Result<std::string> group_root() {
  for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
    if (::access((std::string(root) + "/cgroup.controllers").c_str(), F_OK) == 0) return std::string(root);
  return make_error(ErrorCode::unsupported, "there are no control groups of version 2");
}

Result<ContainerGroup> find_container_group(const std::string& root, std::string_view id) {
  constexpr std::size_t kLeastId = 12;
  if (id.size() < kLeastId || id.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return make_error(ErrorCode::not_found, "without an engine a container is known by its id only");
  std::optional<ContainerGroup> found;
  bool two = false;
  const bool all = each_group(root, [&](const std::string& path) {
    const std::string_view here = container_id_of(std::string_view(path).substr(path.rfind('/') + 1));
    if (here.empty()) return true;
    if (!here.starts_with(id)) return false;
    two = two || (found && found->id != here);
    if (!found) found = ContainerGroup{path, std::string(here)};
    return false;
  });
  if (two) return make_error(ErrorCode::conflict, "the ids of two containers begin with " + std::string(id));
  if (found) return std::move(*found);
  if (!all) return make_error(ErrorCode::limit, "there are too many control groups");
  return make_error(ErrorCode::not_found, "no control group belongs to a container " + std::string(id));
}

Result<std::string> find_unit_group(const std::string& root, std::string_view unit) {
  std::string found;
  const bool all = each_group(root, [&](const std::string& path) {
    if (found.empty() && std::string_view(path).substr(path.rfind('/') + 1) == unit) found = path;
    return found.empty();
  });
  if (!found.empty()) return found;
  if (!all) return make_error(ErrorCode::limit, "there are too many control groups");
  return make_error(ErrorCode::not_found, std::string(unit) + " has no control group");
}

std::vector<std::uint32_t> processes_of(const std::string& group, std::size_t most) {
  std::vector<std::uint32_t> found;
  const auto read = [&](const std::string& path) {
    const auto text = read_file(path + "/cgroup.procs", kib(256));
    if (!text) return true;  // removed meanwhile
    TextCursor cursor(*text);
    while (!cursor.at_end() && found.size() < most) {
      const auto pid = parse_u64(cursor.line());
      if (pid && *pid > 0) found.push_back(static_cast<std::uint32_t>(*pid));
    }
    return found.size() < most;
  };
  if (read(group)) (void)each_group(group, read);
  return found;
}

Result<bool> is_frozen(const std::string& group) {
  const auto text = read_file(group + "/cgroup.events", kib(4));
  if (!text) return text.error();
  TextCursor cursor(*text);
  while (!cursor.at_end()) {
    const std::string_view line = cursor.line();
    if (line.starts_with("frozen ")) return line == "frozen 1";
  }
  return make_error(ErrorCode::unsupported, "this kernel does not freeze control groups");
}

Status freeze_group(const std::string& group, bool frozen) {
  constexpr auto kPatience = std::chrono::seconds(5);
  const auto file = open_at(AT_FDCWD, group + "/cgroup.freeze", O_WRONLY);
  if (!file) return file.error();
  if (::write(file->get(), frozen ? "1" : "0", 1) != 1) return errno_error(errno, group + "/cgroup.freeze");
  for (const MonoTime end = mono_now() + kPatience; mono_now() < end;) {
    const auto now = is_frozen(group);
    if (!now) return now.error();
    if (*now == frozen) return ok();
    (void)::poll(nullptr, 0, 20);  // a pause
  }
  return make_error(ErrorCode::timeout, frozen ? "its processes do not freeze" : "its processes do not thaw");
}

}  // namespace hostmedic
