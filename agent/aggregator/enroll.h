// SPDX-License-Identifier: Apache-2.0
// `init`, `enroll` and `approver`: a private authority, the server's certificate, one bundle file per host, and a
// certificate with its key for a person. Blocking; for the command line only.
//
// A bundle is TOML with four texts: url, ca, certificate, key (PEM). It holds a private key: mode 0600.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

inline constexpr int kServerDays = 825, kClientDays = 825, kApproverDays = 825;

struct InitRequest {
  std::string dir;                 // gets ca.crt, ca.key, server.crt, server.key
  std::string name;                // of this machine, as hosts reach it
  std::vector<std::string> names;  // further DNS names or IP addresses in the server's certificate
  std::string service_user;        // may read the server's key, if such a user exists; empty: nobody else
};
// conflict when the folder has an authority already: a new one would lock all hosts out.
Status init_authority(const InitRequest& request, WallTime now);

struct EnrollRequest {
  std::string dir;   // of init
  std::string host;  // what the host calls itself
  std::string url;   // "https://name:port"; empty: the server's name with port 4318
  std::string out;   // file to write; refused when it exists
};
// Returns the url that was written.
Result<std::string> enroll_host(const EnrollRequest& request, WallTime now);

// Writes out.crt and out.key; conflict when one exists. No authority has a hand in it: hosts list the certificate.
Status make_approver(const std::string& name, const std::string& out, WallTime now);

}  // namespace hostmedic
