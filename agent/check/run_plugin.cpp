// SPDX-License-Identifier: Apache-2.0
#include "agent/check/run_plugin.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/base/text.h"
#include "probes/settings/target.h"

namespace hostmedic {
namespace {

constexpr int kNotRun = 127;

std::string read_line(int fd) {
  std::string line;
  for (char c = 0; line.size() <= 64 && ::read(fd, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

void say(int fd, const std::string& text) {
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno != EINTR) return;  // nobody listens any more
    if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Empty if the file may be run.
std::string objection(const std::string& path) {
  struct stat file{};
  if (::lstat(path.c_str(), &file) != 0) return path + ": " + std::strerror(errno);
  if (!S_ISREG(file.st_mode)) return path + " is not a regular file";
  if (file.st_uid != 0 || (file.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return path + " must belong to root, and nobody else may write to it";
  return "";
}

int run(int in, const std::string& path) {
  const pid_t child = ::fork();
  if (child < 0) return kNotRun;
  if (child == 0) {
    ::dup2(in, STDOUT_FILENO);  // first: `in` may be the standard input itself
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::execl(path.c_str(), path.c_str(), static_cast<char*>(nullptr));
    ::_exit(kNotRun);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int run_plugin(int in, const std::string& directory) {
  const std::string name = read_line(in);
  const auto target = parse_target("exec:" + name);
  const std::string path = directory + "/" + name;
  std::string wrong = target ? objection(path) : std::string("not the name of a plug-in");
  const int code = wrong.empty() ? run(in, path) : kNotRun;
  if (!wrong.empty()) wrong += "\n";
  say(in, wrong + "\n" + std::string(kPluginEnd) + std::to_string(code) + "\n");
  return 0;
}

}  // namespace hostmedic
