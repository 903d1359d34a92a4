// SPDX-License-Identifier: Apache-2.0
// hostmedic-probe: reads the host and hands frames to hostmedicd. Decides nothing, talks to nobody else.
// Exit codes: 0 stopped, 1 could not start, 2 wrong usage, 75 (kStartAgain) to be started again.
#include <fcntl.h>
#include <getopt.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/log.h"
#include "agent/base/parse.h"
#include "agent/base/signals.h"
#include "agent/base/version.h"
#include "agent/config/agent_config.h"
#include "agent/probe/run.h"
#include "agent/self/memory_lock.h"
#include "probes/bpf/brake.h"
#include "probes/probe.h"

namespace {

using namespace hostmedic;

constexpr char kUsage[] =
    "usage: hostmedic-probe [options]\n"
    "  --socket PATH    socket of the agent (default /run/hostmedic/probe.sock)\n"
    "  --config FILE    take [probes] from it and from conf.d beside it\n"
    "  --enable NAME    run only the probes named so; may be repeated\n"
    "  --disable NAME   leave a probe out; may be repeated\n"
    "  --log-root DIR   look for growing files in DIR (default /var/log); may be repeated\n"
    "  --prefix DIR     read the host below DIR\n"
    "  --state-dir DIR  keep the mark that BPF programs are attached in DIR (default $STATE_DIRECTORY, else\n"
    "                   /var/lib/hostmedic-probe where it exists)\n"
    "  --clear-bpf-brake\n"
    "                   let BPF programs be attached again after the host went down uncleanly with them\n"
    "  --print[=N]      write N frames (default 1) as text to the standard output, without an agent\n"
    "  --record FILE    write frames into a new FILE until stopped, or --frames N of them\n"
    "  --replay FILE    send a recording to the agent, --speed X times as fast as it was recorded\n"
    "  --list           name the probes\n"
    "  --cost[=N]       run the probes for N seconds (default 10) and tell what they cost\n"
    "  --version, --help\n";

// Empty where the package's unit has not made one: programs are then attached without a mark.
std::string default_state_dir() {
  constexpr const char* kInstalled = "/var/lib/hostmedic-probe";
  if (const char* given = std::getenv("STATE_DIRECTORY"); given != nullptr && *given == '/') return given;
  return ::access(kInstalled, F_OK) == 0 ? kInstalled : "";
}

struct CommandLine {
  ProbeOptions options;
  std::string config, state_dir = default_state_dir();
  std::vector<std::string> disabled, log_roots;
  std::optional<int> print, cost;
  std::string record, replay;
  int frames = 1'000'000;  // of a recording, unless it is stopped before
  double speed = 1;        // of a replay
  bool list = false, clear_brake = false, help = false, version = false;
};

// The agent refuses a configuration with faults and says where they are; the probe reads the host all the same.
void load_configuration(const std::string& file, ProbeSettings& ret_settings) {
  const auto loaded = load_agent_config({.file = file, .drop_ins = file.substr(0, file.rfind('/')) + "/conf.d"});
  if (!loaded.ok()) return log_warning(file + " has faults; probes run with their defaults");
  ret_settings = loaded.config.probes;
}

std::optional<CommandLine> parse_command_line(int argc, char** argv) {
  static constexpr option kOptions[] = {
      {"socket", required_argument, nullptr, 's'},    {"config", required_argument, nullptr, 'c'},
      {"enable", required_argument, nullptr, 'e'},    {"disable", required_argument, nullptr, 'd'},
      {"log-root", required_argument, nullptr, 'l'},  {"prefix", required_argument, nullptr, 'p'},
      {"print", optional_argument, nullptr, 'P'},     {"record", required_argument, nullptr, 'R'},
      {"frames", required_argument, nullptr, 'N'},    {"replay", required_argument, nullptr, 'Y'},
      {"speed", required_argument, nullptr, 'X'},     {"list", no_argument, nullptr, 'L'},
      {"state-dir", required_argument, nullptr, 'S'}, {"clear-bpf-brake", no_argument, nullptr, 'B'},
      {"cost", optional_argument, nullptr, 'C'},      {"help", no_argument, nullptr, 'h'},
      {"version", no_argument, nullptr, 'V'},         {nullptr, 0, nullptr, 0}};
  CommandLine line;
  line.options.probes = all_probes();
  line.options.own_process = true;
  const auto frame_count = [](const char* text) -> std::optional<int> {
    const auto count = parse_u64(text);
    if (!count || *count == 0 || *count > 1'000'000) return std::nullopt;
    return static_cast<int>(*count);
  };
  for (int found = 0; (found = ::getopt_long(argc, argv, "h", kOptions, nullptr)) != -1;) {
    switch (found) {
      case 's': line.options.socket = ::optarg; break;
      case 'c': line.config = ::optarg; break;
      case 'e': line.options.enabled.emplace_back(::optarg); break;
      case 'd': line.disabled.emplace_back(::optarg); break;
      case 'l': line.log_roots.emplace_back(::optarg); break;
      case 'p': line.options.prefix = ::optarg; break;
      case 'S': line.state_dir = ::optarg; break;
      case 'B': line.clear_brake = true; break;
      case 'P':
        line.print = ::optarg == nullptr ? 1 : frame_count(::optarg);
        if (!line.print) return std::nullopt;
        break;
      case 'R': line.record = ::optarg; break;
      case 'Y': line.replay = ::optarg; break;
      case 'N': {
        const auto count = frame_count(::optarg);
        if (!count) return std::nullopt;
        line.frames = *count;
        break;
      }
      case 'X': {
        const auto speed = parse_double(::optarg);
        if (!speed || *speed < 0.01 || *speed > 10'000) return std::nullopt;
        line.speed = *speed;
        break;
      }
      case 'L': line.list = true; break;
      case 'C': {
        const auto seconds = parse_u64(::optarg != nullptr ? ::optarg : "10");
        if (!seconds || *seconds == 0 || *seconds > 3600) return std::nullopt;
        line.cost = static_cast<int>(*seconds);
        break;
      }
      case 'h': line.help = true; break;
      case 'V': line.version = true; break;
      default: return std::nullopt;
    }
  }
  if (::optind < argc && line.print && frame_count(argv[::optind]))
    line.print = frame_count(argv[::optind++]);  // "--print 3"
  if (::optind < argc) return std::nullopt;
  ProbeSettings& settings = line.options.settings;
  if (!line.config.empty()) load_configuration(line.config, settings);
  if (!line.log_roots.empty()) settings.log_roots = line.log_roots;
  settings.state_dir = line.state_dir;
  settings.disable.insert(settings.disable.end(), line.disabled.begin(), line.disabled.end());
  return line;
}

// A descriptor per file of a control group is kept open: three per service.
void allow_many_files() {
  constexpr rlim_t kWanted = 8192;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(kWanted, limit.rlim_max);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log_warning("cannot raise the limit of open files (ignored)");
}

int fail(const Error& error) {
  log_error(error.message());
  return 1;
}

Status print_cost_table(const ProbeOptions& options, int seconds, int stop_fd) {
  std::string text;
  const Status status = print_cost(options, seconds, stop_fd, text);
  std::fputs(text.c_str(), stdout);
  return status;
}

int clear_bpf_brake(const std::string& state_dir) {
  if (state_dir.empty()) {
    std::puts("there is no state directory, so there is no brake");
    return 0;
  }
  const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto cleared = bpf::clear_brake(state_dir, bpf::boot_id(proc.get()));
  if (!cleared) return fail(cleared.error());
  std::puts(*cleared ? "the brake is off: a running probe attaches its BPF programs within half a minute"
                     : "the brake is not on");
  return 0;
}

Status run(CommandLine line, int stop_fd) {
  if (line.cost) return print_cost_table(line.options, *line.cost, stop_fd);
  if (line.print) return print_frames(std::move(line.options), *line.print, stop_fd, STDOUT_FILENO);
  if (!line.replay.empty()) return replay_frames(line.replay, line.options.socket, line.speed, stop_fd);
  if (line.record.empty()) {
    if (const Status locked = lock_memory(); !locked) log_info(locked.error().message() + " (ignored)");
    return run_probe(line.options, stop_fd);
  }
  const Fd file(::open(line.record.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return errno_error(errno, line.record);
  return record_frames(std::move(line.options), line.frames, stop_fd, file.get());
}

}  // namespace

int main(int argc, char** argv) {
  auto line = parse_command_line(argc, argv);
  if (!line) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (line->help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (line->version) {
    std::puts(version_line("hostmedic-probe").c_str());
    return 0;
  }
  if (line->list) {
    for (const ProbeInfo* info : all_probes()) {
      std::printf("%-14.*s %-60.*s %.*s\n", static_cast<int>(info->name.size()), info->name.data(),
                  static_cast<int>(info->summary.size()), info->summary.data(), static_cast<int>(info->cost.size()),
                  info->cost.data());
    }
    return 0;
  }
  if (line->clear_brake) return clear_bpf_brake(line->options.settings.state_dir);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(errno_error(errno, "no_new_privs"));
  allow_many_files();
  const auto stop = stop_signals();
  if (!stop) return fail(stop.error());
  const Status status = run(std::move(*line), stop->get());
  if (!status && status.error().code == ErrorCode::conflict) {
    log_notice(status.error().message());
    return kStartAgain;
  }
  return status ? 0 : fail(status.error());
}
