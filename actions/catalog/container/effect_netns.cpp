// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/container/effect_netns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

std::optional<std::uint64_t> inode_of(const std::string& path) {
  struct stat seen{};
  if (::stat(path.c_str(), &seen) != 0) return std::nullopt;
  return seen.st_ino;
}

bool is_of(const std::string& id, const std::string& process) {
  const auto groups = read_file(process + "/cgroup", kib(16));
  return groups && groups->find(id) != std::string::npos;
}

int others_in(std::uint64_t inode, const std::string& id, const std::string& proc) {
  constexpr int kMostProcesses = 50'000;
  int others = 0, looked = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator at(proc, error), end; !error && at != end; at.increment(error)) {
    if (!parse_u64(at->path().filename().string())) continue;
    if (++looked > kMostProcesses) break;
    const std::string process = at->path().string();
    if (inode_of(process + "/ns/net") == inode && !is_of(id, process)) ++others;
  }
  return others;
}

}  // namespace

Result<ContainerNetns> open_netns(const std::string& name, const std::string& proc) {
  const auto conflict = [](std::string text) { return make_error(ErrorCode::conflict, std::move(text)); };
  auto found = find_any_container(name);
  if (!found) return found.error();
  if (found->pid == 0) return conflict(words(*found) + ": it has no process, and so no network");
  const std::string process = proc + strf("/%u", found->pid);
  auto fd = open_at(AT_FDCWD, process + "/ns/net", O_RDONLY);
  if (!fd) return fd.error();
  // Whose number it was until the descriptor was there is told by looking again.
  const auto again = find_any_container(found->id);
  const bool same = again && again->pid == found->pid && is_of(found->id, process) &&
                    (!found->engine || (again->engine && again->engine->started_at == found->engine->started_at));
  if (!same) return conflict(found->name + " was started anew just now");
  struct stat seen{};
  if (::fstat(fd->get(), &seen) != 0) return errno_error(errno, process);
  const auto own = inode_of(proc + "/self/ns/net");
  if (!own || *own == seen.st_ino) return conflict(found->name + " has the host's own network, which is not cut");
  const int others = others_in(seen.st_ino, found->id, proc);
  return ContainerNetns{std::move(*found), std::move(*fd), seen.st_ino, others};
}

Status enter(const ContainerNetns& netns) {
  if (::setns(netns.fd.get(), CLONE_NEWNET) != 0) return errno_error(errno, "setns");
  return ok();
}

}  // namespace hostmedic
