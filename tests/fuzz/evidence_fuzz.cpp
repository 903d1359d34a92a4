// SPDX-License-Identifier: Apache-2.0
// Drives the reader of manifests of evidence and what hides secrets in a command line. Input: a file.
// What must hold: no crash, bounded members, a package that is a file's name, what is read is written again alike.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actions/catalog/evidence_collect/manifest.h"

using namespace hostmedic;

std::vector<std::string> hm_fuzz_seeds() {
  const std::string hash(64, 'a');
  return {to_text({.package = "20261121T204400Z-0123456789abcdef01234567.tar.zst",
                   .bytes = 12345,
                   .sha256 = hash,
                   .previous = "-",
                   .target = "service:nginx.service",
                   .members = {{"journal", 100, hash}},
                   .left_out = {"process/12/stack: read: Permission denied"}}),
          std::string("app\0--password\0x\0url=ftp://a:b@c\0", 32)};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (without_secrets(text).size() > 20 * size + 20) __builtin_trap();
  const auto manifest = parse_manifest(text);
  if (!manifest) return 0;
  if (manifest->members.size() > kMostEvidenceMembers || manifest->package.find('/') != std::string::npos)
    __builtin_trap();
  const auto again = parse_manifest(to_text(*manifest));
  if (!again || to_text(*again) != to_text(*manifest)) __builtin_trap();
  return 0;
}
