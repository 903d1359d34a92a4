// SPDX-License-Identifier: Apache-2.0
// For the fuzzers of clients: an event loop with a deadline, and a server that says what it was told to whoever comes.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <string_view>

#include "agent/base/clock.h"
#include "support.h"

namespace hostmedic::fuzz {

struct Loop {
  boost::asio::io_context io{1};

  // Runs the loop until done() says so, which is asked every two milliseconds at least.
  template <class Done>
  void until(Done done) {
    const MonoTime end = mono_now() + std::chrono::seconds(8);
    while (!done()) {
      check(mono_now() < end);
      io.restart();
      if (io.poll() == 0) (void)io.run_one_for(std::chrono::milliseconds(2));
    }
  }
};

// True when somebody came and heard it. The acceptor is non-blocking.
template <class Acceptor>
bool serve(Acceptor& acceptor, std::string_view bytes) {
  boost::system::error_code error;
  auto socket = acceptor.accept(error);
  if (error) return false;
  boost::asio::write(socket, boost::asio::buffer(bytes), error);  // who does not listen to the end has heard enough
  socket.shutdown(socket.shutdown_send, error);
  // What was asked is taken: unread, it would make the kernel throw the answer away.
  std::array<char, 4096> asked{};
  socket.non_blocking(true, error);
  (void)socket.read_some(boost::asio::buffer(asked), error);
  return true;
}

}  // namespace hostmedic::fuzz
