// SPDX-License-Identifier: Apache-2.0
// The rules that ship by default, each with the reason for its numbers.
#include "detect/default_models.h"
#include "detect/engine.h"
#include "detect/model/names.h"
#include "detect/rules/defaults.h"

namespace hostmedic::detect {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Params = std::vector<std::pair<std::string, double>>;

Rule rule(std::string id, const MetricInfo& metric, std::string attributes, std::string detector, Params params,
          std::string kind, Severity severity, double weight, std::string why) {
  Rule made;
  made.id = std::move(id);
  made.metric = metric.name;
  made.attributes = std::move(attributes);
  made.detector = std::move(detector);
  made.params = std::move(params);
  made.incident_kind = std::move(kind);
  made.severity = severity;
  made.weight = weight;
  made.why = std::move(why);
  return made;
}

// Only supports what another rule opened.
Rule support(Rule made) {
  made.opens = false;
  return made;
}

void add_filesystem(std::vector<Rule>& rules) {
  const auto& space = metric::kFilesystemUtilization;
  const auto& inodes = metric::kFilesystemInodesUtilization;
  rules.push_back(rule("filesystem-forecast", space, "", "exhaustion", {{"horizon", 600}, {"floor", 0.5}},
                       "filesystem.filling", Severity::error, 1,
                       "ten minutes are enough for a human and plenty for a treatment; below half full there is time"));
  rules.push_back(rule("filesystem-full", space, "", "above_for",
                       {{"limit", 0.97}, {"margin", 0.02}, {"hold", 2}, {"hold_clear", 2}}, "filesystem.filling",
                       Severity::critical, 1, "3% left: writers fail soon; two seconds tell it from a passing file"));
  rules.push_back(rule("filesystem-nearly-full", space, "", "above_for",
                       {{"limit", 0.90}, {"margin", 0.02}, {"hold", 10}}, "filesystem.filling", Severity::warning, 0.6,
                       "many hosts live at 90% for years, so by itself it is only a warning"));
  rules.push_back(rule("inodes-forecast", inodes, "", "exhaustion", {{"horizon", 600}, {"floor", 0.5}},
                       "filesystem.inodes_filling", Severity::error, 1,
                       "as for space: no inode left means no new file"));
  rules.push_back(rule("inodes-nearly-full", inodes, "", "above_for", {{"limit", 0.90}, {"margin", 0.02}, {"hold", 10}},
                       "filesystem.inodes_filling", Severity::warning, 0.7,
                       "inodes are sized with a wide margin; 90% is rarely normal"));
}

void add_memory(std::vector<Rule>& rules) {
  const auto& used = metric::kMemoryUtilization;
  rules.push_back(rule("memory-full", used, "", "above_for",
                       {{"limit", 0.95}, {"margin", 0.03}, {"hold", 60}, {"hold_clear", 10}}, "memory.exhaustion",
                       Severity::error, 0.8,
                       "available memory counts what can be reclaimed: 5% for a minute is scarce"));
  rules.push_back(rule("memory-forecast", used, "", "exhaustion",
                       {{"horizon", 300}, {"floor", 0.7}, {"hold", 5}, {"confidence", 0.85}}, "memory.exhaustion",
                       Severity::warning, 0.8,
                       "memory moves in bursts: more floor, more hold and a nearer horizon than for disks"));
  rules.push_back(rule("memory-stalled", metric::kPressureStall, "*kind=full*resource=memory", "above_for",
                       {{"limit", 0.1}, {"margin", 0.05}, {"hold", 30}}, "memory.exhaustion", Severity::error, 1,
                       "10% of the time nothing runs for want of memory: the host thrashes"));
  rules.push_back(support(rule("swap-full", metric::kSwapUtilization, "", "above_for",
                               {{"limit", 0.9}, {"margin", 0.05}, {"hold", 60}}, "memory.exhaustion", Severity::warning,
                               0.5, "full swap without pressure harms nobody, so it only supports")));
  rules.push_back(support(rule("memory-unusual", used, "", "zscore", {}, "memory.exhaustion", Severity::info, 0.5,
                               "what is unusual is not yet bad, so it only supports")));
}

void add_load(std::vector<Rule>& rules) {
  rules.push_back(rule("cpu-no-idle", metric::kCpuTime, "*cpu.mode=idle", "below_for",
                       {{"limit", 0.05}, {"margin", 0.05}, {"hold", 300}, {"hold_clear", 30}}, "cpu.saturated",
                       Severity::warning, 0.7, "a batch job may fill the CPUs for minutes; five say it is lasting"));
  rules.push_back(rule("cpu-stalled", metric::kPressureStall, "*kind=some*resource=cpu", "above_for",
                       {{"limit", 0.8}, {"margin", 0.2}, {"hold", 300}, {"hold_clear", 30}}, "cpu.saturated",
                       Severity::warning, 0.8, "80% of the time something waits for a CPU"));
  rules.push_back(rule("io-stalled", metric::kPressureStall, "*kind=full*resource=io", "above_for",
                       {{"limit", 0.4}, {"margin", 0.2}, {"hold", 60}, {"hold_clear", 15}}, "io.stalled",
                       Severity::warning, 0.8,
                       "40% of the time everything waits for disks; a backup does less, or ends"));
  rules.push_back(rule("disk-busy", metric::kDiskIoTime, "", "above_for",
                       {{"limit", 0.95}, {"margin", 0.15}, {"hold", 120}, {"hold_clear", 15}}, "disk.saturated",
                       Severity::warning, 0.6, "busy all the time for two minutes; fast disks can be busy and well"));
  rules.push_back(
      support(rule("disk-queue", metric::kDiskPending, "", "above_for", {{"limit", 16}, {"margin", 8}, {"hold", 30}},
                   "disk.saturated", Severity::warning, 0.7, "a queue beside a busy disk means that requests wait")));
  rules.push_back(rule("network-errors", metric::kNetworkErrors, "*", "rate_above", {{"limit", 1}, {"window", 60}},
                       "network.errors", Severity::warning, 0.8,
                       "sound links have no errors; one a second is a fault"));
  rules.push_back(support(rule("load-unusual", metric::kLoad1, "", "zscore", {}, "cpu.saturated", Severity::info, 0.4,
                               "what is unusual is not yet bad, so it only supports")));
}

void add_services(std::vector<Rule>& rules) {
  // Critical, so that it names the incident before the failure that ends the loop: a restart is no cure for it.
  rules.push_back(rule("service-crash-loop", metric::kServiceRestarts, "", "rate_above",
                       {{"limit", 3.0 / 60}, {"window", 60}}, "service.crash_looping", Severity::critical, 1,
                       "systemd itself restarted it more than three times in a minute"));
  rules.push_back(rule("service-falls-at-once", metric::kServiceRestarts, "", "rate_above",
                       {{"limit", 1.0 / 10}, {"window", 10}}, "service.crash_looping", Severity::error, 1,
                       "restarted twice within ten seconds: what systemd starts again does not stay up"));
}

EventRule event(std::string id, EventKind kind, std::string_view key, std::string value, std::string incident_kind,
                Severity severity, double probability, std::string why) {
  EventRule made;
  made.id = std::move(id);
  made.kind = kind;
  made.key = key;
  made.value = std::move(value);
  made.incident_kind = std::move(incident_kind);
  made.severity = severity;
  made.probability = probability;
  made.proof = false;
  made.why = std::move(why);
  return made;
}

void add_events(std::vector<EventRule>& rules) {
  EventRule failed = event("service-failed", EventKind::unit_state, attr::kUnitActiveState, "failed", "service.failed",
                           Severity::error, 0.99, "systemd's own word, the proof by itself");
  failed.proof = true;
  failed.entity = "service:*";
  failed.clear_values = {"active", "inactive"};  // inactive: a human stopped it or reset the failure
  // A unit with a restart policy passes through `failed` on its way to systemd's own restart; one without stays there.
  failed.open_after = milliseconds(1500);
  failed.at_once_key = attr::kUnitRestartPolicy;
  failed.at_once_value = "no";
  failed.withdraw_values = {"activating", "reloading"};
  rules.push_back(std::move(failed));

  EventRule oom = event("service-oom-killed", EventKind::oom_kill, attr::kProcessUnit, "*", "service.oom_killed",
                        Severity::warning, 0.8, "the kernel killed a part; if the unit fails of it, that says more");
  oom.unit_key = attr::kProcessUnit;
  oom.open_after = seconds(2);
  oom.expires = seconds(30);
  rules.push_back(std::move(oom));

  EventRule signalled = event("process-signalled", EventKind::process_exit, attr::kProcessExitSignal, "*", "",
                              Severity::info, 0.5, "seen by the kernel, independent of what systemd says");
  signalled.unit_key = attr::kProcessUnit;
  signalled.opens = false;
  signalled.expires = seconds(30);
  rules.push_back(std::move(signalled));

  EventRule growth = event("file-growth", EventKind::file_growth, attr::kFileGrowthShare, "*", "", Severity::info, 0.8,
                           "one file that makes up half of the growth explains it; seen by its size, not by statfs");
  growth.entity = "filesystem:*";
  growth.at_least = 0.5;
  growth.opens = false;
  growth.expires = seconds(10);
  rules.push_back(std::move(growth));
}

void add_behaviour(std::vector<EventRule>& rules) {
  constexpr auto kKey = attr::kBehaviourKind;
  EventRule service =
      event("service-behaviour", EventKind::behaviour, kKey, "service_novelty", std::string(kServiceBehaviour),
            Severity::warning, 0.6, "several new things at once, as seldom as once in eight years; yet new is not bad");
  service.unit_key = attr::kProcessUnit;
  service.expires = minutes(15);
  EventRule host = service;
  host.id = "host-behaviour";
  host.value = "host_novelty";
  host.unit_key.clear();
  host.incident_kind = kHostBehaviour;
  host.severity = Severity::info;
  host.probability = 0.4;
  host.why = "what is no service is people at work and programs of nobody, where new is common";
  EventRule container = service;
  container.id = "container-behaviour";
  container.value = "container_novelty";
  container.unit_key.clear();
  container.incident_kind = kContainerBehaviour;
  container.severity = Severity::error;
  container.probability = 0.9;
  container.proof = true;
  container.why =
      "an image does not change while it runs: several new things of different kinds at once come of "
      "whoever works in it, and each of them is a signal by itself";
  EventRule weak = event("new-behaviour", EventKind::behaviour, kKey, "weak_novelty", "", Severity::info, 0.3,
                         "one new thing is no fault, but beside a fault it may be its cause");
  weak.unit_key = attr::kProcessUnit;
  weak.opens = false;
  weak.expires = minutes(15);
  for (EventRule* made : {&service, &host, &container, &weak}) rules.push_back(std::move(*made));
}

}  // namespace

EngineConfig default_engine_config() {
  EngineConfig config;
  add_filesystem(config.rules);
  add_memory(config.rules);
  add_load(config.rules);
  add_services(config.rules);
  add_default_models(config.rules);
  add_events(config.event_rules);
  add_behaviour(config.event_rules);
  add_cpu_and_memory(config);
  add_disks(config);
  add_network(config);
  add_kernel(config);
  add_hardware(config);
  add_units(config);
  add_endpoints(config);
  add_agent(config);
  return config;
}

}  // namespace hostmedic::detect
