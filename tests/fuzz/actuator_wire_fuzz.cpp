// SPDX-License-Identifier: Apache-2.0
// Drives the decoders of the actuator's socket. Input: one message; it is read as a request and as an answer.
// What must hold: no crash; what was understood can be written and understood again, and is then the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/actuator/wire.h"

using namespace hostmedic;

namespace {

void check(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  std::vector<std::string> seeds;
  for (int i = 0; i <= static_cast<int>(RequestKind::audit); ++i) {
    ActuatorRequest request;
    request.kind = static_cast<RequestKind>(i);
    request.key = request.order.key = "0123456789abcdef01234567";
    request.order.plan.action = "log.rotate";
    request.order.plan.target = request.target = {EntityKind::filesystem, "/var"};
    request.order.plan.parameters = {{"path", "/var/log/app.log"}, {"keep", "0"}};
    request.action = "log.rotate";
    request.entity = "service:*";
    request.runbook = "logs";
    request.order.undoes = request.key;
    request.word.key = request.key;
    request.word.host_name = "web1";
    seeds.push_back(encode(request));
  }
  ActuatorAnswer answer;
  answer.ok = true;
  answer.outcome.emplace().verdict.answers = {{"tier", Decision::allow, "tier is auto"}};
  answer.status.emplace().brakes.maintenance.emplace_back();
  answer.status->recent.emplace_back();
  answer.status->measures.emplace_back();
  answer.status->disarmed.emplace_back();
  answer.by = "ada (certificate 0123456789ab)";
  answer.audit.emplace().broken = "link 4 (halt) was changed";
  seeds.push_back(encode(answer));
  seeds.push_back(encode(refusal(make_error(ErrorCode::denied, "not for you"))));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto request = decode_request(text)) {
    const std::string written = encode(*request);
    const auto again = decode_request(written);
    check(again.has_value() && encode(*again) == written);
  }
  if (const auto answer = decode_answer(text)) {
    const std::string written = encode(*answer);
    check(written.size() <= kMostMessage || !answer->ok);
    check(decode_answer(written).has_value());
  }
  return 0;
}
