// SPDX-License-Identifier: Apache-2.0
// A person's signature: SHA-256 by the key of a certificate. What has to be looked up is a list of certificates, as one
// PEM text, that somebody trusts one by one; no authority is asked. No state; any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/net/certificate.h"

namespace hostmedic {

// Lower-case hex. key_pem: a private key without a passphrase.
Result<std::string> sign_text(std::string_view text, const std::string& key_pem);

struct Signature {
  std::string_view text;       // what was signed
  std::string signer;          // the certificate's SHA-256, hex
  std::string_view signature;  // hex
};
// Who signed, by the list. denied: nobody on it, one whose certificate is not valid now, or another text was signed.
Result<CertificateInfo> who_signed(const Signature& signature, const std::string& trusted_pem, WallTime now);

}  // namespace hostmedic
