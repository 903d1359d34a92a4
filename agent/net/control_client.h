// SPDX-License-Identifier: Apache-2.0
// The other end of the control socket, for the command line: plain blocking calls with a deadline, no event loop.
// One thread at a time.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

class ControlClient {
 public:
  // Errors: not_found (no socket, or nobody listens: the program does not run), denied (file mode), io.
  static Result<ControlClient> connect(const std::string& path);
  // line must not contain a newline. Errors: timeout, limit (reply over 16 MiB), io (server left; the connection is
  // useless afterwards).
  Result<std::string> ask(std::string_view line, Duration timeout);

 private:
  explicit ControlClient(Fd socket) : socket_(std::move(socket)) {}
  Fd socket_;
};

}  // namespace hostmedic
