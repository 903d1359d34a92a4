// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "actions/catalog/catalog.h"
#include "actions/catalog/script_run/script_args.h"
#include "tests/unit/actions/host.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

Result<Plan> planned(std::vector<Attribute> params, const Entity& root = kNginx) {
  TestHost host;
  return kScriptRun.plan(incident_on(root, "service.failed", host), host.view(), params);
}

}  // namespace

TEST_CASE("script.run names the script, its words and what takes it back") {
  const auto plan = planned({{"script", "drain.sh"}, {"args", "{target} --for=30s"}, {"undo", "fill.sh"}});
  REQUIRE(plan.has_value());
  CHECK(kScriptRun.validate(*plan).has_value());
  CHECK(plan->get("args") == "nginx.service --for=30s");
  CHECK(plan->command == "/etc/hostmedic/scripts.d/drain.sh nginx.service --for=30s");
  CHECK(plan->undo == "by running root's script fill.sh");
  const auto bare = planned({{"script", "drain.sh"}, {"args", "-"}, {"undo", "-"}});
  REQUIRE(bare.has_value());
  CHECK(bare->undo.empty());
  CHECK(bare->parameters.size() == 1);
  CHECK_FALSE(planned({}).has_value());
  // A name that is no word of a script's cannot be handed to one.
  CHECK_FALSE(
      planned({{"script", "a"}, {"args", "{target}"}}, {EntityKind::filesystem, "/srv/a b;reboot"}).has_value());
}

TEST_CASE("script.run accepts only names of files and plain words") {
  const auto good = planned({{"script", "drain.sh"}});
  REQUIRE(good.has_value());
  const auto accepts = [&](const char* key, const std::string& value) {
    Plan plan = *good;
    std::erase_if(plan.parameters, [&](const Attribute& one) { return one.key == key; });
    plan.parameters.push_back({key, value});
    return kScriptRun.validate(plan).has_value();
  };
  for (const char* key : {"script", "undo"}) {
    CHECK(accepts(key, "a-b_c.2"));
    for (const std::string& name : {std::string("../a"), std::string("a/b"), std::string("/bin/sh"), std::string(".a"),
                                    std::string(".."), std::string("-c"), std::string("a b"), std::string("a;b"),
                                    std::string("$(a)"), std::string("a\n"), std::string(65, 'a')}) {
      CAPTURE(name);
      CHECK_FALSE(accepts(key, name));
    }
  }
  CHECK_FALSE(accepts("script", ""));
  for (const char* args : {"one", "a=b /srv/x,y:1 50%", "1 2 3 4 5 6 7 8"}) CHECK(accepts("args", args));
  for (const std::string& args :
       {std::string("a  b"), std::string(" a"), std::string("a "), std::string("a;b"), std::string("`a`"),
        std::string("$HOME"), std::string("a|b"), std::string("a>b"), std::string("../x"), std::string("/srv/../etc"),
        std::string("'a'"), std::string("a\tb"), std::string("1 2 3 4 5 6 7 8 9"), std::string(200, 'a')}) {
    CAPTURE(args);
    CHECK_FALSE(accepts("args", args));
  }
  CHECK_FALSE(accepts("directory", "/tmp"));
}
