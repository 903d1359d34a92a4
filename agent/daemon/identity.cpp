// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/identity.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>

#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

std::string first_line(const std::string& path) {
  auto text = read_file(path, kib(4));
  return text ? printable(trim(*text), 64) : std::string();
}

HostIdentity read_identity() {
  HostIdentity identity;
  identity.boot_id = first_line("/proc/sys/kernel/random/boot_id");
  identity.id = first_line("/etc/machine-id");
  if (identity.id.empty() || identity.id == "uninitialized") identity.id = identity.boot_id;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) identity.name = printable(name.data(), 253);
  if (identity.name.empty()) identity.name = identity.id;
  return identity;
}

}  // namespace

const HostIdentity& host_identity() {
  static const HostIdentity identity = read_identity();
  return identity;
}

std::string user_name(unsigned uid) {
  const passwd* found = ::getpwuid(uid);
  return found == nullptr ? std::string() : printable(found->pw_name, 64);
}

int group_id(const std::string& name) {
  const group* found = ::getgrnam(name.c_str());
  return found == nullptr ? -1 : static_cast<int>(found->gr_gid);
}

unsigned user_id(const std::string& name) {
  const passwd* found = ::getpwnam(name.c_str());
  return found == nullptr ? static_cast<unsigned>(-1) : found->pw_uid;
}

}  // namespace hostmedic
