// SPDX-License-Identifier: Apache-2.0
#include "probes/source/roots.h"

#include <fcntl.h>

#include "agent/base/file.h"

namespace hostmedic {

Result<Roots> open_roots(const std::string& prefix) {
  Roots roots;
  std::string base = prefix;
  while (base.ends_with('/')) base.pop_back();
  roots.root_path = base.empty() ? "/" : base;
  auto root = open_dir(roots.root_path);
  if (!root) return std::move(root).error();
  roots.root = std::move(*root);
  auto proc = open_dir(base + "/proc");
  if (!proc) return std::move(proc).error();
  roots.proc = std::move(*proc);
  const auto open_optional = [&](const char* path) {
    auto fd = open_dir(base + path);
    return fd ? std::move(*fd) : Fd();
  };
  roots.sys = open_optional("/sys");
  roots.etc = open_optional("/etc");
  roots.run = open_optional("/run");
  return roots;
}

MountView mount_view(const Roots& roots) {
  const std::string base = roots.root_path == "/" ? "" : roots.root_path;
  const auto mounts = open_at(roots.proc.get(), "1/mountinfo", O_RDONLY);
  const auto root = open_at(roots.proc.get(), "1/root/.", O_PATH | O_DIRECTORY);
  if (mounts && root) return {"1/mountinfo", base + "/proc/1/root"};
  return {"self/mountinfo", base};
}

}  // namespace hostmedic
