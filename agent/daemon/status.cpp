// SPDX-License-Identifier: Apache-2.0
// What the daemon says of itself, to the control socket and to the service manager.
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/daemon/daemon.h"
#include "agent/daemon/lists.h"
#include "agent/daemon/report.h"
#include "agent/self/usage.h"
#include "detect/model/names.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

json::value nullable(std::optional<WallTime> t) { return t ? json::value(to_ns(*t)) : json::value(nullptr); }

json::object upstream_status(const Reporter& reporter, const UpstreamConfig& upstream) {
  if (!reporter.configured()) return {{"url", ""}, {"state", "off"}};
  const OtlpExporterState state = reporter.state();
  const SpoolStats& spool = reporter.spool();
  return {{"url", upstream.url},
          {"state", state.connected            ? "connected"
                    : state.last_error.empty() ? "connecting"
                                               : "failing"},
          {"pending", spool.waiting},
          {"pending_bytes", spool.bytes.count},
          {"sent", state.sent_records},
          {"rejected", state.rejected_records + state.dead_records},
          {"dropped", spool.dropped},
          {"retries", state.retries},
          {"last_error", state.last_error},
          {"last_success_unix_nano", nullable(state.last_success)}};
}

json::object recorder_status(const FlightRecorder* recorder) {
  if (recorder == nullptr) return {{"enabled", false}};
  const FlightRecorder::State& state = recorder->state();
  return {{"enabled", true},
          {"error", state.error},
          {"bytes", state.ring.count},
          {"segments", state.segments},
          {"gaps", state.gaps},
          {"since_unix_nano", nullable(state.since)},
          {"recordings", state.recordings},
          {"recordings_bytes", state.kept.count}};
}

}  // namespace

json::object Daemon::status() const {
  const Pipeline& pipeline = *pipeline_;
  const Now at = now();
  json::array maintenance;
  for (const guard::Maintenance& window : pipeline.brakes().maintenance)
    if (window.until > at.wall)
      maintenance.push_back({{"until_unix_nano", to_ns(window.until)},
                             {"by", window.by},
                             {"reason", window.reason},
                             {"entity", window.entity}});
  json::array tier_rules;
  for (const guard::TierRule& rule : pipeline.policy().tiers)
    tier_rules.push_back({{"runbook", rule.runbook}, {"entity", rule.entity}, {"tier", to_string(rule.tier)}});
  const auto open = std::ranges::count_if(
      pipeline.incidents(), [](const auto& row) { return !row.second.closed_at && calls_for_a_human(row.second); });
  const auto suspicions = std::ranges::count_if(
      pipeline.incidents(), [](const auto& row) { return !row.second.closed_at && row.second.suspicion; });
  json::object status{
      {"version", version()},
      {"build_id", build_id()},
      {"pid", ::getpid()},
      {"host", host_identity().name},
      {"started_unix_nano", to_ns(started_)},
      {"tier", to_string(pipeline.policy().tier)},
      {"tier_rules", std::move(tier_rules)},
      {"halted", pipeline.brakes().halted},
      {"halted_by", pipeline.brakes().halted_by},
      {"maintenance", std::move(maintenance)},
      {"silences", *list_rows(*this, "silences")},
      {"expected", *list_rows(*this, "expected")},
      {"config_error", config_error_},
      {"probe",
       {{"connected", probe_connected_},
        {"text", probe_text_},
        {"frames", pipeline.frames()},
        {"lost_frames", pipeline.engine().lost_frames()},
        {"budget_level",
         pipeline.engine().host().value({EntityKind::agent, "probe"}, metric::kAgentBudgetLevel.name).value_or(0)},
        {"last_frame_age_ms",
         pipeline.frames() == 0 ? json::value(nullptr) : json::value(to_ns(at.mono - last_frame_) / 1'000'000)}}},
      {"detect",
       {{"entities", pipeline.engine().host().entity_count()},
        {"series", pipeline.engine().host().series_count()},
        {"detectors", pipeline.engine().detector_count()},
        {"bytes", pipeline.engine().bytes_used()},
        {"refused", pipeline.engine().refused()}}},
      {"incidents", {{"open", open}, {"suspicions", suspicions}, {"proposals", pipeline.proposals().size()}}},
      {"recorder", recorder_status(recorder_.get())},
      {"store",
       {{"errors", reporter_->store_errors()}, {"last_error", reporter_->store_error()}, {"no_disk", no_disk_}}},
      {"actuator", {{"last_error", actuator_error_}}},
      {"upstream", upstream_status(*reporter_, config_.upstream)}};
  if (const auto usage = own_usage())
    status["usage"] = {
        {"cpu_ns", to_ns(usage->cpu)}, {"resident_bytes", usage->resident.count}, {"switches", usage->switches}};
  return status;
}

std::string Daemon::status_line() const {
  if (!no_disk_.empty()) return "in memory, nothing is treated: " + no_disk_;
  const Brakes& brakes = pipeline_->brakes();
  if (brakes.halted) return "halted by " + brakes.halted_by;
  return "tier " + std::string(to_string(pipeline_->policy().tier)) + " by default, " +
         std::to_string(pipeline_->runbooks().size()) + " runbooks";
}

}  // namespace hostmedic
