// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/doctor.h"

#include <linux/capability.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "agent/base/bytes.h"
#include "agent/base/text.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

constexpr double kLeastSpace = 64 << 20;
constexpr double kLeastShare = 0.02;
constexpr Duration kCertificateSoon = std::chrono::hours(24 * 30);

Finding good(std::string name, std::string seen) { return {std::move(name), true, std::move(seen), "", ""}; }

Finding of_failure(const std::string& name, const Failure& failure, const std::string& lost) {
  return {name, false, failure.cause, lost, failure.remedy};
}

void add_daemon(const Facts& facts, std::vector<Finding>& out) {
  if (!facts.status.body) {
    out.push_back(of_failure("agent", facts.status.failure, "nothing is detected, treated or reported"));
    return;
  }
  const json::object& status = object_at(*facts.status.body, "status");
  out.push_back(good("agent", "answers, version " + text_at(status, "version", 32)));
  const std::string config = text_at(status, "config_error");
  if (!config.empty())
    out.push_back({"reload", false, config, "changes since the last good configuration", "hostmedic check"});
  const json::object& link = object_at(status, "probe");
  if (flag_at(link, "connected"))
    out.push_back(good("probe", "connected"));
  else
    out.push_back({"probe", false, "the agent says: " + text_at(link, "text"), "the agent sees nothing",
                   "systemctl status hostmedic-probe"});
  const std::string no_disk = text_at(object_at(status, "store"), "no_disk");
  if (!no_disk.empty())
    out.push_back({"store", false, "in memory: " + no_disk, "nothing is treated, incidents do not outlive a boot",
                   "mend " + facts.state_dir + "; the agent goes back to it by itself"});
  const std::string store = text_at(object_at(status, "store"), "last_error");
  if (!store.empty())
    out.push_back({"store", false, store, "incidents and orders may not outlive a restart",
                   "look at the space and the owner of " + facts.state_dir});
  const std::string recorder = text_at(object_at(status, "recorder"), "error");
  if (!recorder.empty())
    out.push_back({"recorder", false, recorder, "what is decided now cannot be played again",
                   "look at the space and the owner of " + facts.state_dir + "/recorder"});
}

void add_probes(const Facts& facts, std::vector<Finding>& out) {
  if (!facts.probes.body) return;
  for (const json::value& one : array_at(*facts.probes.body, "items")) {
    if (!one.is_object()) continue;
    const json::object& row = one.get_object();
    const std::string name = "probe " + text_at(row, "name", 64), state = text_at(row, "state", 32);
    if (state == "available") {
      out.push_back(good(name, "reads"));
    } else {
      out.push_back({name, false, state + ": " + text_at(row, "reason"), "what this probe would show",
                     state == "late" ? "journalctl -u hostmedic-probe" : ""});
    }
  }
}

// Capabilities that the probe gives back when its programs are loaded.
void add_rights(const Facts& facts, std::vector<Finding>& out) {
  if (!facts.probe_rights) return;
  constexpr std::pair<int, const char*> kKnown[] = {{CAP_BPF, "BPF"},
                                                    {CAP_PERFMON, "PERFMON"},
                                                    {CAP_SYS_PTRACE, "SYS_PTRACE"},
                                                    {CAP_DAC_READ_SEARCH, "DAC_READ_SEARCH"}};
  std::string held;
  std::uint64_t rest = *facts.probe_rights;
  for (const auto& [number, name] : kKnown) {
    if ((rest >> number & 1) == 0) continue;
    rest &= ~(std::uint64_t{1} << number);
    held += (held.empty() ? "" : ", ") + std::string(name);
  }
  if (rest != 0) held += strf("%s%d others", held.empty() ? "" : ", ", std::popcount(rest));
  const bool loads = (*facts.probe_rights >> CAP_BPF & 1) != 0;
  out.push_back(good("probe rights", "holds " + (held.empty() ? std::string("no capability") : held) +
                                         (loads ? "; why BPF is kept: journalctl -u hostmedic-probe" : "")));
}

