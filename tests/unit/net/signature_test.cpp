// SPDX-License-Identifier: Apache-2.0
#include "agent/net/signature.h"

#include "agent/base/file.h"
#include "tests/unit/net/net_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

struct Person {
  KeyPair pair;
  std::string fingerprint;
  explicit Person(const std::string& name, int days = 10) {
    const WallTime now = wall_now();
    auto made = make_person(name, valid_days(now, days));
    REQUIRE(made);
    pair = *made;
    const TempDir dir;
    REQUIRE(write_file_atomic(dir / "one.crt", pair.certificate_pem, 0600));
    const auto info = describe_certificate(dir / "one.crt");
    REQUIRE(info);
    CHECK(info->common_name == name);
    CHECK_FALSE(info->authority);
    fingerprint = info->fingerprint;
  }
};

std::string refusal(const Signature& signature, const std::string& trusted) {
  const auto who = who_signed(signature, trusted, wall_now());
  REQUIRE_FALSE(who);
  return who.error().message();
}

}  // namespace

TEST_CASE("who signed is known by a list of certificates, and nothing else is taken") {
  const Person ada("ada"), bob("bob"), gone("gone", -1);
  const std::string list = bob.pair.certificate_pem + ada.pair.certificate_pem + gone.pair.certificate_pem;
  const auto signature = sign_text("restart nginx", ada.pair.key_pem);
  REQUIRE(signature);
  const auto who = who_signed({"restart nginx", ada.fingerprint, *signature}, list, wall_now());
  REQUIRE_MESSAGE(who, (who ? "" : who.error().message()));
  CHECK(who->common_name == "ada");

  CHECK(refusal({"restart nginx.", ada.fingerprint, *signature}, list).find("not what ada signed") !=
        std::string::npos);
  CHECK(refusal({"restart nginx", bob.fingerprint, *signature}, list).find("not what bob signed") != std::string::npos);
  CHECK(refusal({"restart nginx", ada.fingerprint, *signature}, bob.pair.certificate_pem).find("not among them") !=
        std::string::npos);
  CHECK(refusal({"restart nginx", "", *signature}, list).find("not among them") != std::string::npos);
  for (const std::string& bad : {std::string(), std::string("zz"), signature->substr(2), *signature + "00",
                                 std::string(5000, '0'), std::string("0")})
    CHECK(refusal({"restart nginx", ada.fingerprint, bad}, list).find("not what ada signed") != std::string::npos);
  const auto late = sign_text("restart nginx", gone.pair.key_pem);
  REQUIRE(late);
  CHECK(refusal({"restart nginx", gone.fingerprint, *late}, list).find("not valid now") != std::string::npos);
}

TEST_CASE("what is no key and no list is told") {
  const Person ada("ada");
  CHECK_FALSE(sign_text("x", ada.pair.certificate_pem));
  CHECK_FALSE(who_signed({"x", ada.fingerprint, "00"}, "not a certificate", wall_now()));
}
