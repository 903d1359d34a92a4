// SPDX-License-Identifier: Apache-2.0
// `hostmedic doctor`: what is asked of the host, and what each answer means. gather_facts() looks; examine() is pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/diagnostic.h"
#include "agent/ctl/context.h"

namespace hostmedic {

enum class CgroupSetup : std::uint8_t { none, v1, hybrid, v2 };

struct Facts {
  WallTime now;
  Answer status, probes;  // of the daemon
  Result<ActuatorAnswer> actuator = make_error(ErrorCode::io, "not asked");
  std::vector<Diagnostic> configuration;      // and runbooks
  std::optional<std::uint64_t> probe_rights;  // capabilities of the running probe; absent: none runs
  bool btf = false, psi = false, system_bus = false;
  CgroupSetup cgroup = CgroupSetup::none;
  std::string state_dir;
  struct Space {
    double free_bytes = 0, free_share = 0;
  };
  std::optional<Space> state_space;
  std::optional<bool> clock_synchronized;  // absent: the kernel does not say
  std::string upstream_url, certificate_path;
  Result<WallTime> certificate_end = make_error(ErrorCode::not_found, "not looked for");
};

struct Finding {
  std::string name;
  bool good = true;
  std::string seen;  // one clause
  std::string lost;  // what does not work for it; empty when good
  std::string fix;
};

Facts gather_facts(Context& context);
std::vector<Finding> examine(const Facts& facts);
std::string render_findings(const std::vector<Finding>& findings, const Look& look);

}  // namespace hostmedic
