// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/companions.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

Result<std::string> own_directory() {
  std::array<char, 4096> path{};
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (n <= 0) return errno_error(errno, "readlink of the own program");
  const std::string_view whole(path.data(), static_cast<std::size_t>(n));
  return std::string(whole.substr(0, whole.rfind('/')));
}

Result<std::string> find_program(const std::string& name) {
  auto here = own_directory();
  if (!here) return std::move(here).error();
  for (const char* place : {"/../lib/hostmedic/", "/", "/../probe/", "/../actuator/"}) {
    std::string path = *here + place + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return make_error(ErrorCode::not_found, name + " is not installed beside " + *here);
}

}  // namespace

Status Companions::start(const std::string& program, const std::vector<std::string>& arguments) {
  auto path = find_program(program);
  if (!path) return std::move(path).error();
  std::vector<char*> argv{path->data()};
  std::vector<std::string> copies = arguments;
  for (std::string& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return errno_error(errno, "fork");
  if (child == 0) {
    // The death signal is lost when the parent died before it was set; hence the second look.
    if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || ::getppid() != parent) ::_exit(125);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  children_.push_back(child);
  return ok();
}

Companions::~Companions() {
  for (const pid_t child : children_) (void)::kill(child, SIGTERM);  // gone already: nothing to end
  for (const pid_t child : children_) (void)::waitpid(child, nullptr, 0);
}

}  // namespace hostmedic
