// SPDX-License-Identifier: Apache-2.0
// hostmedic: the command line of the agent.
#include <pwd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/ctl/cli.h"

namespace {

// What the locale says, read as every libc reads it: LC_ALL, else LC_CTYPE, else LANG. NO_UTF8 overrides.
bool utf8_terminal() {
  if (const char* no = std::getenv("NO_UTF8"); no != nullptr && *no != '\0') return false;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    return ::strcasestr(value, "utf-8") != nullptr || ::strcasestr(value, "utf8") != nullptr;
  }
  return false;
}

hostmedic::Look look() {
  hostmedic::Look look;
  look.now = hostmedic::wall_now();
  look.utf8 = utf8_terminal();
  if (::isatty(STDOUT_FILENO) != 1) return look;
  // https://no-color.org: set and not empty means no colour.
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  look.colour =
      (no_color == nullptr || *no_color == '\0') && terminal != nullptr && std::string_view(terminal) != "dumb";
  winsize size{};
  look.width = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  return look;
}

std::string who() {
  const passwd* entry = ::getpwuid(::getuid());
  return hostmedic::strf("uid %u (%s)", ::getuid(), entry == nullptr ? "?" : entry->pw_name);
}

// As the package has it, else as the build has it.
std::string probe_program() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  if (n <= 0) return {};
  const std::string_view whole(path, static_cast<std::size_t>(n));
  const std::string here(whole.substr(0, whole.rfind('/')));
  for (const char* place : {"/../lib/hostmedic/", "/../probe/"}) {
    std::string program = here + place + "hostmedic-probe";
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

// Without waiting for the end of a line.
char one_key(const std::string& question) {
  std::cout << question << ' ' << std::flush;
  termios before{};
  const bool known = ::tcgetattr(STDIN_FILENO, &before) == 0;
  termios at_once = before;
  at_once.c_lflag &= ~static_cast<tcflag_t>(ICANON);
  if (known) (void)::tcsetattr(STDIN_FILENO, TCSANOW, &at_once);
  char key = 0;
  if (::read(STDIN_FILENO, &key, 1) != 1) key = 0;
  if (known) (void)::tcsetattr(STDIN_FILENO, TCSANOW, &before);
  std::cout << std::endl;
  return key;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);  // `hostmedic list series | head` ends quietly
  hostmedic::Surroundings surroundings{std::cout, std::cerr, look(), hostmedic::version(),
                                       who(),     {},        {},     hostmedic::build_id()};
  surroundings.paths.proc = "/proc";
  surroundings.paths.sys = "/sys";
  surroundings.paths.probe = probe_program();
  if (::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1) surroundings.one_key = one_key;
  const auto exit = hostmedic::run_cli(surroundings, std::vector<std::string>(argv + 1, argv + argc));
  std::cout.flush();
  return std::cout ? static_cast<int>(exit) : static_cast<int>(hostmedic::Exit::unavailable);
}
