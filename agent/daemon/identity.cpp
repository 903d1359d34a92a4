// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/identity.h"

#include <grp.h>
#include <pwd.h>

#include "agent/base/text.h"

namespace hostmedic {

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
