// SPDX-License-Identifier: Apache-2.0
#include "agent/base/host_identity.h"

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

}  // namespace hostmedic
