// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/local_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "agent/actuator/capability.h"
#include "agent/actuator/effect_output.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"

namespace hostmedic {

namespace {

constexpr auto kPause = std::chrono::milliseconds(50);

Error no_systemd() { return make_error(ErrorCode::unsupported, "this host has no systemd"); }

// uncovered: reached by every run here, but its counts end with the child
void lower_limit(__rlimit_resource_t resource, rlim_t wanted) {
  struct rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max = std::min(limit.rlim_max, wanted);  // never raised
  (void)::setrlimit(resource, &limit);
}

// In the child, between fork and exec: only calls that are safe there.
// uncovered: reached by every run here, but its counts end with the child
[[noreturn]] void become(const std::vector<char*>& argv, int lock, int output, std::uint64_t capabilities,
                         Duration timeout) {
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[] = "LANG=C.UTF-8";
  char* environment[] = {path, lang, nullptr};
  sigset_t none;
  ::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);  // the actuator blocks what ends it
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  lower_limit(RLIMIT_CORE, 0);
  lower_limit(RLIMIT_NOFILE, 1024);
  lower_limit(RLIMIT_CPU, static_cast<rlim_t>(timeout / std::chrono::seconds(1)) + 1);
  // The lock stays open in the command, and only there: it ends with it.
  const bool ready = ::setpgid(0, 0) == 0 && null >= 0 && ::dup2(null, 0) == 0 && ::dup2(output, 1) == 1 &&
                     ::fcntl(lock, F_SETFD, 0) == 0 && keep_capabilities(capabilities);
  if (ready) ::execve(argv[0], argv.data(), environment);
  ::_exit(127);
}

}  // namespace

Result<UnitStatus> LocalRunner::status(const std::string&) { return no_systemd(); }
Status LocalRunner::job(const std::string&, UnitJob, Duration) { return no_systemd(); }
Result<std::vector<UnitNumber>> LocalRunner::numbers(const std::string&, std::span<const std::string_view>) {
  return no_systemd();
}
Status LocalRunner::set_numbers(const std::string&, std::span<const UnitNumber>) { return no_systemd(); }
Result<std::vector<std::string>> LocalRunner::names(const std::string&, std::string_view) { return no_systemd(); }
Status LocalRunner::freeze(const std::string&, bool) { return no_systemd(); }
Status LocalRunner::kill(const std::string&, bool, int) { return no_systemd(); }
Status LocalRunner::schedule(const TransientUnit&, Duration) { return no_systemd(); }
void LocalRunner::unschedule(const std::string&) {}

Result<TransientResult> LocalRunner::run(const TransientUnit& unit) {
  if (unit.openings.confined || !unit.openings.user.empty())
    return make_error(ErrorCode::unsupported, "without systemd it could not be shut in as it must be");
  const Fd lock(::open(lock_path(unit.name).c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock && errno == EEXIST) return TransientResult{};
  if (!lock) return errno_error(errno, lock_path(unit.name));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return errno_error(errno, lock_path(unit.name));
  auto output = open_at(AT_FDCWD, effect_output_path(options_.output_dir, unit.name),
                        O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  if (!output) return output.error();
  std::vector<char*> argv;
  for (const std::string& argument : unit.argv) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const std::uint64_t capabilities = capability_mask(unit.openings.capabilities);
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error(errno, "fork");
  if (pid == 0) become(argv, lock.get(), output->get(), capabilities, unit.timeout);
  // Both sides do it, so that the group exists whoever comes first. Fails once the child runs its command.
  (void)::setpgid(pid, pid);
  return watch(unit, pid);
}

Result<TransientResult> LocalRunner::watch(const TransientUnit& unit, int pid) {
  const MonoTime end = mono_now() + unit.timeout;
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  TransientResult ended{true, "", 0, ""};
  while (ended.result.empty()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - mono_now()).count();
    std::array<struct pollfd, 3> waits{
        {{handle.get(), POLLIN, 0}, {options_.stop_fd, POLLIN, 0}, {options_.cancel_fd, POLLIN, 0}}};
    if (left > 0) (void)::poll(waits.data(), waits.size(), static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (waits[0].revents != 0) break;
    if (waits[1].revents != 0) return make_error(ErrorCode::conflict, "the actuator is stopping");
    if (waits[2].revents != 0) ended.result = "cancelled";
    if (left <= 0 || !handle) ended.result = "timeout";
  }
  if (!ended.result.empty()) (void)::kill(-pid, SIGKILL);  // the group may be gone already
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    // uncovered: nobody else waits for our child
    if (errno != EINTR) return errno_error(errno, "waitpid");
  ended.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
  if (ended.result.empty()) {
    const bool well = WIFEXITED(status) && ended.exit_status == 0;
    ended.result = well ? "success" : WIFEXITED(status) ? "exit-code" : "signal";
  }
  ended.output = read_effect_output(options_.output_dir, unit.name);
  return ended;
}

Result<std::optional<TransientResult>> LocalRunner::adopt(const std::string& unit, Duration deadline) {
  const auto lock = open_at(AT_FDCWD, lock_path(unit), O_RDWR | O_NOFOLLOW);
  if (!lock) return std::optional<TransientResult>();
  const MonoTime end = mono_now() + deadline;
  while (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0) {
    struct pollfd stop{options_.stop_fd, POLLIN, 0};
    if (::poll(&stop, 1, static_cast<int>(kPause / std::chrono::milliseconds(1))) > 0)
      return make_error(ErrorCode::conflict, "the actuator is stopping");
    if (mono_now() >= end) return make_error(ErrorCode::timeout, unit + " does not end");
  }
  TransientResult ended{true, "", 0, read_effect_output(options_.output_dir, unit)};
  // The last line of hostmedic-effect.
  const std::size_t at = ended.output.rfind("exit=");
  const auto exit =
      at == std::string::npos
          ? Result<std::uint64_t>(make_error(ErrorCode::not_found, "no end"))
          : parse_u64(std::string_view(ended.output).substr(at + 5, ended.output.find('\n', at) - at - 5));
  if (!exit || *exit > 255) return std::optional<TransientResult>();
  ended.exit_status = static_cast<int>(*exit);
  ended.result = ended.exit_status == 0 ? "success" : "exit-code";
  return std::optional(std::move(ended));
}

void LocalRunner::release(const std::string& unit) {
  (void)::unlink(lock_path(unit).c_str());  // often there is none
  remove_effect_output(options_.output_dir, unit);
}

}  // namespace hostmedic
