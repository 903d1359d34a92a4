// SPDX-License-Identifier: Apache-2.0
#include "probes/source/kept_file.h"

#include <unistd.h>

#include "../fake_root.h"

using namespace hostmedic;
using test::FakeRoot;

TEST_CASE("kept file: opened once, read from the start each time") {
  FakeRoot root;
  const Roots roots = root.roots();
  root.write("proc/x", "one\n");
  for (const auto shape : {KeptFile::Shape::whole, KeptFile::Shape::small, KeptFile::Shape::pieces}) {
    KeptFile file(roots.proc.get(), "x", shape);
    root.write("proc/x", "one\n");
    CHECK(file.read().value_or("?") == "one\n");
    const int fd = file.fd();
    root.write("proc/x", "three\n");
    CHECK(file.read().value_or("?") == "three\n");
    CHECK(file.fd() == fd);
  }
}

TEST_CASE("kept file: missing is not_found, and it is found when it comes") {
  FakeRoot root;
  const Roots roots = root.roots();
  KeptFile file(roots.proc.get(), "later", KeptFile::Shape::whole);
  const auto missing = file.read();
  REQUIRE(!missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  root.write("proc/later", "here\n");
  CHECK(file.read().value_or("?") == "here\n");
}

TEST_CASE("kept file: a file past the bound is refused, not cut") {
  FakeRoot root;
  const Roots roots = root.roots();
  root.write("proc/big", std::string(KeptFile::kMostBytes + 1, 'x'));
  for (const auto shape : {KeptFile::Shape::whole, KeptFile::Shape::pieces}) {
    KeptFile file(roots.proc.get(), "big", shape);
    const auto text = file.read();
    REQUIRE(!text);
    CHECK(text.error().code == ErrorCode::limit);
  }
}

TEST_CASE("kept file: a small one has a bound of its own") {
  FakeRoot root;
  const Roots roots = root.roots();
  KeptFile file(roots.proc.get(), "x", KeptFile::Shape::small);
  root.write("proc/x", std::string(KeptFile::kSmallBytes - 1, 'x'));
  CHECK(file.read());
  root.write("proc/x", std::string(KeptFile::kSmallBytes, 'x'));
  const auto text = file.read();
  REQUIRE(!text);
  CHECK(text.error().code == ErrorCode::limit);
}

TEST_CASE("kept file: a directory is an error that names the path") {
  FakeRoot root;
  const Roots roots = root.roots();
  root.mkdir("proc/dir");
  KeptFile file(roots.proc.get(), "dir", KeptFile::Shape::whole);
  const auto text = file.read();
  REQUIRE(!text);
  CHECK(text.error().message().find("dir: read") == 0);
}
