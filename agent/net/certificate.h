// SPDX-License-Identifier: Apache-2.0
// What a certificate says, in plain types. Values; any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

// Text fields come from the certificate and are made printable; at most 256 bytes each, at most 64 names.
struct CertificateInfo {
  std::string common_name;         // of the subject; empty if it has none
  std::string issuer;              // common name of the issuer
  std::vector<std::string> names;  // DNS names and IP addresses of the subject alternative names
  std::string serial;              // lower-case hex
  std::string fingerprint;         // SHA-256 of the DER form, 64 lower-case hex digits
  WallTime not_before;
  WallTime not_after;
  bool authority = false;  // may sign other certificates
};

// The certificates of a PEM file, or the one of a DER file, of at most 1 MiB; at least one.
Result<std::vector<CertificateInfo>> describe_certificates(const std::string& path);
// The first of them.
Result<CertificateInfo> describe_certificate(const std::string& path);

}  // namespace hostmedic
