// SPDX-License-Identifier: Apache-2.0
#include "agent/base/signals.h"

#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>

namespace hostmedic {

Result<Fd> stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return errno_error(errno, "sigprocmask");
  Fd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return errno_error(errno, "signalfd");
  return fd;
}

}  // namespace hostmedic
