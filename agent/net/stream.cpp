// SPDX-License-Identifier: Apache-2.0
#include "agent/net/stream.h"

#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>

namespace hostmedic {
Stream::Stream(boost::asio::ip::tcp::socket socket, std::unique_ptr<Channel> channel)
    : socket_(std::move(socket)), channel_(std::move(channel)) {
  boost::system::error_code error;
  // A socket that refuses these is already dead and says so at the first step.
  socket_.non_blocking(true, error);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), error);
  const auto peer = socket_.remote_endpoint(error);
  if (!error) peer_address_ = peer.address().to_string();
}

void Stream::close() {
  boost::system::error_code ignored;  // closed either way
  socket_.close(ignored);
}

void Stream::shutdown_send() {
  boost::system::error_code ignored;  // the peer may be gone already
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
}

boost::system::error_code Stream::to_code(StepNeed need) {
  switch (need) {
    case StepNeed::nothing:
    case StepNeed::readable:
    case StepNeed::writable:
      return {};
    case StepNeed::ended:
      return boost::asio::error::eof;
    case StepNeed::truncated:
      return boost::asio::error::connection_reset;
    case StepNeed::failed:
      break;
  }
  return boost::system::errc::make_error_code(boost::system::errc::protocol_error);
}

}  // namespace hostmedic
