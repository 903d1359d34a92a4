// SPDX-License-Identifier: Apache-2.0
#include "agent/record/signed_word.h"

#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <vector>

using namespace hostmedic;

namespace {
SignedWord word() {
  return {.host_id = "machine-1",
          .host_name = "web1",
          .incident_id = "00112233aabbccdd",
          .key = std::string(24, 'a'),
          .plan = std::string(64, 'b'),
          .approves = true,
          .reason = "",
          .until = wall_from_ns(1'795'228'200'000'000'000),
          .signer = std::string(64, 'c'),
          .signature = "3045"};
}
}  // namespace

TEST_CASE("a signed word survives its way") {
  const auto again = word_from_value(to_json_object(word()));
  REQUIRE(again);
  CHECK(word_text(*again) == word_text(word()));
  CHECK(again->signature == "3045");
}

TEST_CASE("whatever is changed in a word is another text to sign") {
  std::set<std::string> texts{word_text(word())};
  const std::vector<std::function<void(SignedWord&)>> changes{
      [](SignedWord& w) { w.host_id = "machine-2"; },
      [](SignedWord& w) { w.host_name = "web2"; },
      [](SignedWord& w) { w.incident_id = "00112233aabbccde"; },
      [](SignedWord& w) { w.key.back() = 'b'; },
      [](SignedWord& w) { w.plan.back() = 'c'; },
      [](SignedWord& w) { w.approves = false; },
      [](SignedWord& w) { w.reason = "no"; },
      [](SignedWord& w) { w.until += Duration(1); },
      [](SignedWord& w) { w.signer.back() = 'd'; },
      // The same letters in other fields.
      [](SignedWord& w) { w.host_id = "machine-1web1", w.host_name = ""; },
  };
  for (const auto& change : changes) {
    SignedWord other = word();
    change(other);
    texts.insert(word_text(other));
  }
  CHECK(texts.size() == changes.size() + 1);
}

TEST_CASE("what is read cannot break a line of the text that is signed") {
  SignedWord broken = word();
  broken.reason = "no\napprove";
  const auto read = word_from_value(to_json_object(broken));
  REQUIRE(read);
  CHECK(read->reason.find('\n') == std::string::npos);
}

TEST_CASE("a word that is none is refused") {
  boost::json::object without = to_json_object(word());
  without.erase("until_unix_nano");
  CHECK_FALSE(word_from_value(without));
  boost::json::object longer = to_json_object(word());
  longer["signature"] = std::string(2000, '0');
  CHECK_FALSE(word_from_value(longer));
  CHECK_FALSE(word_from_value(boost::json::value("approve")));
}
