// SPDX-License-Identifier: Apache-2.0
// In the fuzz build: gives libFuzzer the well-formed inputs that a fuzzer defines. With HM_FUZZ_SEEDS=DIRECTORY in the
// environment they are written there, and nothing else happens.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

[[gnu::weak]] std::vector<std::string> hm_fuzz_seeds();

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  const char* directory = std::getenv("HM_FUZZ_SEEDS");
  if (directory == nullptr) return 0;
  int number = 0;
  if (hm_fuzz_seeds != nullptr)
    for (const std::string& seed : hm_fuzz_seeds())
      std::ofstream(std::filesystem::path(directory) / ("defined-" + std::to_string(number++)), std::ios::binary)
          << seed;
  std::_Exit(EXIT_SUCCESS);
}
