// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "actions/catalog/container/effect_found.h"
#include "actions/catalog/container/effect_group.h"
#include "actions/catalog/effect_child.h"
#include "actions/catalog/evidence_collect/effect_sources.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostOutput = 4 << 20;
constexpr Duration kToolTime = std::chrono::seconds(10);
constexpr const char* kSystemctl = "/usr/bin/systemctl";
constexpr const char* kGroupFiles[] = {"cgroup.events", "cpu.pressure",   "cpu.stat",      "io.pressure",
                                       "io.stat",       "memory.current", "memory.events", "memory.pressure",
                                       "memory.stat",   "pids.current"};
// Chosen by name: the environment and the command lines of a unit may hold secrets.
constexpr const char* kUnitProperties =
    "--property=Id,Names,Description,LoadState,ActiveState,SubState,Result,FragmentPath,DropInPaths,UnitFileState,"
    "NeedDaemonReload,MainPID,ControlPID,NRestarts,ExecMainCode,ExecMainStatus,ExecMainStartTimestamp,"
    "ExecMainExitTimestamp,StateChangeTimestamp,InvocationID,User,Group,DynamicUser,ControlGroup,MemoryCurrent,"
    "MemoryHigh,MemoryMax,TasksCurrent,TasksMax,CPUUsageNSec,CPUQuotaPerSecUSec,IOReadBytes,IOWriteBytes,Restart,"
    "RestartUSec,TimeoutStartUSec,TimeoutStopUSec,WatchdogUSec,Requires,Wants,BindsTo,PartOf,After,TriggeredBy,"
    "NoNewPrivileges,CapabilityBoundingSet,AmbientCapabilities,ProtectSystem,PrivateNetwork";
// The same for a container; .Config holds its environment.
constexpr const char* kContainerFields =
    "{{.Id}} {{.Name}} {{.Image}} created {{.Created}} restarts {{.RestartCount}}\n{{json .State}}\n{{json .Mounts}}\n"
    "{{json .NetworkSettings}}\n{{json .HostConfig}}\n";

void collect_output(const std::string& name, std::vector<std::string> argv, Stage& stage) {
  const auto end =
      capture_program({.argv = std::move(argv), .most_output = kMostOutput}, std::min(kToolTime, stage.left()));
  if (!end) return stage.leave_out(name, end.error().message());
  if (end->status != 0) stage.leave_out(name, strf("ended with status %d", end->status));
  if (end->cut) stage.leave_out(name, "cut at " + format_bytes(Bytes{end->output.size()}));
  stage.put(name, end->output);
}

std::string group_of_unit(const std::string& unit) {
  const auto root = group_root();
  const auto end = capture_program(
      {.argv = {kSystemctl, "show", "--property=ControlGroup", "--value", "--", unit}, .most_output = 4096}, kToolTime);
  if (!root || !end || end->status != 0) return {};
  const std::string_view path = trim(end->output);
  return path.empty() || path == "/" ? "" : *root + std::string(path);
}

std::string name_of(const std::string& path) {
  std::error_code failed;
  const auto target = std::filesystem::read_symlink(path, failed);
  return failed ? "" : target.filename().string();
}

// Those that run an executable of that name, as the processes of an entity do.
std::vector<std::uint32_t> named(const std::string& proc, const std::string& name, std::size_t most) {
  std::vector<std::uint32_t> found;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(proc, failed)) {
    const auto pid = parse_u64(entry.path().filename().string());
    if (!pid || found.size() == most) continue;
    const auto comm = read_file(entry.path().string() + "/comm", kib(1));
    if ((comm && trim(*comm) == name) || name_of(entry.path().string() + "/exe") == name)
      found.push_back(static_cast<std::uint32_t>(*pid));
  }
  return found;
}

Status find_container(EvidenceTarget& target) {
  const auto found = find_any_container(target.entity.name);
  if (!found) return found.error();
  target.container = found->id;
  target.group = found->group;
  const auto root = group_root();
  if (!target.group.empty() || !root) return ok();
  if (const auto group = find_container_group(*root, found->id)) target.group = group->path;
  return ok();
}

}  // namespace

Result<EvidenceTarget> find_target(const Entity& entity, const std::string& proc) {
  EvidenceTarget target;
  target.entity = entity;
  constexpr std::size_t kAsked = kMostEvidenceProcesses + 1;
  if (entity.kind == EntityKind::process) {
    target.processes = named(proc, entity.name, kAsked);
    if (target.processes.empty()) return make_error(ErrorCode::not_found, "no process runs " + entity.name);
  } else if (entity.kind == EntityKind::container) {
    if (Status found = find_container(target); !found) return found.error();
  } else {
    target.unit = entity.name;
    target.group = group_of_unit(target.unit);
  }
  if (!target.group.empty()) target.processes = processes_of(target.group, kAsked);
  target.more_processes = target.processes.size() > kMostEvidenceProcesses;
  std::sort(target.processes.begin(), target.processes.end());
  target.processes.resize(std::min(target.processes.size(), kMostEvidenceProcesses));
  return target;
}

void collect_surroundings(const EvidenceTarget& target, std::uint64_t journal_seconds, Stage& stage) {
  const std::string since = strf("--since=-%llus", static_cast<unsigned long long>(journal_seconds));
  std::vector<std::string> journal{"/usr/bin/journalctl",        "--no-pager", "--quiet", "--lines=5000",
                                   "--output=short-iso-precise", since};
  if (!target.unit.empty()) {
    collect_output("unit/properties", {kSystemctl, "show", "--no-pager", kUnitProperties, "--", target.unit}, stage);
    journal.push_back("--unit=" + target.unit);
  } else if (!target.container.empty()) {
    for (const char* engine : {"/usr/bin/docker", "/usr/bin/podman"})
      if (::access(engine, X_OK) == 0)
        collect_output("container/" + std::filesystem::path(engine).filename().string(),
                       {engine, "inspect", "--type", "container", "--format", kContainerFields, target.container},
                       stage);
    journal.push_back("CONTAINER_ID_FULL=" + target.container);
  } else {
    journal.push_back("_COMM=" + target.entity.name);
  }
  if (!target.group.empty())
    for (const char* file : kGroupFiles)
      if (::access((target.group + "/" + file).c_str(), F_OK) == 0)
        stage.copy(std::string("cgroup/") + file, target.group + "/" + file, kib(64).count);
  collect_output("journal", std::move(journal), stage);
}

}  // namespace hostmedic
