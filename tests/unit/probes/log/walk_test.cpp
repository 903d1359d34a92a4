// SPDX-License-Identifier: Apache-2.0
#include "probes/log/walk.h"

#include <doctest/doctest.h>

#include "agent/base/file.h"
#include "tests/unit/probes/log/temp_tree.h"

using namespace hostmedic;
using namespace hostmedic::log;
using hostmedic::test::TempTree;

namespace {

std::vector<LogRoot> roots_of(const TempTree& tree) {
  std::vector<LogRoot> roots;
  roots.push_back({"/var/log", std::move(*open_dir(tree.at("log")))});
  return roots;
}
// As if the look had been a second earlier.
void age(Snapshot& snapshot) {
  snapshot.begun -= std::chrono::seconds(1);
  for (auto& [inode, seen] : snapshot.files) seen.at -= std::chrono::seconds(1);
}

}  // namespace

TEST_CASE("files that grew are found, fastest first, under the host's name for them") {
  TempTree tree;
  for (const char* name : {"log/a.log", "log/deep/er/b.log", "log/c.log", "log/d.log", "log/still.log"}) {
    tree.grow(name, 8192);
  }
  const auto roots = roots_of(tree);
  std::vector<Grower> growers;
  Snapshot before = walk(roots, nullptr, growers);
  CHECK(growers.empty());
  CHECK(before.files.size() == 5);
  CHECK_FALSE(before.cut);
  age(before);

  tree.grow("log/a.log", 64 << 10);
  tree.grow("log/deep/er/b.log", 1 << 20);
  tree.grow("log/c.log", 256 << 10);
  tree.grow("log/d.log", 16 << 10);
  tree.grow("log/new.log", 512 << 10);
  const Snapshot now = walk(roots, &before, growers);
  CHECK(now.files.size() == 6);
  REQUIRE(growers.size() == kMostGrowers);
  CHECK(growers[0].path == "/var/log/deep/er/b.log");
  CHECK(growers[0].root->path == "/var/log");
  CHECK(growers[0].inode == tree.inode("log/deep/er/b.log"));
  CHECK(growers[0].size == (1 << 20) + 8192);
  CHECK(growers[0].bytes_per_second > 0.5 * (1 << 20));
  CHECK(growers[0].bytes_per_second <= 1.1 * (1 << 20));
  CHECK(growers[1].path == "/var/log/new.log");
  CHECK(growers[2].path == "/var/log/c.log");
}

TEST_CASE("a file that is renamed while it grows is the same file, and one that shrinks does not grow") {
  TempTree tree;
  tree.grow("log/app.log", 1 << 20);
  tree.grow("log/other.log", 1 << 20);
  const auto roots = roots_of(tree);
  std::vector<Grower> growers;
  Snapshot before = walk(roots, nullptr, growers);
  age(before);
  std::filesystem::rename(tree.at("log/app.log"), tree.at("log/app.log.1"));
  tree.grow("log/app.log.1", 128 << 10);
  std::filesystem::resize_file(tree.at("log/other.log"), 4096);
  (void)walk(roots, &before, growers);
  REQUIRE(growers.size() == 1);
  CHECK(growers[0].path == "/var/log/app.log.1");
  CHECK(growers[0].bytes_per_second < 200 << 10);
}

TEST_CASE("links are not followed, holes take no space, and depth has an end") {
  TempTree tree;
  tree.grow("elsewhere/big.log", 1 << 20);
  tree.dir("log");
  std::filesystem::create_symlink(tree.at("elsewhere"), tree.at("log/link"));
  std::filesystem::create_symlink(tree.at("elsewhere/big.log"), tree.at("log/link.log"));
  std::filesystem::create_symlink(tree.at("log"), tree.at("log/loop"));
  tree.file("log/hole.log", "");
  std::filesystem::resize_file(tree.at("log/hole.log"), 1 << 30);
  std::string deep = "log";
  for (int i = 0; i < kDeepest; ++i) deep += "/d";
  tree.grow(deep + "/kept.log", 8192);
  tree.grow(deep + "/d/left_out.log", 8192);
  std::vector<Grower> growers;
  const Snapshot seen = walk(roots_of(tree), nullptr, growers);
  CHECK(seen.files.size() == 1);
  CHECK(seen.files.contains(tree.inode(deep + "/kept.log")));
}

TEST_CASE("a name that a terminal would obey is counted and not passed on") {
  TempTree tree;
  tree.grow("log/ok.log", 8192);
  const auto roots = roots_of(tree);
  std::vector<Grower> growers;
  Snapshot before = walk(roots, nullptr, growers);
  age(before);
  tree.grow("log/\x1b[31mred.log", 1 << 20);
  tree.grow("log/bad\xff.log", 1 << 20);
  tree.grow("log/" + std::string(200, 'a') + "/" + std::string(200, 'b') + "/" + std::string(200, 'c'), 1 << 20);
  tree.grow("log/ok.log", 8192);
  const Snapshot now = walk(roots, &before, growers);
  CHECK(now.names_skipped == 3);
  REQUIRE(growers.size() == 1);
  CHECK(growers[0].path == "/var/log/ok.log");
}

TEST_CASE("the number of entries has a bound, and a file unknown because of it is not called new") {
  TempTree tree;
  for (std::size_t i = 0; i < kMostEntries + 10; ++i) {
    const std::string path = tree.at("log/" + std::to_string(i));
    if (i == 0) tree.dir("log");
    std::ofstream{path};
  }
  std::vector<Grower> growers;
  Snapshot before = walk(roots_of(tree), nullptr, growers);
  CHECK(before.cut);
  age(before);
  tree.grow("few/new.log", 1 << 20);
  std::vector<LogRoot> few;
  few.push_back({"/few", std::move(*open_dir(tree.at("few")))});
  (void)walk(few, &before, growers);
  CHECK(growers.empty());
  before.cut = false;
  (void)walk(few, &before, growers);
  CHECK(growers.size() == 1);
}
