// SPDX-License-Identifier: Apache-2.0
#include "agent/net/authority.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "agent/base/file.h"
#include "agent/net/certificate.h"
#include "tests/unit/net/net_support.h"

using namespace hostmedic;
using hostmedic::test::Pki;
using hostmedic::test::TempDir;

namespace {
const WallTime kNow = WallTime(std::chrono::seconds(1'790'000'000));
}

TEST_CASE("an authority is marked as one and lives for ten years") {
  const TempDir dir;
  auto pair = make_authority("Site authority", valid_days(kNow, kAuthorityDays));
  REQUIRE(pair);
  REQUIRE(write_key_pair(*pair, dir / "ca.pem", dir / "ca.key"));
  auto info = describe_certificate(dir / "ca.pem");
  REQUIRE(info);
  CHECK(info->authority);
  CHECK(info->common_name == "Site authority");
  CHECK(info->issuer == "Site authority");
  CHECK(info->not_before == kNow - std::chrono::hours(1));
  CHECK(info->not_after == kNow + std::chrono::hours(24) * 3650);
  CHECK(info->serial.size() == 32);
}

TEST_CASE("a key file can be read by its owner only") {
  const TempDir dir;
  auto pair = make_authority("a", valid_days(kNow, 1));
  REQUIRE(pair);
  REQUIRE(write_file_atomic(dir / "a.key", "older and too open", 0644));
  REQUIRE(write_key_pair(*pair, dir / "a.pem", dir / "a.key"));
  struct stat status{};
  REQUIRE(::stat((dir / "a.key").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(::stat((dir / "a.pem").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0644);
}

TEST_CASE("issued certificates carry names, purpose and dates; serial numbers differ") {
  auto ca = make_authority("ca", valid_days(kNow, 10));
  REQUIRE(ca);
  const TempDir dir;
  std::vector<std::string> many;
  for (int i = 0; i < 40; ++i) many.push_back("a-rather-long-host-name-number-" + std::to_string(i) + ".example.org");
  auto server = issue_server(*ca, {"agg", many, {"10.0.0.1", "2001:db8::5"}}, valid_days(kNow, 5));
  auto client = issue_client(*ca, "web-1.example.org", valid_days(kNow, -2));
  REQUIRE(server);
  REQUIRE(client);
  REQUIRE(write_key_pair(*server, dir / "s.pem", dir / "s.key"));
  REQUIRE(write_key_pair(*client, dir / "c.pem", dir / "c.key"));
  auto s = describe_certificate(dir / "s.pem");
  auto c = describe_certificate(dir / "c.pem");
  REQUIRE(s);
  REQUIRE(c);
  many.push_back("10.0.0.1");
  many.push_back("2001:db8::5");
  CHECK(s->names == many);  // more than 255 bytes of names: the long form of DER lengths
  CHECK(!s->authority);
  CHECK(c->common_name == "web-1.example.org");
  CHECK(c->issuer == "ca");
  CHECK(c->not_after == kNow - std::chrono::hours(48));
  CHECK(c->not_before < c->not_after);
  CHECK(s->serial != c->serial);
  CHECK(s->fingerprint != c->fingerprint);
}

TEST_CASE("what cannot be a name, an address or an authority is refused") {
  auto ca = make_authority("ca", valid_days(kNow, 10));
  REQUIRE(ca);
  CHECK(!make_authority("", valid_days(kNow, 1)));
  CHECK(!make_authority("a,CN=b", valid_days(kNow, 1)));
  CHECK(!make_authority(std::string(65, 'a'), valid_days(kNow, 1)));
  CHECK(!issue_client(*ca, "new\nline", valid_days(kNow, 1)));
  CHECK(!issue_server(*ca, {"s", {}, {}}, valid_days(kNow, 1)));
  CHECK(!issue_server(*ca, {"s", {"host name"}, {}}, valid_days(kNow, 1)));
  CHECK(!issue_server(*ca, {"s", {}, {"300.1.1.1"}}, valid_days(kNow, 1)));
  CHECK(!issue_client(*ca, "c", {WallTime(std::chrono::seconds(-5)), kNow}));
  auto other = make_authority("other", valid_days(kNow, 10));
  REQUIRE(other);
  auto mixed = issue_client({ca->certificate_pem, other->key_pem}, "c", valid_days(kNow, 1));
  REQUIRE(!mixed);
  CHECK(mixed.error().context == "authority: the private key does not belong to the certificate");
  CHECK(!issue_client({"garbage", ca->key_pem}, "c", valid_days(kNow, 1)));
}

TEST_CASE("describing what is no certificate says so") {
  const TempDir dir;
  CHECK(describe_certificate(dir / "missing").error().code == ErrorCode::not_found);
  for (const std::string& text :
       {std::string(), std::string("hello"), std::string("-----BEGIN CERTIFICATE-----\nAA")}) {
    REQUIRE(write_file_atomic(dir / "bad", text, 0644));
    auto info = describe_certificate(dir / "bad");
    REQUIRE(!info);
    CHECK(info.error().code == ErrorCode::malformed);
  }
}
