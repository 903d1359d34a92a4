// SPDX-License-Identifier: Apache-2.0
// A private certificate authority in a few functions: EC P-256 keys, random serial numbers, no files and no openssl
// needed. Nothing here reads a clock: the caller says when a certificate is valid. Any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct Validity {
  WallTime from, until;
};
// From one hour before now (hosts' clocks differ) for that many days. Negative days give a certificate that expired
// that many days ago.
Validity valid_days(WallTime now, int days);
inline constexpr int kAuthorityDays = 3650;

// A certificate and its private key, both as PEM text.
struct KeyPair {
  std::string certificate_pem;
  std::string key_pem;
};

// Makes a self-signed authority. name: 1-64 characters of letters, digits, blank and "._-:".
Result<KeyPair> make_authority(const std::string& name, Validity validity);

struct ServerRequest {
  std::string name;  // common name; same characters as above
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;  // IPv4 or IPv6 literals
};
// At least one DNS name or address, at most 64 together. Clients check these and not the common name.
Result<KeyPair> issue_server(const KeyPair& authority, const ServerRequest& request, Validity validity);
// name is the host's name; the receiver knows the host by it.
Result<KeyPair> issue_client(const KeyPair& authority, const std::string& name, Validity validity);

// Self-signed, and no authority: whoever wants to trust this person lists the certificate itself.
Result<KeyPair> make_person(const std::string& name, Validity validity);

// Replaces both files atomically; the key with mode 0600, the certificate with 0644.
Status write_key_pair(const KeyPair& pair, const std::string& certificate_path, const std::string& key_path);

}  // namespace hostmedic
