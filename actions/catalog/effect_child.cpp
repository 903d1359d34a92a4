// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/base/clock.h"
#include "agent/base/fd.h"

namespace hostmedic {
namespace {

// Where the child finds the file that it executes. A script's interpreter opens it again, so it must stay open.
constexpr int kExecutable = 9;
constexpr const char* kExecutablePath = "/proc/self/fd/9";

// output: what the child gets as its standard output.
Result<pid_t> spawn(const Program& program, int output) {
  std::vector<char*> pointers;
  for (const std::string& argument : program.argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[] = "LANG=C.UTF-8";
  char* environment[] = {path, lang, nullptr};

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  if (program.input >= 0)
    posix_spawn_file_actions_adddup2(&files, program.input, 0);
  else
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, 1);
  if (program.executable >= 0) posix_spawn_file_actions_adddup2(&files, program.executable, kExecutable);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const char* file = program.executable >= 0 ? kExecutablePath : program.argv[0].c_str();
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, file, &files, &attributes, pointers.data(), environment);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return errno_error(error, program.argv[0]);
  return pid;
}

// Reads what is there now. False: nothing will come any more.
bool take_output(int pipe, std::size_t most, ProgramEnd& end) {
  char chunk[16384];
  for (;;) {
    const ssize_t n = ::read(pipe, chunk, sizeof chunk);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    const std::size_t kept = std::min(static_cast<std::size_t>(n), most - end.output.size());
    end.output.append(chunk, kept);
    end.cut = end.cut || kept < static_cast<std::size_t>(n);
  }
}

// pipe: the reading end of its standard output; -1: it is nobody's.
Result<ProgramEnd> wait_for(const Program& program, pid_t pid, int pipe, MonoTime end) {
  ProgramEnd result;
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  bool ended = false;
  while (handle && !ended) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - mono_now()).count();
    if (left <= 0) break;
    struct pollfd waits[] = {{handle.get(), POLLIN, 0}, {pipe, POLLIN, 0}};
    if (::poll(waits, 2, static_cast<int>(std::min<std::int64_t>(left, 60'000))) <= 0) continue;
    if (waits[1].revents != 0 && !take_output(pipe, program.most_output, result)) pipe = -1;
    ended = waits[0].revents != 0;
  }
  if (!ended) (void)::kill(-pid, SIGKILL);  // the group may be gone already
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    // uncovered: nobody else waits for our child
    if (errno != EINTR) return errno_error(errno, "waiting for " + program.argv[0]);
  if (!ended) return make_error(ErrorCode::timeout, program.argv[0] + " was stopped at its time limit");
  if (pipe >= 0) (void)take_output(pipe, program.most_output, result);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace

Result<int> run_program(const std::vector<std::string>& argv, Duration most) {
  const MonoTime end = mono_now() + most;
  const Program program{.argv = argv};
  const auto pid = spawn(program, STDERR_FILENO);
  if (!pid) return pid.error();
  const auto ended = wait_for(program, *pid, -1, end);
  if (!ended) return ended.error();
  return ended->status;
}

Result<ProgramEnd> capture_program(const Program& program, Duration most) {
  const MonoTime end = mono_now() + most;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return errno_error(errno, "pipe");
  const Fd from(ends[0]);
  Fd to(ends[1]);
  // Only our end does not block.
  if (::fcntl(to.get(), F_SETFL, 0) != 0) return errno_error(errno, "pipe");
  const auto pid = spawn(program, to.get());
  if (!pid) return pid.error();
  to.reset();
  return wait_for(program, *pid, from.get(), end);
}

}  // namespace hostmedic
