// SPDX-License-Identifier: Apache-2.0
#include "probes/source/roots.h"

#include "../fake_root.h"

using namespace hostmedic;
using test::FakeRoot;

TEST_CASE("roots: the process tree is needed, the others may be missing") {
  FakeRoot root;
  root.remove("sys");
  const auto roots = open_roots(root.path() + "//");
  REQUIRE(roots);
  CHECK(roots->proc);
  CHECK(!roots->sys);
  CHECK(roots->etc);
  CHECK(roots->root_path == root.path());
  root.remove("proc");
  CHECK(open_roots(root.path()).error().code == ErrorCode::not_found);
  CHECK(!open_roots(root.path() + "/nowhere"));
}

TEST_CASE("roots: mounts are seen as process 1 sees them, where that is allowed") {
  FakeRoot root;
  CHECK(mount_view(root.roots()).mountinfo == "self/mountinfo");
  CHECK(mount_view(root.roots()).prefix == root.path());
  root.write("proc/1/mountinfo", "");
  CHECK(mount_view(root.roots()).mountinfo == "self/mountinfo");  // its root cannot be reached
  root.mkdir("proc/1/root");
  CHECK(mount_view(root.roots()).mountinfo == "1/mountinfo");
  CHECK(mount_view(root.roots()).prefix == root.path() + "/proc/1/root");
}
