// SPDX-License-Identifier: Apache-2.0
// Drives what reads the heads of HTTP messages and frames in the kernel. Input: the first bytes of a packet.
// What must hold: no read past HM_HTTP_HEAD bytes, and answers that the programs may index by.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "probes/bpf/record/http.h"
#include "probes/bpf/record/http2.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto head = std::make_unique<std::array<__u8, HM_HTTP_HEAD>>();  // its own block: a read past it is seen
  std::memcpy(head->data(), data, std::min(size, head->size()));
  const __u8* bytes = head->data();
  const __u32 status = hm_http_status(bytes);
  if (status != 0 && (status < 100 || status > 599)) __builtin_trap();
  if (status != 0 && hm_http_begins(bytes) != HM_HTTP_NOTHING) __builtin_trap();
  const hm_h2_frame frame = hm_h2_read(bytes);
  if (hm_h2_is_headers(&frame) != 0 && (frame.length > HM_H2_MOST_LENGTH || frame.stream % 2 == 0)) __builtin_trap();
  if (hm_h2_answer(bytes, &frame) > HM_H2_OTHER) __builtin_trap();
  if (hm_h2_grpc_status(bytes, 0) > 2 || hm_h2_grpc_status(bytes, 1) > 2) __builtin_trap();
  if (hm_http_bucket(hm_http_word(bytes)) >= HM_HTTP_BUCKETS) __builtin_trap();
  return 0;
}
