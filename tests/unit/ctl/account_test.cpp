// SPDX-License-Identifier: Apache-2.0
// report, feedback.
#include <doctest/doctest.h>

#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {
bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("a report says in words what was done, what helped and what would have been done") {
  Host host;
  host.daemon = {{"report", one_line(R"({"ok":true,"report":{"incidents":5,"suspicions":2,"parts":1,"treated":3,
      "healed":2,"alone":1,"escalated":1,"open":1,"said_real":1,"said_none":1,"to_notice_nano":200000000,
      "to_act_nano":300000000,"to_recover_nano":null,"complete":true,
      "runbooks":[{"name":"service-restart","planned":4,"ordered":3,"helped":2,"failed":1,"undone":0,"would":1,
                   "mistaken":1}],"proposals":[{"subject":"service.failed","action":"service.restart","supervised":8}],"would_have":["restart db.service"]}})")}};
  CHECK(host.run({"report", "--since", "2d"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"report","seconds":172800})");
  for (const char* part :
       {"The last 2d: 5 incidents, 2 suspicions", "2 were ended by a treatment, 1 ended by themselves",
        "noticed 200ms, acted upon 300ms, over - after", "of 1 that they were none", "service-restart",
        "  restart db.service", "service.restart helped 8 times in a row"})
    CHECK_MESSAGE(contains(host.out.str(), part), part, host.out.str());
  CHECK_FALSE(contains(host.out.str(), "only the newest"));
  CHECK(host.run({"report", "--json"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"report","seconds":1209600})");
  for (const char* since : {"", "x", "0s", "400d"}) CHECK(host.run({"report", "--since", since}) == 64);
}

TEST_CASE("feedback is real or false, says what it moves, and is taken back") {
  Host host;
  host.daemon = {{"feedback", R"({"ok":true,"id":"00112233aabbccdd","rules":2})"},
                 {"feedback-off", R"({"ok":true,"id":"00112233aabbccdd","removed":1})"}};
  CHECK(host.run({"feedback", "0011", "false", "--note", "nightly import"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"feedback","id":"0011","real":false,"note":"nightly import"})");
  CHECK(contains(host.out.str(), "2 of its rules count less"));
  CHECK(host.run({"feedback", "0011", "real"}) == 0);
  CHECK(contains(host.out.str(), "2 of its rules count more"));
  CHECK(host.run({"feedback", "0011", "--remove"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"feedback-off","id":"0011"})");
  const std::size_t before = host.asked.size();
  CHECK(host.run({"feedback", "0011", "maybe"}) == 64);
  CHECK(host.run({"feedback", "0011"}) == 64);
  CHECK(host.run({"feedback"}) == 64);
  CHECK(host.run({"feedback", "0011", "real", "--remove"}) == 64);
  CHECK(host.asked.size() == before);
  host.daemon["feedback"] = R"({"ok":true,"id":"00112233aabbccdd","rules":0})";
  CHECK(host.run({"feedback", "0011", "false"}) == 0);
  CHECK(contains(host.out.str(), "All its signals are proof"));
}
