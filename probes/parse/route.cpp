// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/route.h"

#include <algorithm>
#include <cstring>

#include "probes/parse/lines.h"

namespace hostmedic {
namespace {

constexpr std::uint64_t kUp = 1, kGateway = 2;  // RTF_UP, RTF_GATEWAY

void add(std::string_view interface, std::string address, std::vector<Gateway>& gateways) {
  Gateway gateway{std::string(interface), std::move(address)};
  if (gateway.interface.empty() || gateways.size() >= kMostGateways) return;
  if (std::find(gateways.begin(), gateways.end(), gateway) == gateways.end()) gateways.push_back(std::move(gateway));
}

// 32 hexadecimal digits.
std::string address_v6(std::string_view digits) {
  std::string address;
  if (digits.size() != 32) return address;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const auto byte = parse_u64(digits.substr(i, 2), 16);
    if (!byte) return {};
    address += static_cast<char>(*byte);
  }
  return address;
}

}  // namespace

Result<std::vector<Gateway>> parse_gateways_v4(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  std::vector<Gateway> gateways;
  TextCursor cursor(text);
  (void)cursor.line();  // the heading
  while (!cursor.at_end()) {
    TextCursor line(cursor.line());
    const std::string_view interface = line.word(), destination = line.word(), gateway = line.word();
    const auto flags = parse_u64(line.word(), 16);
    for (int skipped = 0; skipped < 3; ++skipped) (void)line.word();  // reference count, use, metric
    const std::string_view mask = line.word();
    const auto address = parse_u64(gateway, 16);
    if (destination != "00000000" || mask != "00000000" || !flags || !address || gateway.size() != 8) continue;
    if ((*flags & (kUp | kGateway)) != (kUp | kGateway)) continue;
    // Printed as a number of the machine, stored in the order of the network.
    const auto number = static_cast<std::uint32_t>(*address);
    std::string bytes(sizeof number, '\0');
    std::memcpy(bytes.data(), &number, sizeof number);
    add(interface, std::move(bytes), gateways);
  }
  return gateways;
}

Result<std::vector<Gateway>> parse_gateways_v6(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  std::vector<Gateway> gateways;
  TextCursor cursor(text);
  while (!cursor.at_end()) {
    TextCursor line(cursor.line());
    const std::string_view destination = line.word(), length = line.word();
    for (int skipped = 0; skipped < 2; ++skipped) (void)line.word();  // source and its length
    std::string address = address_v6(line.word());
    for (int skipped = 0; skipped < 3; ++skipped) (void)line.word();  // metric, reference count, use
    const auto flags = parse_u64(line.word(), 16);
    const std::string_view interface = line.word();
    if (length != "00" || destination.find_first_not_of('0') != std::string_view::npos || !flags || address.empty())
      continue;
    if ((*flags & (kUp | kGateway)) == (kUp | kGateway)) add(interface, std::move(address), gateways);
  }
  return gateways;
}

}  // namespace hostmedic
