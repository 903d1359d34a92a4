// SPDX-License-Identifier: Apache-2.0
// Private to this folder: mbedTLS objects that free themselves, and the differences between 2.28 and 3.x.
#pragma once

#include <mbedtls/version.h>

#if MBEDTLS_VERSION_MAJOR != 2 && MBEDTLS_VERSION_MAJOR != 3
#error "agent/net is written for mbedTLS 2.28 and 3.x; 4.x has another interface for keys and random numbers"
#endif

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/net/certificate.h"

#if MBEDTLS_VERSION_MAJOR >= 3
#include <mbedtls/private_access.h>
#include <psa/crypto.h>
#define HM_MBED_FIELD(name) MBEDTLS_PRIVATE(name)
#else
#define HM_MBED_FIELD(name) name
#endif

namespace hostmedic {

template <class T, void (*init)(T*), void (*release)(T*)>
class MbedOwned {
 public:
  MbedOwned() { init(&value_); }
  ~MbedOwned() { release(&value_); }
  MbedOwned(const MbedOwned&) = delete;
  MbedOwned& operator=(const MbedOwned&) = delete;
  T* get() { return &value_; }
  const T* get() const { return &value_; }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }

 private:
  T value_;
};

using MbedCertificate = MbedOwned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;
using MbedKey = MbedOwned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;

// A seeded random generator. One thread.
class MbedRandom {
 public:
  Status seed();
  mbedtls_ctr_drbg_context* get() { return drbg_.get(); }

 private:
  MbedOwned<mbedtls_entropy_context, mbedtls_entropy_init, mbedtls_entropy_free> entropy_;
  MbedOwned<mbedtls_ctr_drbg_context, mbedtls_ctr_drbg_init, mbedtls_ctr_drbg_free> drbg_;
};

// "what: library's own words".
Error mbed_error(int code, std::string_view what);

// text may be PEM (any number of certificates) or DER; a bundle with one bad certificate is refused.
Status parse_certificates(const std::string& text, mbedtls_x509_crt* out);
Status parse_key(const std::string& text, mbedtls_pk_context* out, MbedRandom& random);
Status check_key_matches(const mbedtls_x509_crt& certificate, const mbedtls_pk_context& key, MbedRandom& random);

CertificateInfo describe(const mbedtls_x509_crt& certificate);
// Whether the certificate carries this IPv4 or IPv6 literal among its alternative names.
bool has_address(const mbedtls_x509_crt& certificate, const std::string& address);

}  // namespace hostmedic
