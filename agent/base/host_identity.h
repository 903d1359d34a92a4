// SPDX-License-Identifier: Apache-2.0
// Who this host is. Read once, when it is first asked.
#pragma once

#include <string>

namespace hostmedic {

struct HostIdentity {
  std::string id;       // machine-id; the boot id where there is none, so that two such hosts still differ
  std::string name;     // host name
  std::string boot_id;  // changes with each boot
};
const HostIdentity& host_identity();

}  // namespace hostmedic
