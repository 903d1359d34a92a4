// SPDX-License-Identifier: Apache-2.0
// What stands between a TCP socket and the bytes of a protocol: TLS, or nothing. Steps never block; a step that needs
// the socket says for what, and is repeated with the same arguments once the socket is ready. One thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "agent/net/certificate.h"

namespace hostmedic {

enum class StepNeed : std::uint8_t {
  nothing,    // done; bytes says how much was moved
  readable,   // repeat when the socket can be read
  writable,   // repeat when the socket can be written
  ended,      // the peer said that it is finished (TLS close-notify; plain: end of file)
  truncated,  // the connection ended without the peer saying so
  failed,     // see error_text()
};
struct ChannelStep {
  StepNeed need = StepNeed::nothing;
  std::size_t bytes = 0;
};

class Channel {
 public:
  virtual ~Channel() = default;
  virtual ChannelStep handshake(int fd) = 0;
  virtual ChannelStep read(int fd, void* data, std::size_t size) = 0;
  virtual ChannelStep write(int fd, const void* data, std::size_t size) = 0;
  virtual ChannelStep shutdown(int fd) = 0;  // says to the peer that nothing more comes
  // In plain words, for a log line; empty while nothing failed.
  virtual const std::string& error_text() const = 0;
  // The peer's own certificate; null before it arrived, and without TLS.
  virtual std::shared_ptr<const CertificateInfo> peer() const = 0;
  virtual bool encrypted() const = 0;
};

std::unique_ptr<Channel> make_plain_channel();

}  // namespace hostmedic
