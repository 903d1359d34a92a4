// SPDX-License-Identifier: Apache-2.0
// hostmedic-actuator: started by its socket as uid 0 with an empty capability set; ends when it was idle.
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "agent/actuator/client.h"
#include "agent/actuator/serve.h"
#include "agent/base/file.h"
#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/config/files.h"
#include "agent/config/policy_config.h"

using namespace hostmedic;

namespace {

constexpr const char* kUsage =
    "usage: hostmedic-actuator [options]\n"
    "Carries out the orders of hostmedicd. Its socket comes from systemd, or from --socket.\n"
    "  --socket PATH          listen there instead\n"
    "  --policy FILE          the guard's policy (default /etc/hostmedic/policy.toml)\n"
    "  --ledger FILE          (default /var/lib/hostmedic-actuator/ledger.db)\n"
    "  --effect PROGRAM       (default /usr/lib/hostmedic/hostmedic-effect)\n"
    "  --scratch DIR          (default /run/hostmedic-effects)\n"
    "  --user NAME            who may ask for orders, beside root (default hostmedic)\n"
    "  --approver-group NAME  whose members may approve, beside root (default: nobody)\n"
    "  --approvers FILE       certificates whose holders may approve from afar (default:\n"
    "                         /etc/hostmedic/approvers.pem)\n"
    "  --idle DURATION        end after so long without work (default 60s; 0s: never)\n"
    "  --release KEY          instead of serving, ask the actuator to end what this order did\n"
    "  --version, --help\n";

struct Arguments {
  ActuatorOptions options;
  std::string policy_path = kPolicyFile, approvers_path = "/etc/hostmedic/approvers.pem";
  std::string socket, user = "hostmedic", approver_group, release;
};

int usage_error(const std::string& text) {
  std::fprintf(stderr, "hostmedic-actuator: %s\n%s", text.c_str(), kUsage);
  return 2;
}

// -1: go on; else the exit status.
int read_arguments(int argc, char** argv, Arguments& ret) {
  enum { socket = 256, policy, ledger, effect, scratch, user, group, approvers, idle, release, version_of, help };
  const struct option known[] = {{"socket", 1, nullptr, socket},
                                 {"policy", 1, nullptr, policy},
                                 {"ledger", 1, nullptr, ledger},
                                 {"effect", 1, nullptr, effect},
                                 {"scratch", 1, nullptr, scratch},
                                 {"user", 1, nullptr, user},
                                 {"approver-group", 1, nullptr, group},
                                 {"approvers", 1, nullptr, approvers},
                                 {"idle", 1, nullptr, idle},
                                 {"release", 1, nullptr, release},
                                 {"version", 0, nullptr, version_of},
                                 {"help", 0, nullptr, help},
                                 {nullptr, 0, nullptr, 0}};
  for (int found = 0; (found = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    switch (found) {
      case socket: ret.socket = ::optarg; continue;
      case policy: ret.policy_path = ::optarg; continue;
      case ledger: ret.options.ledger_path = ::optarg; continue;
      case effect: ret.options.effect_program = ::optarg; continue;
      case scratch: ret.options.scratch = ::optarg; continue;
      case user: ret.user = ::optarg; continue;
      case group: ret.approver_group = ::optarg; continue;
      case approvers: ret.approvers_path = ::optarg; continue;
      case idle: {
        const auto duration = parse_duration(::optarg);
        if (!duration) return usage_error("--idle: " + duration.error().message());
        ret.options.idle = *duration;
        continue;
      }
      case release: ret.release = ::optarg; continue;
      case version_of: std::puts(version_line("hostmedic-actuator").c_str()); return 0;
      case help: std::fputs(kUsage, stdout); return 0;
      default: return usage_error("unknown option");
    }
  }
  return ::optind == argc ? -1 : usage_error("no arguments are expected");
}

// The policy decides what a stolen agent could have done, so nobody but root may have written it.
Result<guard::Policy> policy_of_root(const std::string& path) {
  Loaded<guard::Policy> loaded = load_policy(path, true);
  const auto wrong = std::ranges::find(loaded.diagnostics, true, &Diagnostic::error);
  if (wrong == loaded.diagnostics.end()) return std::move(loaded.config);
  return make_error(ErrorCode::malformed, to_string(*wrong));
}

// Whoever can write there can approve; so nobody but root may have written it either.
Result<std::string> approvers_of_root(const std::string& path) {
  Diagnostics diagnostics;
  require_root_owned(path, diagnostics);
  const std::vector<Diagnostic> wrong = std::move(diagnostics).take();
  if (!wrong.empty()) return make_error(ErrorCode::denied, to_string(wrong.front()));
  auto text = read_file(path, kib(256));
  if (!text && text.error().code == ErrorCode::not_found)
    return make_error(ErrorCode::denied, "nobody may approve from afar: there is no " + path);
  return text;
}

Status name_ids(Arguments& arguments) {
  errno = 0;
  const struct passwd* user = ::getpwnam(arguments.user.c_str());
  if (user != nullptr) {
    arguments.options.agent_uid = user->pw_uid;
  } else {
    log_warning("no user '" + arguments.user + "': only root can ask for orders");
  }
  if (arguments.approver_group.empty()) return ok();
  const struct group* group = ::getgrnam(arguments.approver_group.c_str());
  if (group == nullptr) return make_error(ErrorCode::not_found, "no group '" + arguments.approver_group + "'");
  arguments.options.approver_gid = group->gr_gid;
  return ok();
}

// What the timer of a measure runs: the measure ends although daemon and actuator may have died meanwhile. Asks again
// while the actuator is busy with another order; the unit's own time limit ends that.
int release(const Arguments& arguments) {
  constexpr unsigned kPause = 5;  // seconds
  ActuatorRequest request;
  request.kind = RequestKind::release;
  request.key = arguments.release;
  const std::string socket = arguments.socket.empty() ? std::string(kActuatorSocket) : arguments.socket;
  for (;; ::sleep(kPause)) {
    const auto answer = ask_actuator(socket, request, std::chrono::minutes(5));
    if (!answer) {
      log_error(answer.error().message());
      return 1;
    }
    if (!answer->outcome || answer->outcome->text == kBusy) continue;
    log_notice("order " + request.key + ": " + answer->outcome->text);
    return 0;
  }
}

Result<Fd> listening_socket(const Arguments& arguments) {
  if (!arguments.socket.empty()) {
    const struct passwd* user = ::getpwnam(arguments.user.c_str());
    std::optional<gid_t> group;
    if (user != nullptr) group = user->pw_gid;
    return listen_actuator(arguments.socket, group);
  }
  const int given = ::sd_listen_fds(1);
  if (given != 1 || ::sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, nullptr, 0) <= 0)
    return make_error(ErrorCode::not_found, "no listening socket from systemd, and no --socket");
  if (::fcntl(SD_LISTEN_FDS_START, F_SETFL, O_NONBLOCK) != 0) return errno_error(errno, "socket");
  return Fd(SD_LISTEN_FDS_START);
}

// This program, wherever it was installed.
std::vector<std::string> release_command(const Arguments& arguments) {
  char self[4096];
  const ssize_t size = ::readlink("/proc/self/exe", self, sizeof self);
  std::vector<std::string> command{size > 0 ? std::string(self, static_cast<std::size_t>(size))
                                            : "/usr/lib/hostmedic/hostmedic-actuator"};
  if (!arguments.socket.empty()) command.insert(command.end(), {"--socket", arguments.socket});
  command.emplace_back("--release");
  return command;
}

// An upgrade leaves the actuator alone, because an order may be under way, and puts another program in its place.
bool program_was_replaced() {
  char path[4096];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  return size > 0 && std::string_view(path, static_cast<std::size_t>(size)).ends_with(" (deleted)");
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (const int status = read_arguments(argc, argv, arguments); status >= 0) return status;
  if (!arguments.release.empty()) return release(arguments);
  arguments.options.proc = "/proc";
  const auto boot = read_file("/proc/sys/kernel/random/boot_id", Bytes{64});
  if (boot) arguments.options.boot_id = trim(*boot);
  arguments.options.busy = {"/proc", "/var/lib/dpkg/lock-frontend"};
  arguments.options.release_command = release_command(arguments);
  arguments.options.replaced = program_was_replaced;
  arguments.options.approvers = [&arguments] { return approvers_of_root(arguments.approvers_path); };
  arguments.options.policy = [&arguments] { return policy_of_root(arguments.policy_path); };

  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  sigprocmask(SIG_BLOCK, &ending, nullptr);  // before any thread: they inherit it
  const Fd stop(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));

  Status status = name_ids(arguments);
  if (status) {
    const auto socket = listening_socket(arguments);
    if (!socket) {
      status = socket.error();
    } else {
      (void)notify_manager("READY=1");  // without it systemd ends us, and says why
      status = serve_actuator(arguments.options, socket->get(), stop.get());
    }
  }
  if (status) return 0;
  log_error(status.error().message());
  return 1;
}
