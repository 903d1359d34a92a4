// SPDX-License-Identifier: Apache-2.0
// Runs a fuzzer's entry point in the ordinary tests, so that it cannot rot and finds shallow faults there: over the
// well-formed inputs that it defines (hm_fuzz_seeds), over the kept ones in the directories given, and over seeded
// pseudo-random changes of both, 20,000 or as many as fit in two seconds of processor time.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
[[gnu::weak]] std::vector<std::string> hm_fuzz_seeds();

namespace {
constexpr int kMostRuns = 20000;
constexpr std::clock_t kMostProcessorTime = 2 * CLOCKS_PER_SEC;
constexpr auto kLongest = std::chrono::seconds(30);  // for those that wait more than they compute

std::uint64_t state = 0x9e3779b97f4a7c15ULL;
std::uint64_t next_random() {  // splitmix64
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
void run(const std::string& input) {
  (void)LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}
std::vector<std::string> kept_in(const char* directory) {
  std::set<std::filesystem::path> files;  // in the same order everywhere
  for (const auto& entry : std::filesystem::directory_iterator(directory)) files.insert(entry.path());
  std::vector<std::string> kept;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    kept.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return kept;
}
}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> seeds;
  if (hm_fuzz_seeds != nullptr) seeds = hm_fuzz_seeds();
  const std::size_t defined = seeds.size();
  for (int i = 1; i < argc; ++i)
    for (std::string& kept : kept_in(argv[i])) seeds.push_back(std::move(kept));
  seeds.emplace_back();
  for (const std::string& seed : seeds) run(seed);
  unsigned long runs = seeds.size();
  const auto end = std::chrono::steady_clock::now() + kLongest;
  const std::clock_t begun = std::clock();
  const auto in_time = [&] {
    return std::clock() - begun < kMostProcessorTime && std::chrono::steady_clock::now() < end;
  };
  for (std::size_t i = 0; i < defined; ++i)
    for (std::size_t cut = 0; cut < seeds[i].size() && cut < 512 && in_time(); ++cut, ++runs)
      run(seeds[i].substr(0, cut));
  for (int i = 0; i < kMostRuns && in_time(); ++i, ++runs) {
    std::string input = seeds[next_random() % seeds.size()];
    if (input.empty()) input.resize(next_random() % 64);
    for (std::uint64_t edits = 1 + next_random() % 8; edits > 0 && !input.empty(); --edits)
      input[next_random() % input.size()] = static_cast<char>(next_random());
    run(input);
  }
  std::printf("%zu seeds, %lu inputs\n", seeds.size(), runs);
  return EXIT_SUCCESS;
}
