// SPDX-License-Identifier: Apache-2.0
// Looks for the certificates of this host's servers: files that an administrator names, that the configuration of a web
// server or a proxy names, and that are on the command line of a process. A server reads its certificate once and
// closes it, so open files would not show it. Reads files, which may hang with their filesystem. Any one thread.
#pragma once

#include <string>
#include <vector>

#include "agent/base/x509.h"

namespace hostmedic {

struct FoundCertificate {
  std::string name;  // the path
  Certificate certificate;
  std::vector<std::string> users;  // services that load it, sorted, at most kMostUsers
};
inline constexpr std::size_t kMostUsers = 8;
struct CertificateSearch {
  std::vector<FoundCertificate> found;  // sorted by name, at most kMostCertificatePaths
  bool too_many = false;
};

// patterns: absolute, with '*' within a part of the path. root, proc: directory descriptors.
CertificateSearch search_certificates(int root, int proc, const std::vector<std::string>& patterns);

}  // namespace hostmedic
