// SPDX-License-Identifier: Apache-2.0
// What matters of a certificate for those who operate it: whom it is for, who signed it, and how long it is valid.
// Reads just enough of X.509 (DER) and of its wrapping in text (PEM, RFC 7468); checks no signature. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct Certificate {
  std::string subject;  // its common name, else its first alternative DNS name, else empty
  std::string issuer;   // common name, else organization, else empty
  WallTime not_before, not_after;
  bool operator==(const Certificate&) const = default;
};

// malformed: lengths that do not fit, indefinite or overlong ones, a time that is none.
Result<Certificate> parse_certificate_der(std::string_view der);
// The first certificate of a PEM file: that of the server, which comes before those that signed it.
// not_found: the text holds none.
Result<Certificate> parse_certificate_pem(std::string_view text);

}  // namespace hostmedic
