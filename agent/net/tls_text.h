// SPDX-License-Identifier: Apache-2.0
// Private to this folder: what went wrong with TLS, in words an administrator can act on. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/net/certificate.h"

namespace hostmedic {

// flags: MBEDTLS_X509_BADCERT_*; depth 0 is the peer's own certificate; wanted is empty on a server.
std::string certificate_complaint(std::uint32_t flags, const CertificateInfo& info, int depth,
                                  const std::string& wanted);
// number: of a fatal TLS alert that the peer sent.
std::string alert_text(unsigned number);
// first: the first bytes a peer sent, at least one. Empty if they may be TLS.
std::string not_tls_text(std::string_view first);

}  // namespace hostmedic
