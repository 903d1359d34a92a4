// SPDX-License-Identifier: Apache-2.0
// nftables through its own program, with scripts made of checked values only. All that is ours lies in the table
// "inet hostmedic" and carries a label. The network namespace is that of the calling thread. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "actions/action.h"

namespace hostmedic {

// Applies the script as one transaction: all of it or nothing. unsupported: nft is not installed. io: it refused.
Status run_nft(const std::string& script);
// What `nft -j list` says of our table; not_found: there is none.
Result<std::string> list_nft();

// unsupported: the program is not there, which the package "nftables" brings.
Status nft_is_there();

// "hostmedic order KEY", of the order in whose unit this process runs; "hostmedic" outside of one.
std::string nft_label();

// What `nft -j list` said of our rules. Pure.
struct NftCounts {
  int rules = 0;
  std::uint64_t packets = 0;  // of the rules that cut
};
Result<NftCounts> parse_nft_counts(std::string_view json);
// The first label of a rule of a chain; nullopt: the chain is not there, or has none.
std::optional<std::string> nft_chain_label(std::string_view json, std::string_view chain);
// Whether a table, a chain or a set of that name is in it.
bool nft_has(std::string_view json, std::string_view kind, std::string_view name);
// Elements of the set; 0: it is empty, or is not there.
std::size_t nft_set_size(std::string_view json, std::string_view name);

// The comment of an element of a set, "" without one; nullopt: the set or the element is not there.
std::optional<std::string> nft_element_label(std::string_view json, std::string_view set, std::string_view value);

// A detail of the order that is taken back; empty: it has none of that name.
std::string_view detail_of(std::span<const Attribute> was, std::string_view key);

// The lines of a set that holds both families for so long (zero: for ever). A rule "meta nfproto @NAME ... drop" then
// ends by the kernel's own clock, whatever became of us.
std::string timer_set(std::string_view name, std::chrono::seconds lasts);

}  // namespace hostmedic
