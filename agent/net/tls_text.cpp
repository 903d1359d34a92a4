// SPDX-License-Identifier: Apache-2.0
#include "agent/net/tls_text.h"

#include <mbedtls/ssl.h>
#include <mbedtls/x509.h>

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic {

std::string certificate_complaint(std::uint32_t flags, const CertificateInfo& info, int depth,
                                  const std::string& wanted) {
  std::string what = "certificate";
  if (depth > 0) what = "authority's certificate '" + info.common_name + "'";
  std::vector<std::string> found;
  const auto take = [&](std::uint32_t flag, std::string text) {
    if ((flags & flag) == 0) return;
    flags &= ~flag;
    found.push_back(std::move(text));
  };
  take(MBEDTLS_X509_BADCERT_EXPIRED, what + " expired on " + format_utc(info.not_after));
  take(MBEDTLS_X509_BADCERT_FUTURE, what + " is not valid before " + format_utc(info.not_before));
  take(MBEDTLS_X509_BADCERT_REVOKED, what + " was revoked");
  take(MBEDTLS_X509_BADCERT_NOT_TRUSTED, what + " is signed by another authority ('" + info.issuer + "')");
  std::string names = join(info.names, ", ");
  if (names.empty()) names = info.common_name;
  take(MBEDTLS_X509_BADCERT_CN_MISMATCH,
       "name mismatch: wanted " + printable(wanted, 256) + ", certificate is for " + names);
  take(MBEDTLS_X509_BADCERT_MISSING, "peer sent no certificate");
  take(MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, what + " was issued for another purpose");
  take(MBEDTLS_X509_BADCERT_KEY_USAGE, what + " was issued for another use of its key");
  if (flags != 0) found.push_back(strf("%s is not acceptable (flags 0x%x)", what.c_str(), flags));
  return join(found, "; ");
}

std::string alert_text(unsigned number) {
  switch (number) {
    case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA: return "peer rejected our certificate: signed by another authority";
    case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED: return "peer rejected our certificate: expired, or not yet valid";
    case MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED: return "peer rejected our certificate: revoked";
    case MBEDTLS_SSL_ALERT_MSG_NO_CERT:
    case 116: return "peer rejected us: it wants a certificate and we have none";
    case MBEDTLS_SSL_ALERT_MSG_BAD_CERT:
    case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
    case MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN:
    case MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED: return strf("peer rejected our certificate (alert %u)", number);
    case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE:
      return "peer refused the handshake: it wants a certificate, or we share no cipher with it";
    case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION: return "peer refused the handshake: no common TLS version";
    case MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME: return "peer refused the handshake: it does not serve that name";
    default: return strf("peer sent TLS alert %u", number);
  }
}

std::string not_tls_text(std::string_view first) {
  // Types of TLS records: change-cipher-spec, alert, handshake, application data.
  if (first[0] >= 0x14 && first[0] <= 0x17) return {};
  const bool text = std::all_of(first.begin(), first.end(),
                                [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n' || c == '\t'; });
  if (text) return "peer speaks plain text, not TLS (it sent '" + printable(first, 16) + "')";
  return "peer does not speak TLS";
}

}  // namespace hostmedic
