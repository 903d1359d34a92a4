// SPDX-License-Identifier: Apache-2.0
// Who this host is, and the numbers of users and groups. Read once at start.
#pragma once

#include <string>

namespace hostmedic {

struct HostIdentity {
  std::string id;       // machine-id; the boot id where there is none, so that two such hosts still differ
  std::string name;     // host name
  std::string boot_id;  // changes with each boot
};
const HostIdentity& host_identity();

std::string user_name(unsigned uid);        // empty: it has none
int group_id(const std::string& name);      // -1: no such group
unsigned user_id(const std::string& name);  // of nobody that may connect when there is no such user

}  // namespace hostmedic
