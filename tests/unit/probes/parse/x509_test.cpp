// SPDX-License-Identifier: Apache-2.0
#include "agent/base/x509.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "x509_samples.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[4096];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, got);
  (void)::pclose(pipe);
  return text;
}

std::string element(char tag, const std::string& value) {
  std::string bytes(1, tag);
  if (value.size() >= 128) bytes += '\x81';
  return bytes + static_cast<char>(value.size()) + value;
}
std::string name(const std::string& text) {
  return element('\x30', element('\x31', element('\x30', element('\x06', "\x55\x04\x03") + element('\x0c', text))));
}
// As much of a certificate as is read.
std::string certificate(const std::string& validity, const std::string& common = "a.example") {
  return element('\x30', element('\x30', element('\x02', "\x01") + element('\x30', "") + name("CA") +
                                             element('\x30', validity) + name(common)));
}
std::string utc(const std::string& text) { return element('\x17', text); }
std::string generalized(const std::string& text) { return element('\x18', text); }

}  // namespace

TEST_CASE("x509: a certificate as openssl makes it") {
  for (const std::string& text : {std::string(kCertificatePem), "Bag Attributes\n" + std::string(kCertificatePem) +
                                                                    "-----BEGIN PRIVATE KEY-----\nx\n"}) {
    const auto certificate = parse_certificate_pem(text);
    REQUIRE(certificate);
    CHECK(certificate->subject == "www.example.org");
    CHECK(certificate->issuer == "www.example.org");
    CHECK(format_utc(certificate->not_before) == kCertificateNotBefore);
    CHECK(format_utc(certificate->not_after) == kCertificateNotAfter);
  }
}

TEST_CASE("x509: certificates that openssl makes now") {
  if (output_of("openssl version 2>/dev/null").empty()) {
    MESSAGE("skipped: not here, because openssl is not installed");
    return;
  }
  struct {
    std::string options, subject, issuer;
  } const kCases[] = {
      {"-newkey rsa:2048 -subj /CN=rsa.example -days 1", "rsa.example", "rsa.example"},
      {"-newkey ed25519 -subj /O=Firm -addext subjectAltName=IP:127.0.0.1,DNS:alt.example,DNS:b -days 9000",
       "alt.example", "Firm"},
      {"-newkey ed25519 -subj / -days 40000", "", ""},
      {"-newkey ed25519 -utf8 -subj /CN=b\xc3\xbc"
       "cher.example -days 2",
       "b\xc3\xbc"
       "cher.example",
       "b\xc3\xbc"
       "cher.example"},
  };
  for (const auto& one : kCases) {
    CAPTURE(one.options);
    const std::string pem = output_of("openssl req -x509 -nodes -keyout /dev/null " + one.options + " 2>/dev/null");
    const auto certificate = parse_certificate_pem(pem);
    REQUIRE(certificate);
    CHECK(certificate->subject == one.subject);
    CHECK(certificate->issuer == one.issuer);
    CHECK(certificate->not_after > certificate->not_before);
  }
}

TEST_CASE("x509: times") {
  const auto ends = [](const std::string& last) {
    const auto parsed = parse_certificate_der(certificate(utc("200101000000Z") + last));
    return parsed ? format_utc(parsed->not_after) : "refused";
  };
  CHECK(ends(utc("491231235959Z")) == "2049-12-31T23:59:59.000Z");
  CHECK(ends(utc("700101000000Z")) == "1970-01-01T00:00:00.000Z");
  CHECK(ends(generalized("20500229000000Z")) == "refused");
  CHECK(ends(generalized("20520229000001Z")) == "2052-02-29T00:00:01.000Z");
  CHECK(parse_certificate_der(certificate(utc("200101000000Z") + generalized("99991231235959Z")))->not_after ==
        WallTime::max());
  for (const std::string& bad :
       {utc("2001010000Z"), utc("200101000000"), utc("201301000000Z"), utc("200100000000Z"), utc("200101240000Z"),
        utc("200101006000Z"), utc("2001010000-1Z"), generalized("200101000000Z"), utc(""), element('\x04', "x"),
        generalized("00000101000000Z").substr(0, 5)})
    CHECK(ends(bad) == "refused");
}

TEST_CASE("x509: lengths that are not DER") {
  const std::string good = certificate(utc("200101000000Z") + utc("300101000000Z"));
  REQUIRE(parse_certificate_der(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(!parse_certificate_der(std::string_view(good).substr(0, size)));
  }
  CHECK(!parse_certificate_der(std::string("\x30\x80\x00\x00", 4)));          // indefinite
  CHECK(!parse_certificate_der(std::string("\x30\x81\x01\x00", 4)));          // longer than needed
  CHECK(!parse_certificate_der(std::string("\x30\x84\x7f\xff\xff\xff", 6)));  // too long
  CHECK(!parse_certificate_der(std::string("\x3f\x01\x00", 3)));              // a tag of several bytes
  const std::string hostile = certificate(utc("200101000000Z") + utc("300101000000Z"), "a\x1b[31m\n");
  CHECK(parse_certificate_der(hostile)->subject == "a?[31m?");
}

TEST_CASE("x509: PEM that is none") {
  CHECK(parse_certificate_pem("").error().code == ErrorCode::not_found);
  CHECK(parse_certificate_pem("-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n").error().code ==
        ErrorCode::not_found);
  CHECK(!parse_certificate_pem("-----BEGIN CERTIFICATE-----\nMIIB"));
  CHECK(!parse_certificate_pem("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"));
  CHECK(!parse_certificate_pem("-----BEGIN CERTIFICATE-----\nM%IB\n-----END CERTIFICATE-----\n"));
  CHECK(!parse_certificate_pem("-----BEGIN CERTIFICATE-----\nMI=IB\n-----END CERTIFICATE-----\n"));
}
