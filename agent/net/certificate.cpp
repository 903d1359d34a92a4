// SPDX-License-Identifier: Apache-2.0
#include "agent/net/certificate.h"

#include <arpa/inet.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/sha256.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/net/mbedtls_parts.h"

namespace hostmedic {
namespace {

constexpr std::size_t kTextLimit = 256;
constexpr std::size_t kNameLimit = 64;

std::string hex(const unsigned char* data, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    text += kDigits[data[i] >> 4];
    text += kDigits[data[i] & 15];
  }
  return text;
}

std::string_view bytes_of(const mbedtls_asn1_buf& buf) {
  return {static_cast<const char*>(static_cast<const void*>(buf.p)), buf.len};
}

std::string common_name(const mbedtls_x509_name& first) {
  for (const mbedtls_x509_name* name = &first; name != nullptr; name = name->next)
    if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &name->oid) == 0) return printable(bytes_of(name->val), kTextLimit);
  return {};
}

WallTime to_wall(const mbedtls_x509_time& t) {
  std::tm tm{};
  tm.tm_year = t.year - 1900;
  tm.tm_mon = t.mon - 1;
  tm.tm_mday = t.day;
  tm.tm_hour = t.hour;
  tm.tm_min = t.min;
  tm.tm_sec = t.sec;
  // A certificate may name the year 9999, which is beyond 64-bit nanoseconds.
  const std::time_t seconds = std::clamp<std::time_t>(::timegm(&tm), 0, 9'000'000'000);
  return WallTime(std::chrono::seconds(seconds));
}

constexpr int kTagDns = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2;
constexpr int kTagAddress = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7;

std::string address_text(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = bytes.size() == 16 ? AF_INET6 : AF_INET;
  if (bytes.size() != 4 && bytes.size() != 16) return "?";
  if (::inet_ntop(family, bytes.data(), text, sizeof text) == nullptr) return "?";
  return text;
}

}  // namespace

Status MbedRandom::seed() {
#if MBEDTLS_VERSION_MAJOR >= 3
  // TLS 1.3 computes through PSA. Repeated calls are allowed.
  if (psa_crypto_init() != PSA_SUCCESS) return make_error(ErrorCode::io, "cannot start the crypto library");
#endif
  const int failed = mbedtls_ctr_drbg_seed(drbg_.get(), mbedtls_entropy_func, entropy_.get(), nullptr, 0);
  if (failed != 0) return mbed_error(failed, "cannot seed the random generator");
  return ok();
}

Error mbed_error(int code, std::string_view what) {
  char text[160] = "";
  mbedtls_strerror(code, text, sizeof text);
  return make_error(ErrorCode::malformed, std::string(what) + ": " + text);
}

Status parse_certificates(const std::string& text, mbedtls_x509_crt* out) {
  // PEM input must include its final NUL; DER must not.
  const bool pem = text.find("-----BEGIN") != std::string::npos;
  const auto* data = static_cast<const unsigned char*>(static_cast<const void*>(text.c_str()));
  const int failed = mbedtls_x509_crt_parse(out, data, text.size() + (pem ? 1 : 0));
  if (failed < 0) return mbed_error(failed, "not a certificate");
  if (failed > 0) return make_error(ErrorCode::malformed, strf("%d certificates cannot be read", failed));
  return ok();
}

Status parse_key(const std::string& text, mbedtls_pk_context* out, [[maybe_unused]] MbedRandom& random) {
  const bool pem = text.find("-----BEGIN") != std::string::npos;
  const auto* data = static_cast<const unsigned char*>(static_cast<const void*>(text.c_str()));
  const std::size_t size = text.size() + (pem ? 1 : 0);
#if MBEDTLS_VERSION_MAJOR >= 3
  const int failed = mbedtls_pk_parse_key(out, data, size, nullptr, 0, mbedtls_ctr_drbg_random, random.get());
#else
  const int failed = mbedtls_pk_parse_key(out, data, size, nullptr, 0);
#endif
  if (failed != 0) return mbed_error(failed, "not a private key");
  return ok();
}

Status check_key_matches(const mbedtls_x509_crt& certificate, const mbedtls_pk_context& key,
                         [[maybe_unused]] MbedRandom& random) {
#if MBEDTLS_VERSION_MAJOR >= 3
  const int failed = mbedtls_pk_check_pair(&certificate.pk, &key, mbedtls_ctr_drbg_random, random.get());
#else
  const int failed = mbedtls_pk_check_pair(&certificate.pk, &key);
#endif
  if (failed != 0) return make_error(ErrorCode::malformed, "the private key does not belong to the certificate");
  return ok();
}

CertificateInfo describe(const mbedtls_x509_crt& certificate) {
  CertificateInfo info;
  info.common_name = common_name(certificate.subject);
  info.issuer = common_name(certificate.issuer);
  for (const mbedtls_x509_sequence* item = &certificate.subject_alt_names; item != nullptr; item = item->next) {
    if (info.names.size() == kNameLimit) break;
    if (item->buf.tag == kTagDns) info.names.push_back(printable(bytes_of(item->buf), kTextLimit));
    if (item->buf.tag == kTagAddress) info.names.push_back(address_text(bytes_of(item->buf)));
  }
  info.serial = hex(certificate.serial.p, certificate.serial.len);
  std::array<unsigned char, 32> digest{};
#if MBEDTLS_VERSION_MAJOR >= 3
  const int failed = mbedtls_sha256(certificate.raw.p, certificate.raw.len, digest.data(), 0);
#else
  const int failed = mbedtls_sha256_ret(certificate.raw.p, certificate.raw.len, digest.data(), 0);
#endif
  if (failed == 0) info.fingerprint = hex(digest.data(), digest.size());
  info.not_before = to_wall(certificate.valid_from);
  info.not_after = to_wall(certificate.valid_to);
  info.authority = certificate.HM_MBED_FIELD(ca_istrue) != 0;
  return info;
}

bool has_address(const mbedtls_x509_crt& certificate, const std::string& address) {
  std::array<char, 16> wanted{};
  std::size_t size = 0;
  if (::inet_pton(AF_INET, address.c_str(), wanted.data()) == 1) size = 4;
  if (size == 0 && ::inet_pton(AF_INET6, address.c_str(), wanted.data()) == 1) size = 16;
  if (size == 0) return false;
  const std::string_view bytes(wanted.data(), size);
  for (const mbedtls_x509_sequence* item = &certificate.subject_alt_names; item != nullptr; item = item->next)
    if (item->buf.tag == kTagAddress && bytes_of(item->buf) == bytes) return true;
  return false;
}

Result<std::vector<CertificateInfo>> describe_certificates(const std::string& path) {
  auto text = read_file(path, mib(1));
  if (!text) return std::move(text).error();
  MbedCertificate certificate;
  auto parsed = parse_certificates(*text, certificate.get());
  if (!parsed) return std::move(parsed).error().in(path);
  std::vector<CertificateInfo> found;
  for (const mbedtls_x509_crt* one = certificate.get(); one != nullptr; one = one->next)
    found.push_back(describe(*one));
  return found;
}

Result<CertificateInfo> describe_certificate(const std::string& path) {
  auto found = describe_certificates(path);
  if (!found) return std::move(found).error();
  return std::move(found->front());
}

}  // namespace hostmedic
