// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "agent/net/channel.h"

namespace hostmedic {
namespace {

class PlainChannel final : public Channel {
 public:
  ChannelStep handshake(int) override { return {}; }
  ChannelStep read(int fd, void* data, std::size_t size) override {
    const ssize_t n = ::recv(fd, data, size, 0);
    if (n == 0) return {StepNeed::ended, 0};
    return moved(n, StepNeed::readable);
  }
  ChannelStep write(int fd, const void* data, std::size_t size) override {
    return moved(::send(fd, data, size, MSG_NOSIGNAL), StepNeed::writable);
  }
  ChannelStep shutdown(int fd) override {
    // The socket may be gone already; then there is nobody left to tell.
    (void)::shutdown(fd, SHUT_WR);
    return {};
  }
  const std::string& error_text() const override { return error_; }
  std::shared_ptr<const CertificateInfo> peer() const override { return nullptr; }
  bool encrypted() const override { return false; }

 private:
  ChannelStep moved(ssize_t n, StepNeed wait) {
    if (n >= 0) return {StepNeed::nothing, static_cast<std::size_t>(n)};
    if (errno == EAGAIN || errno == EINTR) return {wait, 0};
    if (errno == ECONNRESET || errno == EPIPE) return {StepNeed::truncated, 0};
    error_ = strerrordesc_np(errno);
    return {StepNeed::failed, 0};
  }
  std::string error_;
};

}  // namespace

std::unique_ptr<Channel> make_plain_channel() { return std::make_unique<PlainChannel>(); }

}  // namespace hostmedic
