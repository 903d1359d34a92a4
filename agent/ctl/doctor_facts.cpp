// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <cerrno>
#include <filesystem>

#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/config/agent_config.h"
#include "agent/ctl/check.h"
#include "agent/ctl/doctor.h"
#include "agent/net/certificate.h"

namespace hostmedic {

namespace {

bool exists(const std::string& path) {
  struct stat seen{};
  return ::stat(path.c_str(), &seen) == 0;
}

CgroupSetup cgroup_setup(const std::string& sys) {
  const std::string root = sys + "/fs/cgroup";
  if (exists(root + "/cgroup.controllers")) return CgroupSetup::v2;
  if (exists(root + "/unified/cgroup.controllers")) return CgroupSetup::hybrid;
  return exists(root + "/memory") || exists(root + "/cpu") ? CgroupSetup::v1 : CgroupSetup::none;
}

std::optional<Facts::Space> space_of(const std::string& path) {
  struct statvfs seen{};
  if (::statvfs(path.c_str(), &seen) != 0 || seen.f_blocks == 0) return std::nullopt;
  const double available = static_cast<double>(seen.f_bavail);
  return Facts::Space{available * static_cast<double>(seen.f_frsize), available / static_cast<double>(seen.f_blocks)};
}

std::optional<bool> clock_synchronized() {
  struct timex clock{};
  const int state = ::adjtimex(&clock);  // modes 0: reads only
  if (state < 0) return std::nullopt;
  return (clock.status & STA_UNSYNC) == 0;
}

// By the name of the process, as the kernel has it: 15 letters.
std::optional<std::uint64_t> rights_of_probe(const std::string& proc) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(proc, error)) {
    if (!parse_u64(entry.path().filename().string())) continue;
    const auto name = read_file(entry.path().string() + "/comm", Bytes{64});
    if (!name || trim(*name) != "hostmedic-probe") continue;
    const auto status = read_file(entry.path().string() + "/status", kib(8));
    if (!status) continue;
    for (const std::string_view line : split(*status, '\n'))
      if (line.starts_with("CapPrm:"))
        if (const auto held = parse_u64(trim(line.substr(7)), 16)) return *held;
  }
  return std::nullopt;
}

}  // namespace

Facts gather_facts(Context& context) {
  Facts facts;
  facts.now = context.look.now;
  facts.status = ask_daemon(context.ask, {{"verb", "status"}});
  facts.probes = ask_daemon(context.ask, {{"verb", "list"}, {"what", "probes"}});
  ActuatorRequest request;
  request.kind = RequestKind::status;
  facts.actuator = context.ask_actuator(request);

  const Paths& paths = context.paths;
  facts.configuration = check_installed(paths);
  const auto config =
      load_agent_config({.file = paths.etc + "/hostmedic.toml", .drop_ins = paths.etc + "/conf.d"}).config;
  facts.probe_rights = rights_of_probe(paths.proc);
  facts.btf = exists(paths.sys + "/kernel/btf/vmlinux");
  facts.psi = exists(paths.proc + "/pressure/memory");
  facts.system_bus = exists(paths.system_bus);
  facts.cgroup = cgroup_setup(paths.sys);
  facts.state_dir = config.state_dir;
  facts.state_space = space_of(config.state_dir);
  facts.clock_synchronized = clock_synchronized();
  facts.upstream_url = config.upstream.url;
  facts.certificate_path = config.upstream.certificate;
  if (auto certificate = describe_certificate(config.upstream.certificate))
    facts.certificate_end = certificate->not_after;
  else
    facts.certificate_end = certificate.error();
  return facts;
}

}  // namespace hostmedic
