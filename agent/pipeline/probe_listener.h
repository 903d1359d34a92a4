// SPDX-License-Identifier: Apache-2.0
// The daemon's end of a socket on which frames come (SOCK_SEQPACKET, one frame per message). One sender at a time: a
// newer connection replaces the older one. Peers other than the allowed users are refused. io thread only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "detect/model/frame.h"

namespace hostmedic {

class ProbeListener {
 public:
  using OnFrame = std::function<void(const Frame&)>;
  using OnState = std::function<void(bool connected, const std::string& why)>;

  ProbeListener(boost::asio::io_context& io, std::vector<unsigned> allowed_uids, OnFrame on_frame, OnState on_state);

  // Replaces a stale socket file. group: gid that may connect besides the owner; nullopt-like -1 leaves it.
  Status listen(const std::string& path, int group);
  // A connection made elsewhere (all in one process).
  void adopt(Fd connection);
  // Closes the probe's connection; it will come back and send all definitions again.
  void drop(const std::string& why);
  bool connected() const { return connection_.is_open(); }

 private:
  void wait_connection();
  bool accept_one();
  void wait_frame();
  void read_frames();

  std::vector<unsigned> allowed_uids_;
  OnFrame on_frame_;
  OnState on_state_;
  boost::asio::posix::stream_descriptor listener_;
  boost::asio::posix::stream_descriptor connection_;
  boost::asio::steady_timer pause_;
  std::string accept_error_;
  std::uint64_t generation_ = 0;  // of connection_: a handler of an older one does nothing
  std::vector<char> buffer_;
  Frame frame_;
};

}  // namespace hostmedic
