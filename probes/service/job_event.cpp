// SPDX-License-Identifier: Apache-2.0
#include "probes/service/job_event.h"

#include <algorithm>
#include <array>

#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic::service {

bool is_failed_result(std::string_view result) {
  // Not "canceled", "skipped", "collected", "once" and "done"; "invalid" answers somebody who asked for nonsense.
  static constexpr std::array<std::string_view, 5> kFailed{"timeout", "failed", "dependency", "assert", "unsupported"};
  return std::ranges::find(kFailed, result) != kFailed.end();
}

void tell_job(const FailedJob& job, bool followed, MonoTime now, Sink& sink) {
  const EntityId entity = sink.entity(EntityKind::service, job.unit);
  Event event{EventKind::unit_job, entity, now, {}};
  const auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) event.attributes.push_back({std::string(key), printable(value, kMostAttributeValue)});
  };
  add(attr::kJobType, job.type);
  add(attr::kJobResult, job.result);
  add(attr::kJobTriggers, job.triggers);
  if (job.overdue_us > 0) add(attr::kJobOverdue, std::to_string(job.overdue_us / 1'000'000));
  sink.event(std::move(event));
  if (!followed) sink.retire(entity);
}

}  // namespace hostmedic::service
