// SPDX-License-Identifier: Apache-2.0
// The agent's configuration: /etc/hostmedic/hostmedic.toml, then conf.d/*.toml in byte order. A later file wins key by
// key; [[rule]] and [[event_rule]] change the rule of the same id, [[expected]], [[check]] and [[scrape]] replace it.
// Blocking file reads; plain values after that.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/log.h"
#include "agent/base/time.h"
#include "agent/config/diagnostic.h"
#include "detect/engine.h"
#include "probes/settings/settings.h"

namespace hostmedic {

inline constexpr const char* kAgentConfigFile = "/etc/hostmedic/hostmedic.toml";

struct AgentConfigPaths {
  std::string file = kAgentConfigFile;
  std::string drop_ins = "/etc/hostmedic/conf.d";
};

struct StoreConfig {
  Bytes most_size = mib(256);
  Duration most_age = std::chrono::hours(24 * 90);
};

struct RecorderConfig {
  bool enabled = true;
  Duration keep = std::chrono::hours(6);
  Bytes size = mib(64);
  Duration before = std::chrono::minutes(10);  // of an incident's recording
  Duration keep_incidents = std::chrono::hours(24 * 14);
};

struct UpstreamConfig {
  std::string url;  // empty: nothing is reported
  std::string ca = "/etc/hostmedic/tls/ca.crt";
  std::string certificate = "/etc/hostmedic/tls/agent.crt";
  std::string key = "/etc/hostmedic/tls/agent.key";
  Duration heartbeat = std::chrono::minutes(1);
  Bytes spool_size = mib(32);
  Duration spool_age = std::chrono::hours(24 * 7);
};

struct AgentConfig {
  std::string state_dir = "/var/lib/hostmedic";
  std::string run_dir = "/run/hostmedic";
  std::string control_group = "hostmedic";
  std::string actuator_socket = "/run/hostmedic-actuator/actuator.sock";
  LogLevel log_level = LogLevel::info;
  ProbeSettings probes;
  StoreConfig store;
  UpstreamConfig upstream;
  RecorderConfig recorder;
  detect::EngineConfig engine = detect::default_engine_config();
};

// All faults are found, not only the first. A main file that is missing is an error, except at the default path, where
// it means the defaults and is noticed.
Loaded<AgentConfig> load_agent_config(const AgentConfigPaths& paths);
// The same from one text; file names it in diagnostics.
Loaded<AgentConfig> parse_agent_config(std::string_view text, const std::string& file);

// A key whose value differs, "upstream.url", or "rule filesystem-forecast".
struct KeyChange {
  std::string key;
  bool restart = false;  // does not take effect before a restart
};
std::vector<KeyChange> changed_keys(const AgentConfig& from, const AgentConfig& to);
// Detection is made anew for it.
bool concerns_detection(const KeyChange& change);

}  // namespace hostmedic
