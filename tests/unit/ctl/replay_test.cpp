// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "agent/base/file.h"
#include "agent/ctl/verbs.h"

using namespace hostmedic;

namespace {

struct Place {
  std::string dir;
  std::ostringstream out, err;
  Context context{.out = out, .err = err, .look = {}, .who = "uid 0 (root)", .paths = {}, .one_key = {}};
  Place() {
    std::string name = "/tmp/hm-replay-XXXXXX";
    dir = ::mkdtemp(name.data());
    context.paths.etc = dir;
    context.paths.share = dir;
    std::filesystem::create_directories(dir + "/recorder/kept");
    REQUIRE(write_file_atomic(dir + "/hostmedic.toml", "[agent]\nstate_dir = \"" + dir + "\"\n", 0600));
    for (const char* scenario : {"service-killed", "filesystem-filling"})
      std::filesystem::copy_file(std::string(HM_SCENARIOS) + "/" + scenario + ".hmrec",
                                 dir + "/recorder/kept/" + scenario + ".hmrec");
  }
  ~Place() { std::filesystem::remove_all(dir); }
  std::string policy(const std::string& text) {
    REQUIRE(write_file_atomic(dir + "/other-policy.toml", text, 0600));
    return dir + "/other-policy.toml";
  }
  bool says(std::string_view text) const { return out.str().find(text) != std::string::npos; }
};

}  // namespace

TEST_CASE("replay finds a recording by the beginning of its name, plays it and tells each decision and the hash") {
  Place place;
  const Exit exit = replay(place.context, {.what = "service-k", .config = {}});
  CHECK((exit == Exit::fine || exit == Exit::negative));  // negative: made by a version that said it in other words
  CHECK(place.says("restart nginx.service through systemd"));
  CHECK(place.says("hash"));
  CHECK(place.says("times as fast as it happened"));
}

TEST_CASE("replay with another policy says what the guard would have said") {
  Place place;
  (void)replay(place.context, {.what = "service-k", .config = {place.policy("[guard]\ntier = \"observe\"\n")}});
  CHECK(place.says("would not have ordered: restart nginx.service through systemd"));
  CHECK(place.says("tier is observe"));
}

TEST_CASE("what cannot be replayed is said with a remedy") {
  Place place;
  CHECK(replay(place.context, {.what = "no-such", .config = {}}) == Exit::negative);
  CHECK(place.err.str().find("neither a file nor a recorded incident") != std::string::npos);
  CHECK(replay(place.context, {.what = place.dir + "/hostmedic.toml", .config = {}}) == Exit::unavailable);
  CHECK(replay(place.context, {.what = "service-k", .config = {}, .speed = "fast"}) == Exit::usage);
  CHECK(replay(place.context, {.what = "service-k", .config = {place.policy("[guard]\ntier = 7\n")}}) == Exit::config);
}

TEST_CASE("backtest: a table of both configurations, over everything that is recorded") {
  Place place;
  place.context.look.now = wall_from_ns(1'795'290'000'000'000'000);
  CHECK(backtest(place.context, {.since = "14d", .config = {place.policy("[guard]\ntier = \"observe\"\n")}}) ==
        Exit::fine);
  CHECK(place.says("actions ordered"));
  CHECK(place.says("median time to detect"));
  CHECK(place.says("would not have ordered"));
  CHECK(backtest(place.context, {.since = "1s", .config = {}}) == Exit::negative);
  CHECK(backtest(place.context, {.since = "often", .config = {}}) == Exit::usage);
}
