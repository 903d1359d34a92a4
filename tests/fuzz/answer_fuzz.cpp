// SPDX-License-Identifier: Apache-2.0
// What others answer to the active checks: expositions of exporters, replies of name servers; and addresses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "probes/endpoint/dns_message.h"
#include "probes/openmetrics/exposition.h"
#include "probes/settings/target.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  using namespace std::string_literals;
  return {"# HELP up text\n# TYPE up gauge\nup{job=\"a\",le=\"+Inf\"} 1 1395066363000\nx_total 3.5e2\n# EOF\n"s,
          "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1a\7example\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"s,
          "https://[::1]:8443/healthz?x=1"s,
          "dns://192.0.2.1/a.example"s,
          "exec:plugin.sh"s,
          "a.example"s};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hostmedic;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ExpositionReader reader(text);
  for (ExposedSample sample; reader.next(sample);) {
    require(!sample.name.empty());
    require(sample.name.data() >= text.data() && sample.name.data() + sample.name.size() <= text.data() + text.size());
    if (const auto attributes = labels_to_attributes(sample.labels))
      require(attributes->find('\n') == std::string::npos);
  }
  if (const auto reply = decode_dns_reply(text, 0x1234)) require(reply->code >= 0 && reply->code < 16);
  if (const auto query = encode_dns_query(1, text)) require(query->size() <= 12 + text.size() + 6);
  if (const auto target = parse_target(text))
    require(target->host.size() <= 253 && target->rest.size() <= text.size() + 1);
  return 0;
}
