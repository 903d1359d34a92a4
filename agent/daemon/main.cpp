// SPDX-License-Identifier: Apache-2.0
// hostmedicd: options, configuration, then the daemon until a signal ends it. Exit status: 0 ended by a signal,
// 64 usage, 69 cannot run here, 75 to be started again by the service manager, 78 configuration.
#include <getopt.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <optional>
#include <string>

#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/base/version.h"
#include "agent/config/policy_config.h"
#include "agent/config/runbook_config.h"
#include "agent/daemon/companions.h"
#include "agent/daemon/daemon.h"
#include "agent/daemon/identity.h"
#include "agent/self/heap.h"
#include "agent/self/memory_lock.h"

namespace hostmedic {
namespace {

constexpr int kUsage = 64, kUnavailable = 69, kAnew = 75, kConfig = 78;

constexpr const char* kHelp =
    "hostmedicd [options]\n"
    "  --config FILE      configuration (default /etc/hostmedic/hostmedic.toml)\n"
    "  --conf-dir DIR     additions to it (default /etc/hostmedic/conf.d)\n"
    "  --policy FILE      the guard's policy (default /etc/hostmedic/policy.toml)\n"
    "  --runbooks DIR     the shipped runbooks (default /usr/share/hostmedic/runbooks)\n"
    "  --state-dir DIR    overrides agent.state_dir\n"
    "  --run-dir DIR      overrides agent.run_dir\n"
    "  --all-in-one       also start the probe and the actuator\n"
    "  --verbose          log more\n"
    "  --version, --help\n";

// The options, or the status to exit with.
std::optional<int> parse_options(int argc, char** argv, DaemonOptions& ret_options, bool& ret_all_in_one) {
  enum { config = 256, conf_dir, policy, runbooks, state_dir, run_dir, all_in_one, verbose, version, help };
  const option options[] = {{"config", 1, nullptr, config},
                            {"conf-dir", 1, nullptr, conf_dir},
                            {"policy", 1, nullptr, policy},
                            {"runbooks", 1, nullptr, runbooks},
                            {"state-dir", 1, nullptr, state_dir},
                            {"run-dir", 1, nullptr, run_dir},
                            {"all-in-one", 0, nullptr, all_in_one},
                            {"verbose", 0, nullptr, verbose},
                            {"version", 0, nullptr, version},
                            {"help", 0, nullptr, help},
                            {nullptr, 0, nullptr, 0}};
  for (;;) {
    switch (::getopt_long(argc, argv, "", options, nullptr)) {
      case -1: break;
      case config: ret_options.paths.agent.file = optarg; continue;
      case conf_dir: ret_options.paths.agent.drop_ins = optarg; continue;
      case policy: ret_options.paths.policy = optarg; continue;
      case runbooks: ret_options.paths.runbook_dirs.insert(ret_options.paths.runbook_dirs.begin(), optarg); continue;
      case state_dir: ret_options.state_dir = optarg; continue;
      case run_dir: ret_options.run_dir = optarg; continue;
      case all_in_one: ret_all_in_one = true; continue;
      case verbose: set_log_level(LogLevel::debug); continue;
      case version: std::puts(version_line("hostmedicd").c_str()); return 0;
      case help: std::fputs(kHelp, stdout); return 0;
      default: std::fputs(kHelp, stderr); return kUsage;
    }
    break;
  }
  if (optind == argc) return std::nullopt;
  std::fputs(kHelp, stderr);
  return kUsage;
}

Status start_companions(Companions& companions, const DaemonOptions& options, const AgentConfig& config,
                        const std::string& run_dir) {
  const std::string state_dir = options.state_dir.empty() ? config.state_dir : options.state_dir;
  std::vector<std::string> probe{"--socket", run_dir + "/probe.sock", "--state-dir", state_dir};
  for (const std::string& root : config.probes.log_roots) probe.insert(probe.end(), {"--log-root", root});
  for (const std::string& name : config.probes.disable) probe.insert(probe.end(), {"--disable", name});
  if (Status started = companions.start("hostmedic-probe", probe); !started) return started;
  return companions.start("hostmedic-actuator",
                          {"--socket", options.actuator_socket, "--policy", options.paths.policy, "--ledger",
                           state_dir + "/ledger.db", "--scratch", run_dir, "--user", user_name(::getuid())});
}

}  // namespace
}  // namespace hostmedic

int main(int argc, char** argv) {
  using namespace hostmedic;
  keep_heap_small();
  DaemonOptions options;
  options.paths.policy = kPolicyFile;
  options.mounts = "/proc/self/mountinfo";
  bool all_in_one = false;
  if (const auto status = parse_options(argc, argv, options, all_in_one)) return *status;
  if (options.paths.runbook_dirs.empty()) options.paths.runbook_dirs = default_runbook_dirs();
  auto settings = load_settings(options.paths);
  if (!settings) return kConfig;  // each fault was logged with its place
  set_log_level(settings->agent.log_level);
  // Children are made while there is only one thread.
  Companions companions;
  if (all_in_one) {
    const std::string run_dir = options.run_dir.empty() ? settings->agent.run_dir : options.run_dir;
    options.actuator_socket = run_dir + "/actuator.sock";
    if (const Status started = start_companions(companions, options, settings->agent, run_dir); !started)
      log_error(started.error().message());
  }
  if (const Status locked = lock_memory(); !locked) log_info(locked.error().message() + " (ignored)");
  for (;;) {
    boost::asio::io_context io(1);
    Daemon daemon(io, options, std::move(*settings));
    if (const Status started = daemon.start(); !started) {
      log_error("cannot run: " + started.error().message());
      pause_before_restart();
      return kUnavailable;
    }
    io.run();
    if (!daemon.begins_anew()) return 0;
    // The next process gets a name space of its own, in which its mounts are as they are now.
    if (service_manager()) return kAnew;
    settings = load_settings(options.paths);
    if (!settings) return kConfig;
  }
}
