// SPDX-License-Identifier: Apache-2.0
// The probe process without its main: reads the host once a second and hands frames to the daemon. run_probe blocks its
// thread until it is told to stop; it starts threads of its own only for calls that may hang.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "probes/probe.h"

namespace hostmedic {

inline constexpr const char* kProbeSocket = "/run/hostmedic/probe.sock";

inline constexpr int kStartAgain = 75;  // exit status; the unit's RestartForceExitStatus= has it

struct ProbeOptions {
  std::span<const ProbeInfo* const> probes;  // those that this program has
  AskerSource* askers = nullptr;             // for those of them that use the network
  std::string socket = kProbeSocket;         // where the daemon listens; refused: again every second
  Fd connection;  // used instead of the socket when set (SOCK_SEQPACKET, connected); the run ends when the peer closes
                  // it
  std::string prefix;  // "" is this host; else a tree with proc, sys, ... below it
  ProbeSettings settings;
  std::vector<std::string> enabled;  // by name; empty: all
  std::string part = "probe";        // of the agent, under which this process reports its own cost
  // This process is the probe and nothing else: it reports its own cost and talks to the service manager.
  bool own_process = false;
};

// Returns when stop_fd becomes readable. Errors: an unknown probe name, no process tree below prefix, no timer.
// conflict: capabilities that were given back are needed again, so the process is to be started anew (kStartAgain).
// A daemon that is not there is no error. Every new connection starts with fresh probes and a first frame.
Status run_probe(const ProbeOptions& options, int stop_fd);

// Runs the same without a daemon and writes `count` frames as text to out_fd.
Status print_frames(ProbeOptions options, int count, int stop_fd, int out_fd);

// The same into a recording (probes/replay/recording.h).
Status record_frames(ProbeOptions options, int count, int stop_fd, int out_fd);
// Sends a recording to an agent, as fast as it was recorded times speed, as if it happened now.
Status replay_frames(const std::string& recording, const std::string& socket, double speed, int stop_fd);
// Runs each probe in its own interval for so long and writes what they cost as a table.
Status print_cost(const ProbeOptions& options, int seconds, int stop_fd, std::string& ret_text);

}  // namespace hostmedic
