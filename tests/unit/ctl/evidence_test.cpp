// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/evidence.h"

#include <doctest/doctest.h>

#include <fstream>

#include "agent/net/digest.h"
#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

std::string id_of(int number) { return "20261121T20440" + std::to_string(number) + "Z-" + std::string(24, 'a'); }

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

// Three packages, each chained to the one before, and the head.
struct Kept : TempDir {
  Kept() {
    std::string previous = "-";
    for (int i = 1; i <= 3; ++i) {
      const std::string content = "package " + std::to_string(i);
      EvidenceManifest manifest{.package = id_of(i) + ".tar.gz",
                                .bytes = content.size(),
                                .sha256 = *sha256_hex(content),
                                .previous = previous,
                                .target = "service:nginx.service",
                                .members = {{"journal", 4, std::string(64, 'a')}},
                                .left_out = {}};
      write(path + "/" + manifest.package, content);
      write(path + "/" + id_of(i) + ".manifest", to_text(manifest));
      previous = *sha256_hex(to_text(manifest));
    }
    write(path + "/head", previous + "\n");
  }
  std::string of(int number, const char* ending) const { return path + "/" + id_of(number) + ending; }
  std::vector<std::string> faults() const {
    const auto stock = read_evidence(path);
    REQUIRE(stock.has_value());
    return faults_of(*stock, path);
  }
};

bool says(const std::vector<std::string>& faults, const std::string& part) {
  for (const std::string& fault : faults)
    if (fault.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("evidence that nobody touched is intact, also when the oldest are gone") {
  const Kept kept;
  CHECK(kept.faults().empty());
  std::filesystem::remove(kept.of(1, ".tar.gz"));
  std::filesystem::remove(kept.of(1, ".manifest"));
  CHECK(kept.faults().empty());
  const auto stock = read_evidence(kept.path);
  REQUIRE(stock->kept.size() == 2);
  CHECK(stock->kept[0].id == id_of(3));
  CHECK(read_evidence(kept.path + "/none")->kept.empty());
}

TEST_CASE("whatever is done to evidence shows") {
  const auto after = [](auto change) {
    const Kept kept;
    change(kept);
    return kept.faults();
  };
  CHECK(says(after([](const Kept& k) { write(k.of(2, ".tar.gz"), "package X"); }), "its hash is another"));
  CHECK(says(after([](const Kept& k) { write(k.of(2, ".tar.gz"), "longer than it was"); }), "not 9"));
  CHECK(says(after([](const Kept& k) { std::filesystem::remove(k.of(2, ".tar.gz")); }), "No such file"));
  CHECK(says(after([](const Kept& k) { std::filesystem::remove(k.of(2, ".manifest")); }), id_of(1)));
  CHECK(says(after([](const Kept& k) { std::filesystem::remove(k.of(3, ".manifest")); }), "newest manifest"));
  CHECK(says(after([](const Kept& k) { std::filesystem::remove(k.path + "/head"); }), "head"));
  CHECK(says(after([](const Kept& k) { write(k.of(2, ".manifest"), "garbage"); }), "no manifest"));
  CHECK(says(
      after([](const Kept& k) { std::ofstream(k.of(2, ".manifest"), std::ios::app) << "left-out nothing at all\n"; }),
      id_of(2)));
}
