// SPDX-License-Identifier: Apache-2.0
// `hostmedic score` as it is called: one process, whole files.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/net/gzip.h"
#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

std::string text_of(const std::string& path) {
  auto text = read_file(path, mib(64));
  REQUIRE_MESSAGE(text.has_value(), path);
  return *text;
}
void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n'))
    if (!line.empty()) lines.emplace_back(line);
  return lines;
}

std::uint64_t lot(std::uint64_t& state) {  // xorshift
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}

// Rows of a daily wave with noise, one spike and one missing block; series of quite different size.
std::vector<std::string> rows_of(std::size_t rows, std::size_t series, std::uint64_t seed) {
  std::vector<std::string> lines;
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (std::size_t i = 0; i < rows; ++i) {
    std::string line;
    for (std::size_t s = 0; s < series; ++s) {
      const double noise = static_cast<double>(lot(state) % 1000) / 1000;
      double value = std::sin(static_cast<double>(i) / 229) + 0.3 * noise + (i % 701 == 700 ? 4 : 0);
      value *= std::pow(10.0, static_cast<double>(s) - 1);
      const bool missing = s == 1 && i > rows / 2 && i < rows / 2 + 20;
      line += (s == 0 ? "" : ",") + (missing ? std::string() : strf("%.9g", value));
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string joined(std::span<const std::string> lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("score gives a row for each row, the probability last") {
  Host host;
  const std::string in = host.dir.path + "/in.csv", out = host.dir.path + "/out.csv";
  write(in, "timestamp,a,\"b,c\",Label\n2014-02-14 14:30:00,1,2,0\n2014-02-14 14:35:00,1,,1\n\n");
  CHECK(host.run({"score", "--in", in, "--out", out}) == 0);
  CHECK(host.out.str() == out + ": 2 rows of 2 series, one each 5m0s; left out: Label\n");
  auto lines = lines_of(text_of(out));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "timestamp,anomaly_score,suspicious,page,rank,probability");
  CHECK(lines[2].starts_with("2014-02-14 14:35:00,"));
  CHECK(host.run({"score", "--in", in, "--out", out, "--per-series", "--interval", "1s", "--json"}) == 0);
  CHECK(host.out.str().find("\"interval_seconds\":1E0") != std::string::npos);
  lines = lines_of(text_of(out));
  CHECK(lines[0] == "timestamp,a,\"b,c\",anomaly_score,suspicious,page,rank,probability");
  CHECK(std::ranges::count(lines[2], ',') == 7);
}

TEST_CASE("a score says nothing of what comes after it") {
  Host host;
  const std::string in = host.dir.path + "/in.csv", out = host.dir.path + "/out.csv";
  std::uint64_t state = 4711;
  for (const std::size_t series : {1UL, 3UL, 8UL}) {
    const auto rows = rows_of(3000, series, series);
    write(in, joined(rows));
    REQUIRE(host.run({"score", "--in", in, "--out", out, "--per-series"}) == 0);
    const auto whole = lines_of(text_of(out));
    REQUIRE(whole.size() == rows.size() + 1);
    CHECK(whole.back() != whole[1]);
    for (int cuts = 0; cuts < 3; ++cuts) {
      const std::size_t cut = 1 + lot(state) % (rows.size() - 1);
      write(in, joined(std::span(rows).first(cut)));
      REQUIRE(host.run({"score", "--in", in, "--out", out, "--per-series"}) == 0);
      CHECK(lines_of(text_of(out)) == std::vector<std::string>(whole.begin(), whole.begin() + cut + 1));
    }
  }
}

TEST_CASE("what is learned from first is as if it stood before") {
  Host host;
  const auto rows = rows_of(2000, 4, 9);
  const std::string in = host.dir.path + "/in.csv", train = host.dir.path + "/train.csv";
  const std::string all = host.dir.path + "/all.csv", out = host.dir.path + "/out.csv";
  write(train, joined(std::span(rows).first(1200)));
  write(in, joined(std::span(rows).subspan(1200)));
  write(all, joined(rows));
  REQUIRE(host.run({"score", "--in", all, "--out", out}) == 0);
  const auto whole = lines_of(text_of(out));
  REQUIRE(host.run({"score", "--in", in, "--train", train, "--out", out}) == 0);
  const auto after = lines_of(text_of(out));
  CHECK(std::vector<std::string>(whole.begin() + 1201, whole.end()) ==
        std::vector<std::string>(after.begin() + 1, after.end()));
  write(train, "1,2\n");
  CHECK(host.run({"score", "--in", in, "--train", train, "--out", out}) == 1);
  CHECK(host.err.str() == train + ": 2 series, but 4 in " + in + "\n");
}

TEST_CASE("how many files at a time makes no difference") {
  Host host;
  std::vector<std::string> args = {"score", "--in"};
  std::filesystem::create_directories(host.dir.path + "/train");
  for (int i = 0; i < 5; ++i) {
    const std::string name = strf("m-%d.txt.gz", i), text = joined(rows_of(700, 5, 100 + i));
    auto packed = gzip(text);
    REQUIRE(packed.has_value());
    write(host.dir.path + "/" + name, *packed);
    write(host.dir.path + "/train/" + name, *packed);
    args.push_back(host.dir.path + "/" + name);
  }
  std::map<std::string, std::string> results;
  for (const char* jobs : {"1", "2"}) {
    const std::string out = host.dir.path + "/out" + jobs;
    std::filesystem::create_directories(out);
    auto run = args;
    run.insert(run.end(), {"--out", out, "--jobs", jobs, "--train-dir", host.dir.path + "/train"});
    REQUIRE(host.run(run) == 0);
    for (int i = 0; i < 5; ++i) results[jobs] += text_of(out + strf("/m-%d.csv", i));
  }
  CHECK(results["1"] == results["2"]);
  CHECK(lines_of(results["1"]).size() == 5 * 701);
}

TEST_CASE("score refuses what it cannot do, and leaves no half result") {
  Host host;
  const std::string in = host.dir.path + "/in.csv", out = host.dir.path + "/out.csv";
  const auto refused = [&](const std::string& text) {
    write(in, text);
    CHECK(host.run({"score", "--in", in, "--out", out}) == 1);
    CHECK_FALSE(std::filesystem::exists(out));
    return host.err.str();
  };
  CHECK(refused("a,b\n1,2\n3,x\n") == in + ":3:3: 'b': expected a number, found 'x'\n");
  CHECK(refused("a,b\n1,2\n3\n") == in + ":3:2: 1 cells, expected the 2 of the first line\n");
  CHECK(refused("a,b\n1,2\n\n\n3,4\n") == in + ":3: an empty line\n");
  CHECK(refused("") == in + ":1: the file is empty\n");
  CHECK(refused("1,2\n" + std::string(2'000'000, '1') + "\n") == in + ":2: a line of more than 1048576 bytes\n");
  auto packed = gzip(joined(rows_of(100, 2, 1)));
  REQUIRE(packed.has_value());
  CHECK(refused(packed->substr(0, packed->size() / 2)).ends_with(": the gzip data is cut short\n"));

  write(in, "1\n2\n");
  CHECK(host.run({"score", "--in", in, "--out", in}) == 1);
  CHECK(text_of(in) == "1\n2\n");
  CHECK(host.run({"score", "--in", in, in, "--out", out}) == 64);
  CHECK(host.run({"score", "--in", in, in, "--out", host.dir.path}) == 64);
  CHECK(host.run({"score", "--in", in, "--out", out, "--interval", "soon"}) == 64);
  CHECK(host.run({"score", "--in", in + "x", "--out", out}) == 64);
  write(host.dir.path + "/c.toml", "[detect]\nwarm_up = 1\n");
  CHECK(host.run({"score", "--in", in, "--out", out, "--config", host.dir.path + "/c.toml"}) == 78);
  write(host.dir.path + "/c.toml", "[detect]\nwarm_up = \"0s\"\n");
  CHECK(host.run({"score", "--in", in, "--out", out, "--config", host.dir.path + "/c.toml"}) == 0);
}
