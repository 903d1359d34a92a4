// SPDX-License-Identifier: Apache-2.0
// Puts the parts of an actuator together for the host it runs on.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/actuator/local_runner.h"
#include "agent/actuator/serve.h"
#include "agent/actuator/systemd_bus.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/host_identity.h"
#include "agent/base/log.h"

namespace hostmedic {

namespace {

bool is_readable(int fd) {
  struct pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, 0) > 0;
}

// Files that effects and their output go to: nobody else may have a hand in them.
Status make_scratch(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(errno, path);
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) != 0) return errno_error(errno, path);
  if (!S_ISDIR(seen.st_mode) || seen.st_uid != ::geteuid() || (seen.st_mode & 0022) != 0)
    return make_error(ErrorCode::denied, path + " is not a directory that only its owner can write");
  return ok();
}

}  // namespace

Status serve_actuator(const ActuatorOptions& options, int listen_fd, int stop_fd) {
  if (Status made = make_scratch(options.scratch); !made) return made;
  const Fd cancel(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!cancel) return errno_error(errno, "eventfd");
  struct stat marker{};
  const bool systemd = ::stat(options.systemd_marker.c_str(), &marker) == 0;
  SystemdBus bus({options.scratch, cancel.get(), stop_fd});
  LocalRunner local({options.scratch, cancel.get(), stop_fd});
  ServiceManager* manager = &bus;
  if (!systemd) manager = &local;

  ActuatorParts parts{.ledger = Ledger::open(options.ledger_path),
                      .open_ledger = [&options] { return Ledger::open(options.ledger_path); },
                      .manager = *manager,
                      .policy = options.policy,
                      .wall = wall_now,
                      .uptime = [] { return mono_now().time_since_epoch(); },
                      .stopping = [stop_fd] { return is_readable(stop_fd); },
                      .effect_program = options.effect_program,
                      .scratch = options.scratch,
                      .proc = options.proc,
                      .effects = all_effects(),
                      .boot = options.boot_id,
                      .release_command = options.release_command,
                      .busy = options.busy,
                      .approvers = options.approvers,
                      .host_id = host_identity().id,
                      .host_name = host_identity().name,
                      .cancel_fd = cancel.get()};
  if (!parts.ledger) log_error("the ledger cannot be used, so nothing is done: " + parts.ledger.error().message());
  if (parts.ledger && !parts.ledger->quarantined().empty())
    log_error("the ledger was broken, so nothing is done until a human resumes: " + parts.ledger->quarantined());
  Actuator actuator(std::move(parts));
  return serve({.actuator = actuator,
                .who = [&options](int connection) { return peer_of(connection, options); },
                .listen_fd = listen_fd,
                .stop_fd = stop_fd,
                .idle = options.idle,
                .replaced = options.replaced});
}

}  // namespace hostmedic
