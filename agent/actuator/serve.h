// SPDX-License-Identifier: Apache-2.0
// The actuator's socket and its two threads: the caller's, which answers, and the executor, which carries out one order
// at a time. Both end before the functions here return.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "agent/actuator/actuator.h"
#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct ActuatorOptions {
  std::function<Result<guard::Policy>()> policy;  // read again for each order
  std::string ledger_path = "/var/lib/hostmedic-actuator/ledger.db";
  std::string effect_program = "/usr/lib/hostmedic/hostmedic-effect";
  std::string scratch = "/run/hostmedic-effects";       // made if it is missing
  std::string proc = {};                                // where procfs is mounted
  std::string systemd_marker = "/run/systemd/system";   // exists where systemd runs
  std::string boot_id;                                  // changes with each boot; empty: not known
  BusyPaths busy;                                       // where other work is looked for
  std::vector<std::string> release_command;             // starts what asks us to end a measure; its key is appended
  std::function<Result<std::string>()> approvers = {};  // certificates whose holders may approve from afar, as PEM
  std::optional<uid_t> agent_uid;                       // who may ask for orders, beside root
  std::optional<gid_t> approver_gid;                    // whose members may speak for a human, beside root
  Duration idle = std::chrono::seconds(60);             // returns after so long without a connection; zero: never
  std::function<bool()> replaced = {};                  // whether another program is now in the place of this one
};

// Puts the parts together and serves until stop_fd is readable, it was idle, or nothing is under way and an upgrade has
// replaced the program. An error: it cannot serve, or has no ledger. listen_fd is a listening SOCK_SEQPACKET Unix
// socket; both stay the caller's. An order under way when stop_fd becomes readable is left to systemd; the next start
// records its result.
Status serve_actuator(const ActuatorOptions& options, int listen_fd, int stop_fd);

// The loop alone, over given parts. who tells a peer's role.
struct ServeLoop {
  Actuator& actuator;
  std::function<ActuatorPeer(int connection)> who;
  int listen_fd = -1, stop_fd = -1;
  Duration idle{};
  std::function<bool()> replaced = {};
  // Without a ledger and without work it gives up after so long, as an error: a new process may find the disk mended
  // where this one cannot, whose name space of mounts keeps read-only what was so at its start.
  Duration ledgerless = std::chrono::seconds(10);
};
Status serve(const ServeLoop& loop);

// By SO_PEERCRED and SO_PEERGROUPS.
ActuatorPeer peer_of(int connection, const ActuatorOptions& options);

// A listening socket at path, mode 0660, of that group. Replaces a socket that nobody listens on.
Result<Fd> listen_actuator(const std::string& path, std::optional<gid_t> group);

}  // namespace hostmedic
