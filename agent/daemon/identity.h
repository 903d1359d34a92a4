// SPDX-License-Identifier: Apache-2.0
// The numbers of users and groups, and their names.
#pragma once

#include <string>

namespace hostmedic {

std::string user_name(unsigned uid);        // empty: it has none
int group_id(const std::string& name);      // -1: no such group
unsigned user_id(const std::string& name);  // of nobody that may connect when there is no such user

}  // namespace hostmedic
