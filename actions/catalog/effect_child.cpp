// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/base/clock.h"
#include "agent/base/fd.h"

namespace hostmedic {
namespace {

Result<pid_t> spawn(const std::vector<std::string>& argv) {
  std::vector<char*> pointers;
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[] = "LANG=C.UTF-8";
  char* environment[] = {path, lang, nullptr};

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, 2, 1);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0].c_str(), &files, &attributes, pointers.data(), environment);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return errno_error(error, argv[0]);
  return pid;
}

}  // namespace

Result<int> run_program(const std::vector<std::string>& argv, Duration most) {
  const MonoTime end = mono_now() + most;
  const auto pid = spawn(argv);
  if (!pid) return pid.error();
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  bool ended = false;
  while (handle && !ended) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - mono_now()).count();
    if (left <= 0) break;
    struct pollfd wait{handle.get(), POLLIN, 0};
    ended = ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000))) > 0;
  }
  if (!ended) (void)::kill(-*pid, SIGKILL);  // the group may be gone already
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0)
    if (errno != EINTR) return errno_error(errno, "waiting for " + argv[0]);
  if (!ended) return make_error(ErrorCode::timeout, argv[0] + " was stopped at its time limit");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace hostmedic
