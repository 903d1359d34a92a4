// SPDX-License-Identifier: Apache-2.0
// Runs a fuzzer's entry point over seeded pseudo-random inputs, so that it cannot rot and finds shallow faults in the
// ordinary tests. A fuzzer may define hm_fuzz_seed() to give well-formed inputs to mutate.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Well-formed inputs; empty when the fuzzer defines none.
[[gnu::weak]] std::vector<std::string> hm_fuzz_seeds();

namespace {
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
}  // namespace

int main() {
  std::vector<std::string> seeds;
  if (hm_fuzz_seeds != nullptr) seeds = hm_fuzz_seeds();
  seeds.emplace_back();
  unsigned long runs = 0;
  for (const std::string& seed : seeds) {
    run(seed);
    for (std::size_t cut = 0; cut < seed.size() && cut < 512; ++cut, ++runs) run(seed.substr(0, cut));
  }
  for (int i = 0; i < 20000; ++i, ++runs) {
    std::string input = seeds[next_random() % seeds.size()];
    if (input.empty()) input.resize(next_random() % 64);
    for (std::uint64_t edits = 1 + next_random() % 8; edits > 0 && !input.empty(); --edits)
      input[next_random() % input.size()] = static_cast<char>(next_random());
    run(input);
  }
  std::printf("%lu inputs\n", runs);
  return EXIT_SUCCESS;
}
