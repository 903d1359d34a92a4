// SPDX-License-Identifier: Apache-2.0
#include "agent/net/authority.h"

#include <arpa/inet.h>
#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/net/mbedtls_parts.h"

namespace hostmedic {
namespace {

using CertificateWriter = MbedOwned<mbedtls_x509write_cert, mbedtls_x509write_crt_init, mbedtls_x509write_crt_free>;

constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kNamesLimit = 64;
constexpr std::size_t kPemLimit = 16384;

const unsigned char* raw(std::string_view bytes) {
  return static_cast<const unsigned char*>(static_cast<const void*>(bytes.data()));
}

bool plain_name(std::string_view name, std::string_view also, std::size_t most) {
  if (name.empty() || name.size() > most) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           also.find(c) != std::string_view::npos;
  });
}

// One DER element with a definite length below 64 KiB.
std::string der(unsigned char tag, std::string_view content) {
  std::string out(1, static_cast<char>(tag));
  const std::size_t size = content.size();
  if (size >= 256) {
    out += '\x82';
    out += static_cast<char>(size >> 8);
  } else if (size >= 128) {
    out += '\x81';
  }
  out += static_cast<char>(size & 0xff);
  return out.append(content);
}
constexpr unsigned char kSequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;

// YYYYMMDDhhmmss, as the library wants it.
Result<std::string> certificate_time(WallTime t) {
  const std::time_t seconds = static_cast<std::time_t>(to_ns(t) / 1'000'000'000);
  std::tm tm{};
  if (seconds < 0 || ::gmtime_r(&seconds, &tm) == nullptr)
    return make_error(ErrorCode::malformed, "a certificate cannot be valid at that time");
  char text[20] = "";
  (void)std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &tm);  // 14 characters always fit
  return std::string(text);
}

// The extension that names whom the certificate is for. mbedTLS 2.28 has no writer for it.
Result<std::string> alternative_names(const ServerRequest& request) {
  const std::size_t count = request.dns_names.size() + request.addresses.size();
  if (count == 0 || count > kNamesLimit)
    return make_error(ErrorCode::malformed, strf("a server certificate needs 1 to %zu names", kNamesLimit));
  std::string names;
  for (const std::string& dns : request.dns_names) {
    if (!plain_name(dns, ".-*_", 253))
      return make_error(ErrorCode::malformed, "not a DNS name: '" + printable(dns, 80) + "'");
    names += der(MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2, dns);
  }
  for (const std::string& address : request.addresses) {
    std::array<char, 16> bytes{};
    std::size_t size = 0;
    if (::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) size = 4;
    if (size == 0 && ::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) size = 16;
    if (size == 0) return make_error(ErrorCode::malformed, "not an IP address: '" + printable(address, 80) + "'");
    names += der(MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7, {bytes.data(), size});
  }
  return der(kSequence, names);
}

Status make_key(mbedtls_pk_context* key, MbedRandom& random) {
  int failed = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
  if (failed == 0)
    failed = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), mbedtls_ctr_drbg_random, random.get());
  if (failed != 0) return mbed_error(failed, "cannot make a key");
  return ok();
}

Status set_serial(mbedtls_x509write_cert* writer, MbedRandom& random) {
  std::array<unsigned char, kSerialBytes> serial{};
  int failed = mbedtls_ctr_drbg_random(random.get(), serial.data(), serial.size());
  // Positive and never with a leading zero byte, so that every tool prints the same digits.
  serial[0] = static_cast<unsigned char>((serial[0] & 0x3f) | 0x40);
#if MBEDTLS_VERSION_MAJOR >= 3
  if (failed == 0) failed = mbedtls_x509write_crt_set_serial_raw(writer, serial.data(), serial.size());
#else
  MbedOwned<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free> number;
  if (failed == 0) failed = mbedtls_mpi_read_binary(number.get(), serial.data(), serial.size());
  if (failed == 0) failed = mbedtls_x509write_crt_set_serial(writer, number.get());
#endif
  if (failed != 0) return mbed_error(failed, "cannot set a serial number");
  return ok();
}

struct Issue {
  std::string subject_name;
  std::string issuer_name;
  Validity validity;
  bool authority = false;
  std::string_view purpose;       // extended key usage, the OID's content bytes; empty for an authority
  std::string alternative_names;  // DER; empty: none
};

Status set_extensions(mbedtls_x509write_cert* writer, const Issue& issue) {
  const unsigned usage =
      issue.authority ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN : MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
  int failed = mbedtls_x509write_crt_set_basic_constraints(writer, issue.authority ? 1 : 0, issue.authority ? 0 : -1);
  if (failed == 0) failed = mbedtls_x509write_crt_set_key_usage(writer, static_cast<unsigned char>(usage));
  if (failed == 0) failed = mbedtls_x509write_crt_set_subject_key_identifier(writer);
  if (failed == 0) failed = mbedtls_x509write_crt_set_authority_key_identifier(writer);
  if (failed == 0 && !issue.purpose.empty()) {
    const std::string usages = der(kSequence, der(MBEDTLS_ASN1_OID, issue.purpose));
    failed = mbedtls_x509write_crt_set_extension(writer, MBEDTLS_OID_EXTENDED_KEY_USAGE,
                                                 MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0, raw(usages),
                                                 usages.size());
  }
  if (failed == 0 && !issue.alternative_names.empty())
    failed = mbedtls_x509write_crt_set_extension(writer, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                                 MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0,
                                                 raw(issue.alternative_names), issue.alternative_names.size());
  if (failed != 0) return mbed_error(failed, "cannot set the extensions");
  return ok();
}

