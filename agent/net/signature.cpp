// SPDX-License-Identifier: Apache-2.0
#include "agent/net/signature.h"

#include <mbedtls/sha256.h>

#include <array>

#include "agent/base/text.h"
#include "agent/net/mbedtls_parts.h"

namespace hostmedic {
namespace {

using Digest = std::array<unsigned char, 32>;
using Bits = std::array<unsigned char, MBEDTLS_PK_SIGNATURE_MAX_SIZE>;

Result<Digest> digest_of(std::string_view text) {
  Digest digest{};
  const auto* bytes = static_cast<const unsigned char*>(static_cast<const void*>(text.data()));
#if MBEDTLS_VERSION_MAJOR >= 3
  const int failed = mbedtls_sha256(bytes, text.size(), digest.data(), 0);
#else
  const int failed = mbedtls_sha256_ret(bytes, text.size(), digest.data(), 0);
#endif
  if (failed != 0) return mbed_error(failed, "SHA-256");
  return digest;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// How many bytes there are; 0: it is not hex, or too long.
std::size_t from_hex(std::string_view text, Bits& out) {
  if (text.size() % 2 != 0 || text.size() / 2 > out.size()) return 0;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return 0;
    out[i / 2] = static_cast<unsigned char>(high * 16 + low);
  }
  return text.size() / 2;
}

}  // namespace

Result<std::string> sign_text(std::string_view text, const std::string& key_pem) {
  MbedRandom random;
  if (Status seeded = random.seed(); !seeded) return std::move(seeded).error();
  MbedKey key;
  if (Status parsed = parse_key(key_pem, key.get(), random); !parsed) return std::move(parsed).error();
  const auto digest = digest_of(text);
  if (!digest) return digest.error();
  Bits bits{};
  std::size_t size = 0;
#if MBEDTLS_VERSION_MAJOR >= 3
  const int failed = mbedtls_pk_sign(key.get(), MBEDTLS_MD_SHA256, digest->data(), digest->size(), bits.data(),
                                     bits.size(), &size, mbedtls_ctr_drbg_random, random.get());
#else
  const int failed = mbedtls_pk_sign(key.get(), MBEDTLS_MD_SHA256, digest->data(), digest->size(), bits.data(), &size,
                                     mbedtls_ctr_drbg_random, random.get());
#endif
  if (failed != 0) return mbed_error(failed, "cannot sign");
  std::string hex;
  for (std::size_t i = 0; i < size; ++i) hex += strf("%02x", bits[i]);
  return hex;
}

Result<CertificateInfo> who_signed(const Signature& signature, const std::string& trusted_pem, WallTime now) {
#if MBEDTLS_VERSION_MAJOR >= 3
  if (psa_crypto_init() != PSA_SUCCESS) return make_error(ErrorCode::io, "cannot start the crypto library");
#endif
  MbedCertificate trusted;
  if (Status parsed = parse_certificates(trusted_pem, trusted.get()); !parsed) return std::move(parsed).error();
  mbedtls_x509_crt* one = trusted.get();
  CertificateInfo who;
  for (; one != nullptr; one = one->next)
    if (who = describe(*one); !who.fingerprint.empty() && who.fingerprint == signature.signer) break;
  if (one == nullptr)
    return make_error(ErrorCode::denied, "certificate " + printable(signature.signer, 12) + " is not among them");
  if (now < who.not_before || now >= who.not_after)
    return make_error(ErrorCode::denied, "the certificate of " + who.common_name + " is not valid now");
  const auto digest = digest_of(signature.text);
  if (!digest) return digest.error();
  Bits bits{};
  const std::size_t size = from_hex(signature.signature, bits);
  if (size == 0 ||
      mbedtls_pk_verify(&one->pk, MBEDTLS_MD_SHA256, digest->data(), digest->size(), bits.data(), size) != 0)
    return make_error(ErrorCode::denied, "not what " + who.common_name + " signed");
  return who;
}

}  // namespace hostmedic
