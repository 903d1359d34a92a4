// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/brake.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "agent/base/file.h"
#include "tests/unit/probes/fake_root.h"

using namespace hostmedic;
using bpf::BootMark;
using hostmedic::test::FakeRoot;

namespace {

struct State {
  FakeRoot root;
  std::string dir = root.path();
  std::string file = dir + "/bpf-attached";
  std::string content() const { return read_file(file, kib(1)).value_or("none"); }
};

}  // namespace

TEST_CASE("the mark is there while it is held and goes with its holder") {
  State state;
  {
    BootMark mark;
    REQUIRE(mark.hold(state.dir, "boot-1"));
    CHECK(state.content() == "boot-1\n");
    REQUIRE(mark.hold(state.dir, "boot-1"));
  }
  CHECK(state.content() == "none");
}

TEST_CASE("the last of several holders takes the mark away") {
  State state;
  BootMark service;
  REQUIRE(service.hold(state.dir, "boot-1"));
  {
    BootMark by_hand;
    REQUIRE(by_hand.hold(state.dir, "boot-1"));
  }
  CHECK(state.content() == "boot-1\n");
  service.release();
  CHECK(state.content() == "none");
}

TEST_CASE("a mark of this boot that a killed process left is taken over") {
  State state;
  state.root.write("bpf-attached", "boot-1\n");
  BootMark mark;
  REQUIRE(mark.hold(state.dir, "boot-1"));
  mark.release();
  CHECK(state.content() == "none");
}

TEST_CASE("a mark of another boot keeps programs off until it is cleared, and outlives whoever looked") {
  State state;
  state.root.write("bpf-attached", "boot-1\n");
  {
    BootMark mark;
    for (int i = 0; i < 2; ++i) {
      const auto held = mark.hold(state.dir, "boot-2");
      REQUIRE_FALSE(held);
      CHECK(held.error().code == ErrorCode::denied);
      CHECK(held.error().message() ==
            "not here, because the host went down uncleanly while BPF programs were attached (" + state.file +
                "); `hostmedic-probe --clear-bpf-brake` lets them be attached again");
    }
  }
  CHECK(state.content() == "boot-1\n");
  CHECK(bpf::clear_brake(state.dir, "boot-2").value_or(false));
  BootMark mark;
  CHECK(mark.hold(state.dir, "boot-2"));
  CHECK_FALSE(bpf::clear_brake(state.dir, "boot-2").value_or(true));  // not the brake but a mark that is in use
  CHECK(state.content() == "boot-2\n");
}

TEST_CASE("a mark that is held now is of this boot, whatever its id: in a container views of the id differ") {
  State state;
  BootMark service, shell;
  REQUIRE(service.hold(state.dir, "boot-seen-by-the-service"));
  CHECK(shell.hold(state.dir, "boot-seen-by-the-shell"));
  CHECK_FALSE(bpf::clear_brake(state.dir, "boot-seen-by-the-shell").value_or(true));
  shell.release();
  CHECK(state.content() == "boot-seen-by-the-service\n");
  service.release();
  CHECK(state.content() == "none");
}

TEST_CASE("an empty or overlong mark is nobody's, so the brake is on") {
  State state;
  for (const std::string& content : {std::string(), std::string(5000, 'x')}) {
    state.root.write("bpf-attached", content);
    BootMark mark;
    CHECK_FALSE(mark.hold(state.dir, "boot-1"));
    CHECK(std::filesystem::exists(state.file));
  }
}

TEST_CASE("without a directory to write to, or without a boot id, nothing is attached") {
  State state;
  BootMark mark;
  const auto nowhere = mark.hold(state.dir + "/missing", "boot-1");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message().starts_with("not here, because it cannot be noted that BPF programs are attached"));
  CHECK_FALSE(mark.hold(state.dir, ""));
  CHECK_FALSE(bpf::clear_brake(state.dir, "boot-1").value_or(true));
  CHECK(bpf::boot_id(-1).empty());
}
