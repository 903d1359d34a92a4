// SPDX-License-Identifier: Apache-2.0
#include "agent/net/digest.h"

#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#include <array>

namespace hostmedic {

Result<std::string> sha256_hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, 32> digest{};
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
#if MBEDTLS_VERSION_MAJOR >= 3
  const int failed = mbedtls_sha256(bytes, text.size(), digest.data(), 0);
#else
  const int failed = mbedtls_sha256_ret(bytes, text.size(), digest.data(), 0);
#endif
  if (failed != 0) return make_error(ErrorCode::unsupported, "SHA-256 failed");
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace hostmedic