void add_actuator(const Facts& facts, std::vector<Finding>& out) {
  if (!facts.actuator) {
    const Failure failure =
        failure_of(facts.actuator.error(), "the actuator", "systemctl enable --now hostmedic-actuator.socket");
    // Who may not ask cannot know whether it works.
    const bool refused = failure.exit == Exit::denied;
    out.push_back(of_failure("actuator", failure,
                             refused ? "whether it works is not known" : "nothing can be treated, only observed"));
    return;
  }
  if (!facts.actuator->status) {
    out.push_back({"actuator", false, "answers without its status", "its brakes are not known", ""});
    return;
  }
  const ActuatorStatus& status = *facts.actuator->status;
  std::string seen = "answers, " + printable(status.policy, 256);
  if (status.brakes.halted) seen += "; halted by " + printable(status.brakes.halted_by, 128);
  const auto windows = std::count_if(status.brakes.maintenance.begin(), status.brakes.maintenance.end(),
                                     [&](const guard::Maintenance& window) { return window.until > facts.now; });
  if (windows > 0) seen += strf("; %zu maintenance windows", static_cast<std::size_t>(windows));
  out.push_back(good("actuator", seen));
  if (!status.ledger.empty())
    out.push_back({"ledger", false, printable(status.ledger, 256), "the memory of what was done",
                   "journalctl -u hostmedic-actuator; then hostmedic resume"});
  if (!facts.status.body) return;
  const json::object& agent = object_at(*facts.status.body, "status");
  if (!text_at(object_at(agent, "store"), "no_disk").empty()) return;  // it says why it is halted
  const bool halted = flag_at(agent, "halted");
  if (halted != status.brakes.halted)
    out.push_back(
        {"kill switch", false,
         std::string(halted ? "the agent is halted, the actuator is not" : "the actuator is halted, the agent is not"),
         "they do not agree; nothing is treated", "hostmedic halt, or hostmedic resume"});
}

void add_configuration(const Facts& facts, std::vector<Finding>& out) {
  std::size_t errors = 0;
  std::string first;
  for (const Diagnostic& one : facts.configuration) {
    if (!one.error) continue;
    if (errors++ == 0) first = to_string(one);
  }
  if (errors == 0) {
    out.push_back(good("configuration", "valid; the policy is root's"));
  } else {
    out.push_back({"configuration", false, first + (errors > 1 ? strf(" (and %zu more)", errors - 1) : ""),
                   "it is refused at the next start or reload", "hostmedic check"});
  }
}

void add_host(const Facts& facts, std::vector<Finding>& out) {
  const auto either = [&](const std::string& name, bool there, const std::string& seen, const std::string& missing,
                          const std::string& lost, const std::string& fix) {
    out.push_back(there ? good(name, seen) : Finding{name, false, missing, lost, fix});
  };
  either("kernel types", facts.btf, "BTF is there", "the kernel has no BTF", "BPF: exits and OOM kills as they happen",
         "a kernel with CONFIG_DEBUG_INFO_BTF");
  either("pressure", facts.psi, "PSI is there", "the kernel gives no PSI", "stalls of CPU, memory and disk",
         "boot with psi=1, on a kernel with CONFIG_PSI");
  either("system bus", facts.system_bus, "D-Bus is there", "no system bus",
         "services: their state and every treatment of them", "install dbus, on a host that systemd runs");
  switch (facts.cgroup) {
    case CgroupSetup::v2: out.push_back(good("cgroups", "version 2")); break;
    case CgroupSetup::hybrid:
      out.push_back({"cgroups", false, "versions 1 and 2 mixed", "memory and CPU of services, in part",
                     "boot with systemd.unified_cgroup_hierarchy=1"});
      break;
    case CgroupSetup::v1:
      out.push_back({"cgroups", false, "version 1", "memory and CPU of services, in part",
                     "boot with systemd.unified_cgroup_hierarchy=1"});
      break;
    case CgroupSetup::none:
      out.push_back({"cgroups", false, "not mounted", "memory, CPU and tasks of services", ""});
      break;
  }
  if (!facts.state_space) {
    out.push_back({"state", false, facts.state_dir + " cannot be looked at", "incidents may not outlive a restart",
                   "systemctl start hostmedic makes it"});
  } else {
    const bool enough = facts.state_space->free_bytes >= kLeastSpace && facts.state_space->free_share >= kLeastShare;
    const std::string seen = format_bytes(facts.state_space->free_bytes) + " free for " + facts.state_dir;
    either("state", enough, seen, seen, "incidents and reports may be lost", "free some space there");
  }
  if (facts.clock_synchronized)
    either("clock", *facts.clock_synchronized, "synchronized", "not synchronized",
           "times of incidents; certificates may look expired", "systemctl enable --now systemd-timesyncd");
}

