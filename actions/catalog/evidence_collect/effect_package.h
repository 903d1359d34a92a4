// SPDX-License-Identifier: Apache-2.0
// A stage as a package with its manifest, and the packages that are kept. Their directory is root's own. One thread.
#pragma once

#include <cstdint>
#include <string>

#include "actions/catalog/evidence_collect/effect_stage.h"

namespace hostmedic {

struct Packed {
  std::string path;
  EvidenceManifest manifest;
  std::string manifest_sha256;
};
// name: of the package, without an ending; "tar.zst" where the program zstd is, else "tar.gz". The stage is gone then.
// What was kept before is thinned out afterwards: the oldest go.
Result<Packed> pack(Stage& stage, const std::string& directory, const std::string& name, const std::string& target);

inline constexpr std::size_t kMostPackages = 32;
inline constexpr std::uint64_t kMostPackageBytes = 512ULL << 20;
// The newest always stays. Returns how many were removed.
std::size_t thin_out(const std::string& directory, std::size_t most, std::uint64_t most_bytes);

// Of files, by the program sha256sum, in their order.
Result<std::vector<std::string>> hashes_of(const std::vector<std::string>& paths, Duration most);

}  // namespace hostmedic
