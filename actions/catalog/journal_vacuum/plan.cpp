// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

constexpr Duration kFactsAge = std::chrono::seconds(10);
constexpr double kLeastShare = 0.5;
constexpr ParamText kParams[] = {{"vacuum_size", "64MiB", "archived journals are removed until they take this much"}};
constexpr std::string_view kPlanParams[] = {"vacuum_size"};

// journalctl reads K, M, G with base 1024.
std::string as_journalctl(Bytes size) { return strf("%lluK", static_cast<unsigned long long>(size.count >> 10)); }

Result<Bytes> checked_size(std::string_view text) {
  auto size = parse_bytes(text);
  if (size && (*size < mib(8) || *size > gib(1024)))
    return make_error(ErrorCode::malformed, "vacuum_size is not within 8MiB to 1TiB");
  return size;
}

Result<Plan> plan(const Incident& incident, const HostView& host, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::filesystem)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a filesystem");
  std::string vacuum_size(kParams[0].fallback);
  for (const Attribute& param : params)
    if (param.key == kParams[0].name) vacuum_size = param.value;
  const auto size = checked_size(vacuum_size);
  if (!size) return size.error();

  double share = 0, rate = 0;
  for (const Event* file : host.growing_files(incident.root, kFactsAge)) {
    if (!is_journal_path(file->get(attr::kFilePath))) continue;
    share += parse_double(file->get(attr::kFileGrowthShare)).value_or(0);
    rate += parse_double(file->get(attr::kFileGrowth)).value_or(0);
  }
  if (share < kLeastShare)
    return make_error(ErrorCode::not_found, strf("the journal explains %.0f%% of the growth, not half", share * 100));

  Plan plan;
  plan.action = kJournalVacuum.name;
  plan.target = incident.root;
  plan.parameters = {{"vacuum_size", vacuum_size}};
  plan.what = "shrink the archived journal to " + vacuum_size + ", which grows " + format_bytes(rate) + "/s on " +
              incident.root.name;
  plan.command = "journalctl --rotate --vacuum-size=" + as_journalctl(*size);
  plan.timeout = kJournalVacuum.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kJournalVacuum, kPlanParams); !status) return status;
  if (!is_clean_path(plan.target.name)) return make_error(ErrorCode::malformed, "the target is not a mount point");
  if (const auto size = checked_size(plan.get("vacuum_size")); !size) return size.error();
  return ok();
}

}  // namespace

const ActionInfo kJournalVacuum{.name = "journal.vacuum",
                                .summary = "remove the oldest archived journals",
                                .targets = kinds(EntityKind::filesystem),
                                .params = kParams,
                                .reversible = false,
                                .local_safe = true,
                                .capabilities = "CAP_DAC_OVERRIDE",
                                .timeout = std::chrono::seconds(60),
                                .cost = "Old entries of the journal are gone.",
                                .undo = "",
                                .plan = plan,
                                .validate = validate};

}  // namespace hostmedic
