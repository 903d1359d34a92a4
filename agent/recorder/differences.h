// SPDX-License-Identifier: Apache-2.0
// What another configuration would have done, in plain words. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/recorder/play.h"

namespace hostmedic {

struct WouldHave {
  std::string incident;                  // id, of the recording where it had one
  std::string what;                      // "service.failed of service:nginx.service"
  std::vector<std::string> differences;  // "would have opened 3s later"
};
// By the time of the incidents; only those that differ. At most kMostWouldHave.
std::vector<WouldHave> differences(const std::map<std::string, PlayedIncident>& recorded,
                                   const std::map<std::string, PlayedIncident>& other);
inline constexpr std::size_t kMostWouldHave = 200;

}  // namespace hostmedic
