// SPDX-License-Identifier: Apache-2.0
// How probes ask over the network without knowing how: the process that may talk gives them an Asker. Questions are
// answered in any order; each exactly once. One thread on this side.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct Question {
  std::uint64_t id = 0;  // the asking side's own
  std::string url;       // of a form in settings.h
  Duration timeout{};    // for everything together
  std::string ca;        // PEM file; empty: the system's
  std::size_t most_body = 0;
  Duration after{};  // asked only then
};

struct Answer {
  std::uint64_t id = 0;
  bool asked = true;     // false: this host had no means to ask, which says nothing of the other side
  bool reached = false;  // the other side did what the protocol wants: connected, shook hands, answered, ended with 0
  bool silent = false;   // not reached, and nothing came back within the time
  std::string reason;    // why not, in plain words
  Duration took{};
  int status = 0;    // of HTTP; exit code of a plug-in
  std::string body;  // at most most_body bytes
  std::optional<WallTime> certificate_ends;
};

class Asker {
 public:
  virtual ~Asker() = default;
  virtual void ask(Question question) = 0;
  // An answer that has come, or nullopt.
  virtual std::optional<Answer> take() = 0;
  virtual int fd() const = 0;  // readable when take() has one
};

class AskerSource {
 public:
  virtual ~AskerSource() = default;
  virtual Result<std::unique_ptr<Asker>> make() = 0;
};

}  // namespace hostmedic
