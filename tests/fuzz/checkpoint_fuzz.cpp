// SPDX-License-Identifier: Apache-2.0
// The file in which detection keeps what it learnt over a restart. Input: the file, once as it is and once without its
// checksum, which is put right. What must hold: no crash, no memory without bound, and what was read is written alike.
#include <string>
#include <vector>

#include "agent/base/text.h"
#include "detect/health/checkpoint.h"
#include "support.h"

using namespace hostmedic;
using fuzz::check;

namespace {
void read(std::string_view bytes) {
  const auto checkpoint = detect::decode_checkpoint(bytes);
  if (!checkpoint) return;
  const auto written = detect::encode_checkpoint(*checkpoint);
  check(written.has_value() && detect::decode_checkpoint(*written).has_value());
}
std::string with_checksum(std::string_view bytes) {
  std::uint64_t sum = fnv1a(bytes);
  std::string whole(bytes);
  for (int i = 0; i < 8; ++i, sum >>= 8) whole += static_cast<char>(sum & 0xff);
  return whole;
}
}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  detect::Checkpoint checkpoint;
  checkpoint.written = wall_from_ns(1'790'000'000'000'000'000);
  checkpoint.sections = {{"engine", "some bytes"}, {"waits", ""}};
  const std::string whole = detect::encode_checkpoint(checkpoint).value_or("");
  return {whole, whole.substr(0, whole.size() - 8)};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  read(with_checksum(bytes));
  return 0;
}
