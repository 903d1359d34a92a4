// SPDX-License-Identifier: Apache-2.0
// The rules that cut a network off but for some places, as lines for nft: for a container's network and for the host's.
// They look at no connection's state, so that what was open is cut too. Pure; any thread.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "actions/catalog/network/address.h"

namespace hostmedic {

struct Cut {
  std::string name;              // "isolate": of the chains and of the timer
  std::string label;             // the comment of the rules that cut
  std::chrono::seconds lasts{};  // 0: until it is taken back
  std::span<const NetPlace> allowed;
  std::string more_in, more_out;  // further rules, before those that cut
};
// Everything with a place without a port; connections to a place with one, and what comes back on them.
std::string cut_rules(const Cut& cut);
// The lines that take it away again.
std::string cut_removal(const std::string& name);
// How many rules of the kernel that makes, timer aside.
int rules_in(std::string_view script);

}  // namespace hostmedic
