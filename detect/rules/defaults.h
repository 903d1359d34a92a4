// SPDX-License-Identifier: Apache-2.0
// The shipped rules as tables, one file per topic (default_<topic>.cpp). A row says why its numbers are what they are.
// Constants; any thread.
#pragma once

#include <span>
#include <string_view>

#include "detect/engine.h"

namespace hostmedic::detect {

struct DefaultCondition {
  std::string_view id, when, incident_kind;
  Severity severity{};
  double probability = 0;
  std::string_view why;
  std::string_view entity = "*";
  bool opens = true;   // false: only supports
  bool proof = false;  // enough by itself to act on
};
struct DefaultEvent {
  std::string_view id;
  EventKind kind{};
  std::string_view key, value, incident_kind;
  Severity severity{};
  double probability = 0;
  Duration expires{};  // zero: ends only by one of `clear`
  std::string_view why;
  std::string_view clear{};  // values that end it, separated by '|'
  bool opens = true;
  Duration open_after{};
  bool proof = false;
};

void add(std::span<const DefaultCondition> rows, EngineConfig& ret_config);
void add(std::span<const DefaultEvent> rows, EngineConfig& ret_config);

void add_cpu_and_memory(EngineConfig& ret_config);
void add_disks(EngineConfig& ret_config);
void add_network(EngineConfig& ret_config);
void add_kernel(EngineConfig& ret_config);  // its limits, its log, the clock
void add_hardware(EngineConfig& ret_config);
void add_units(EngineConfig& ret_config);      // services, containers, processes
void add_endpoints(EngineConfig& ret_config);  // requests, checks, certificates, logs
void add_agent(EngineConfig& ret_config);

}  // namespace hostmedic::detect