void add_upstream(const Facts& facts, std::vector<Finding>& out) {
  if (facts.upstream_url.empty()) {
    out.push_back(good("upstream", "none configured: incidents stay on this host"));
    return;
  }
  if (facts.status.body) {
    const json::object& up = object_at(object_at(*facts.status.body, "status"), "upstream");
    const std::string error = text_at(up, "last_error");
    const auto success = time_at(up, "last_success_unix_nano");
    if (!error.empty())
      out.push_back({"upstream", false, facts.upstream_url + ": " + error, "reports wait on this host's disk",
                     "is the address right, its port open, the aggregator running?"});
    else
      out.push_back(good("upstream", facts.upstream_url + (success ? ", last delivery " + relative(*success, facts.now)
                                                                   : std::string(", nothing was sent yet"))));
  }
  if (!facts.certificate_end) {
    out.push_back({"certificate", false, facts.certificate_end.error().message(), "nothing can be reported",
                   "hostmedic enroll BUNDLE"});
    return;
  }
  const WallTime end = *facts.certificate_end;
  const std::string seen = (end <= facts.now ? "expired " : "expires ") + relative(end, facts.now);
  if (end - facts.now >= kCertificateSoon)
    out.push_back(good("certificate", seen));
  else
    out.push_back({"certificate", false, seen, end <= facts.now ? "nothing can be reported" : "reporting, from then on",
                   "make a new bundle: hostmedic-aggregator enroll; then hostmedic enroll BUNDLE"});
}

}  // namespace

std::vector<Finding> examine(const Facts& facts) {
  std::vector<Finding> out;
  add_daemon(facts, out);
  add_probes(facts, out);
  add_rights(facts, out);
  add_actuator(facts, out);
  add_configuration(facts, out);
  add_host(facts, out);
  add_upstream(facts, out);
  return out;
}

std::string render_findings(const std::vector<Finding>& findings, const Look& look) {
  Table table;
  for (const Finding& finding : findings) {
    std::string text = finding.seen;
    if (!finding.lost.empty()) text += "; lost: " + finding.lost;
    if (!finding.fix.empty()) text += "; fix: " + finding.fix;
    table.add({{finding.good ? "ok" : "degraded", finding.good ? Tone::good : Tone::warning},
               {finding.name, finding.good ? Tone::plain : Tone::strong},
               {std::move(text)}});
  }
  return table.render(look);
}

Exit run_doctor(Context& context) {
  const std::vector<Finding> findings = examine(gather_facts(context));
  const bool healthy = std::all_of(findings.begin(), findings.end(), [](const Finding& one) { return one.good; });
  if (context.json) {
    json::array rows;
    for (const Finding& finding : findings)
      rows.push_back({{"check", finding.name},
                      {"state", finding.good ? "ok" : "degraded"},
                      {"seen", finding.seen},
                      {"lost", finding.lost},
                      {"fix", finding.fix}});
    write_json(context, rows);
  } else {
    context.out << render_findings(findings, context.look);
  }
  return healthy ? Exit::fine : Exit::negative;
}

}  // namespace hostmedic
