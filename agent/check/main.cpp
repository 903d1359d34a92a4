// SPDX-License-Identifier: Apache-2.0
// hostmedic-check: the active checks. Talks to the endpoints and exporters that are configured and hands frames to
// hostmedicd; decides nothing, and reads nothing of the host. Exit codes: 0 stopped, or nothing is configured; 1 could
// not start; 2 wrong usage.
#include <getopt.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>

#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/base/parse.h"
#include "agent/base/signals.h"
#include "agent/base/version.h"
#include "agent/check/net_asker.h"
#include "agent/check/run_plugin.h"
#include "agent/config/agent_config.h"
#include "agent/probe/run.h"

namespace hostmedic {
extern const ProbeInfo check_probe;
extern const ProbeInfo scrape_probe;
}  // namespace hostmedic

namespace {

using namespace hostmedic;

constexpr char kUsage[] =
    "usage: hostmedic-check [options]\n"
    "  --config FILE         take [[check]] and [[scrape]] from it and from conf.d beside it\n"
    "                        (default /etc/hostmedic/hostmedic.toml)\n"
    "  --socket PATH         socket of the agent (default /run/hostmedic/check.sock)\n"
    "  --plugin-socket PATH  where plug-ins are asked for (default /run/hostmedic-plugin.sock)\n"
    "  --print[=N]           write N frames (default 1) as text to the standard output, without an agent\n"
    "  --run-plugin          be the other end of the plug-ins' socket, for the service manager\n"
    "  --version, --help\n";

constexpr const ProbeInfo* kProbes[] = {&check_probe, &scrape_probe};

struct CommandLine {
  std::string config = kAgentConfigFile, socket = "/run/hostmedic/check.sock", plugin_socket = kPluginSocket;
  std::optional<int> print;
  bool run_plugin = false, help = false, version = false;
};

std::optional<CommandLine> parse_command_line(int argc, char** argv) {
  static constexpr option kOptions[] = {{"config", required_argument, nullptr, 'c'},
                                        {"socket", required_argument, nullptr, 's'},
                                        {"plugin-socket", required_argument, nullptr, 'x'},
                                        {"print", optional_argument, nullptr, 'P'},
                                        {"run-plugin", no_argument, nullptr, 'r'},
                                        {"help", no_argument, nullptr, 'h'},
                                        {"version", no_argument, nullptr, 'V'},
                                        {nullptr, 0, nullptr, 0}};
  CommandLine line;
  for (int found = 0; (found = ::getopt_long(argc, argv, "h", kOptions, nullptr)) != -1;) {
    switch (found) {
      case 'c': line.config = ::optarg; break;
      case 's': line.socket = ::optarg; break;
      case 'x': line.plugin_socket = ::optarg; break;
      case 'P': {
        const auto count = parse_u64(::optarg == nullptr ? "1" : ::optarg);
        if (!count || *count == 0 || *count > 1'000'000) return std::nullopt;
        line.print = static_cast<int>(*count);
        break;
      }
      case 'r': line.run_plugin = true; break;
      case 'h': line.help = true; break;
      case 'V': line.version = true; break;
      default: return std::nullopt;
    }
  }
  if (::optind < argc) return std::nullopt;
  return line;
}

int fail(const Error& error) {
  log_error(error.message());
  return 1;
}

int watch(const CommandLine& line) {
  const auto loaded =
      load_agent_config({.file = line.config, .drop_ins = line.config.substr(0, line.config.rfind('/')) + "/conf.d"});
  // With a fault nothing of it is sure; the agent and `hostmedic check` say where the fault is.
  if (!loaded.ok()) return fail(make_error(ErrorCode::malformed, line.config + " has faults"));
  ProbeOptions options;
  options.settings = loaded.config.probes;
  if (options.settings.checks.empty() && options.settings.scrapes.empty()) {
    log_info("no [[check]] and no [[scrape]] is configured: nothing to do");
    (void)notify_manager("READY=1\nSTATUS=nothing is configured");  // nobody has to listen
    return 0;
  }
  const auto stop = stop_signals();
  if (!stop) return fail(stop.error());
  auto askers = NetAskers::start(line.plugin_socket);
  if (!askers) return fail(askers.error());
  options.probes = kProbes;
  options.askers = askers->get();
  options.socket = line.socket;
  options.own_process = true;
  options.part = "check";
  // A probe that the other program has is no wrong name here.
  options.settings.disable.clear();
  const Status status = line.print ? print_frames(std::move(options), *line.print, stop->get(), STDOUT_FILENO)
                                   : run_probe(options, stop->get());
  return status ? 0 : fail(status.error());
}

}  // namespace

int main(int argc, char** argv) {
  const auto line = parse_command_line(argc, argv);
  if (!line) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (line->help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (line->version) {
    std::puts(version_line("hostmedic-check").c_str());
    return 0;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(errno_error(errno, "no_new_privs"));
  return line->run_plugin ? run_plugin(STDIN_FILENO, kPluginDirectory) : watch(*line);
}
