// SPDX-License-Identifier: Apache-2.0
// What lies beside a package of evidence, root's own and in plain text: what is in it and which manifest was before it.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hostmedic {

inline constexpr const char* kEvidenceDirectory = "/var/lib/hostmedic-actuator/evidence";
inline constexpr const char* kEvidenceHead = "head";  // a file with the hash of the newest manifest
inline constexpr std::string_view kManifestEnding = ".manifest";
inline constexpr std::size_t kMostManifest = 512 << 10;
inline constexpr std::size_t kMostEvidenceMembers = 2000;

struct EvidenceMember {
  std::string name;
  std::uint64_t bytes = 0;
  std::string sha256;
  bool operator==(const EvidenceMember&) const = default;
};

// Hashes are 64 lower-case hex digits.
struct EvidenceManifest {
  std::string package;  // its file name
  std::uint64_t bytes = 0;
  std::string sha256;
  std::string previous;  // hash of the manifest before it, "-" for none
  std::string target;
  std::vector<EvidenceMember> members;
  std::vector<std::string> left_out;  // "maps of 12: cut at 1.0MiB"
};

std::string to_text(const EvidenceManifest& manifest);
Result<EvidenceManifest> parse_manifest(std::string_view text);

// "20261121T204400Z-0123456789abcdef01234567": a package's name without its ending, by time and order key.
bool is_package_name(std::string_view name);
bool is_sha256(std::string_view text);

// The arguments of a process, which NUL bytes end, one a line. What looks like a secret is not told: the value of an
// option named so, and the password in a URL.
std::string without_secrets(std::string_view command_line);

}  // namespace hostmedic