// Signs with issuer_key; subject_key is the key certified.
Result<KeyPair> sign(const Issue& issue, mbedtls_pk_context* subject_key, mbedtls_pk_context* issuer_key,
                     MbedRandom& random) {
  auto from = certificate_time(issue.validity.from);
  auto until = certificate_time(issue.validity.until);
  if (!from) return std::move(from).error();
  if (!until) return std::move(until).error();
  CertificateWriter writer;
  mbedtls_x509write_crt_set_version(writer.get(), MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(writer.get(), MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(writer.get(), subject_key);
  mbedtls_x509write_crt_set_issuer_key(writer.get(), issuer_key);
  int failed = mbedtls_x509write_crt_set_subject_name(writer.get(), issue.subject_name.c_str());
  if (failed == 0) failed = mbedtls_x509write_crt_set_issuer_name(writer.get(), issue.issuer_name.c_str());
  if (failed == 0) failed = mbedtls_x509write_crt_set_validity(writer.get(), from->c_str(), until->c_str());
  if (failed != 0) return mbed_error(failed, "cannot fill the certificate");
  if (auto set = set_serial(writer.get(), random); !set) return std::move(set).error();
  if (auto set = set_extensions(writer.get(), issue); !set) return std::move(set).error();

  KeyPair pair;
  std::array<unsigned char, kPemLimit> pem{};
  const auto text = [&] { return std::string(static_cast<const char*>(static_cast<const void*>(pem.data()))); };
  failed = mbedtls_x509write_crt_pem(writer.get(), pem.data(), pem.size(), mbedtls_ctr_drbg_random, random.get());
  if (failed != 0) return mbed_error(failed, "cannot sign the certificate");
  pair.certificate_pem = text();
  failed = mbedtls_pk_write_key_pem(subject_key, pem.data(), pem.size());
  if (failed == 0) pair.key_pem = text();
  mbedtls_platform_zeroize(pem.data(), pem.size());
  if (failed != 0) return mbed_error(failed, "cannot write the key");
  return pair;
}

Result<std::string> subject_name(const std::string& name) {
  if (!plain_name(name, " ._-:", 64))
    return make_error(
        ErrorCode::malformed,
        "a certificate's name is 1 to 64 letters, digits, blanks or ._-: ; this is '" + printable(name, 80) + "'");
  return "O=Hostmedic,CN=" + name;
}

Result<KeyPair> self_signed(const std::string& name, Validity validity, bool authority) {
  auto subject = subject_name(name);
  if (!subject) return std::move(subject).error();
  MbedRandom random;
  if (auto seeded = random.seed(); !seeded) return std::move(seeded).error();
  MbedKey key;
  if (auto made = make_key(key.get(), random); !made) return std::move(made).error();
  Issue issue{*subject, *subject, validity, authority, {}, {}};
  return sign(issue, key.get(), key.get(), random);
}

Result<KeyPair> issue_with(const KeyPair& authority, Issue issue) {
  MbedRandom random;
  if (auto seeded = random.seed(); !seeded) return std::move(seeded).error();
  MbedCertificate issuer;
  MbedKey issuer_key, key;
  if (auto parsed = parse_certificates(authority.certificate_pem, issuer.get()); !parsed)
    return std::move(parsed).error().in("authority");
  if (auto parsed = parse_key(authority.key_pem, issuer_key.get(), random); !parsed)
    return std::move(parsed).error().in("authority");
  if (auto match = check_key_matches(*issuer.get(), *issuer_key.get(), random); !match)
    return std::move(match).error().in("authority");
  char name[256] = "";
  if (const int failed = mbedtls_x509_dn_gets(name, sizeof name, &issuer->subject); failed < 0)
    return mbed_error(failed, "authority's name");
  // mbedTLS prints "O=a, CN=b" and reads the same form back.
  issue.issuer_name = name;
  if (auto made = make_key(key.get(), random); !made) return std::move(made).error();
  return sign(issue, key.get(), issuer_key.get(), random);
}

}  // namespace

Validity valid_days(WallTime now, int days) {
  const auto until = now + std::chrono::hours(24) * days;
  const auto from = std::min(now, until) - std::chrono::hours(1);
  return {from, until};
}

Result<KeyPair> make_authority(const std::string& name, Validity validity) { return self_signed(name, validity, true); }
Result<KeyPair> make_person(const std::string& name, Validity validity) { return self_signed(name, validity, false); }

Result<KeyPair> issue_server(const KeyPair& authority, const ServerRequest& request, Validity validity) {
  auto subject = subject_name(request.name);
  if (!subject) return std::move(subject).error();
  auto names = alternative_names(request);
  if (!names) return std::move(names).error();
  constexpr std::string_view kServerAuth(MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH));
  return issue_with(authority, {*subject, {}, validity, false, kServerAuth, *names});
}

Result<KeyPair> issue_client(const KeyPair& authority, const std::string& name, Validity validity) {
  auto subject = subject_name(name);
  if (!subject) return std::move(subject).error();
  constexpr std::string_view kClientAuth(MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH));
  return issue_with(authority, {*subject, {}, validity, false, kClientAuth, {}});
}

Status write_key_pair(const KeyPair& pair, const std::string& certificate_path, const std::string& key_path) {
  // The key first: a certificate without its key is the worse half to find after a crash.
  if (auto written = write_file_atomic(key_path, pair.key_pem, 0600); !written) return written;
  return write_file_atomic(certificate_path, pair.certificate_pem, 0644);
}

}  // namespace hostmedic
