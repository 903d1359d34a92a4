// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/probe_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/base/text.h"
#include "detect/model/codec.h"

namespace hostmedic {

using boost::asio::posix::stream_descriptor;
using Errors = boost::system::error_code;

namespace {
constexpr Duration kCrowded = std::chrono::milliseconds(200);
}  // namespace

ProbeListener::ProbeListener(boost::asio::io_context& io, std::vector<unsigned> allowed_uids, OnFrame on_frame,
                             OnState on_state)
    : allowed_uids_(std::move(allowed_uids)),
      on_frame_(std::move(on_frame)),
      on_state_(std::move(on_state)),
      listener_(io),
      connection_(io),
      pause_(io),
      buffer_(kMostFrameBytes) {}

Status ProbeListener::listen(const std::string& path, int group) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return make_error(ErrorCode::limit, path + " is too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error(errno, "socket");
  (void)::unlink(path.c_str());  // a stale one; the state directory's lock keeps a second daemon out
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return errno_error(errno, "bind " + path);
  if (group >= 0 && ::chown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(group)) != 0)
    return errno_error(errno, "chown " + path);
  if (::chmod(path.c_str(), 0660) != 0) return errno_error(errno, "chmod " + path);
  if (::listen(fd.get(), 4) != 0) return errno_error(errno, "listen " + path);
  listener_.assign(fd.release());
  wait_connection();
  return ok();
}

void ProbeListener::adopt(Fd connection) {
  drop("replaced by a newer connection");
  connection_.assign(connection.release());
  connection_.non_blocking(true);
  ++generation_;
  on_state_(true, "");
  wait_frame();
}

void ProbeListener::drop(const std::string& why) {
  if (!connection_.is_open()) return;
  Errors ignored;  // closing leaves nothing to retry
  connection_.close(ignored);
  ++generation_;
  on_state_(false, why);
}

void ProbeListener::wait_connection() {
  listener_.async_wait(stream_descriptor::wait_read, [this](Errors error) {
    if (error) return;
    if (accept_one()) return wait_connection();
    pause_.expires_after(kCrowded);
    pause_.async_wait([this](Errors stopped) {
      if (!stopped) wait_connection();
    });
  });
}

// False when no descriptor is free, most likely: who knocks is still there, so it is no use to look again at once.
bool ProbeListener::accept_one() {
  Fd fd(::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return true;
    const std::string why = errno_error(errno, "cannot accept a connection").message();
    if (why != accept_error_) on_state_(connected(), why);
    accept_error_ = why;
    return false;
  }
  accept_error_.clear();
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return true;
  if (std::find(allowed_uids_.begin(), allowed_uids_.end(), peer.uid) == allowed_uids_.end()) {
    on_state_(connected(), strf("refused a probe connection from uid %u, pid %d", peer.uid, peer.pid));
    return true;
  }
  adopt(std::move(fd));
  return true;
}

void ProbeListener::wait_frame() {
  connection_.async_wait(stream_descriptor::wait_read, [this, generation = generation_](Errors error) {
    if (error || generation != generation_) return;
    read_frames();
    if (generation == generation_) wait_frame();
  });
}

void ProbeListener::read_frames() {
  const std::uint64_t generation = generation_;
  // A few per wake-up, so that a flood cannot keep the loop from everything else.
  for (int i = 0; i < 8 && generation == generation_; ++i) {
    const ssize_t n = ::recv(connection_.native_handle(), buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) return drop(errno_error(errno, "read from the probe").message());
    if (n == 0) return drop("the probe closed the connection");
    if (static_cast<std::size_t>(n) > buffer_.size()) return drop(strf("a frame of %zd bytes is too large", n));
    const Status decoded = decode_frame({buffer_.data(), static_cast<std::size_t>(n)}, frame_);
    if (!decoded) return drop("malformed frame: " + decoded.error().message());
    on_frame_(frame_);
  }
}

}  // namespace hostmedic
