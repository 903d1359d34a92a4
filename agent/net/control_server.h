// SPDX-License-Identifier: Apache-2.0
// The local control socket: a Unix stream socket on which a client sends one line and gets one line back, any number of
// times. This layer does not look into the lines. It says who asks: the kernel's word, not the client's. One thread:
// that of the executor, where the handler runs too. Owns the socket file.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;              // may be gone already, or reused; for log lines, never for decisions
  std::vector<gid_t> groups;  // supplementary ones; without gid if the kernel does not list it
  bool in_group(gid_t group) const;
};

struct ControlServerOptions {
  std::string path;
  unsigned mode = 0660;
  std::optional<gid_t> group;  // of the socket file; absent: that of the process
  std::size_t max_connections = 16;
  Bytes request_limit = mib(1);
  Bytes reply_limit = mib(16);
  Duration idle_timeout = std::chrono::minutes(5);      // between requests
  Duration request_timeout = std::chrono::seconds(10);  // from the first byte of a line to its end
  Duration write_timeout = std::chrono::seconds(10);
};

class ControlServer {
 public:
  // line comes without its newline; the reply must not contain one. Peer is valid until the handler ends.
  using Handler = std::function<boost::asio::awaitable<std::string>(const Peer&, std::string line)>;
  using Note = std::function<void(std::string_view)>;

  // A socket file that nobody listens on is replaced; code conflict if somebody does, or if path is no socket.
  static Result<std::unique_ptr<ControlServer>> listen(boost::asio::any_io_executor executor,
                                                       ControlServerOptions options, Handler handler, Note note);
  // Closes everything and removes the socket file if it is still this server's.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  std::size_t connections() const;
  std::uint64_t refused() const;  // over max_connections
  void stop();

  struct Core;  // what the connections share; defined in control_server.cpp

 private:
  explicit ControlServer(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace hostmedic
