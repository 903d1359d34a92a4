// SPDX-License-Identifier: Apache-2.0
// A TCP connection with a channel (TLS or plain) as an Asio stream: it satisfies Beast's AsyncStream. Owns the socket.
// One thread: that of the socket's executor. close() from a timer ends whatever waits; reads and writes may overlap by
// one each. Errors: asio::error::eof when the peer ended properly, connection_reset when it did not, protocol_error
// when TLS failed; explain() says more.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <string>

#include "agent/base/time.h"
#include "agent/net/channel.h"

namespace hostmedic {

class Stream {
 public:
  using executor_type = boost::asio::any_io_executor;

  // socket is connected. Sets it non-blocking and without Nagle's delay.
  Stream(boost::asio::ip::tcp::socket socket, std::unique_ptr<Channel> channel);

  executor_type get_executor() { return socket_.get_executor(); }
  // error, which an operation of this stream gave, in plain words.
  std::string explain(boost::system::error_code error) const;
  std::shared_ptr<const CertificateInfo> peer_certificate() const { return channel_->peer(); }
  std::string peer_address() const { return peer_address_; }
  // Every pending and later operation fails.
  void close();
  // Says "no more", then takes and forgets what still comes for at most that long, then closes. Closing with unread
  // input would make the kernel throw away what the peer has not read yet: the refusal it should see.
  boost::asio::awaitable<void> linger(Duration most);
  bool is_open() const { return socket_.is_open(); }

  template <class Token>
  auto async_handshake(Token&& token) {
    return start<void(boost::system::error_code)>(Handshake{}, token);
  }
  template <class Token>
  auto async_shutdown(Token&& token) {
    return start<void(boost::system::error_code)>(Shutdown{}, token);
  }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return start<void(boost::system::error_code, std::size_t)>(Read{first(buffers)}, token);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return start<void(boost::system::error_code, std::size_t)>(Write{gather(buffers)}, token);
  }

 private:
  struct Handshake {
    ChannelStep operator()(Channel& channel, int fd) const { return channel.handshake(fd); }
  };
  struct Shutdown {
    ChannelStep operator()(Channel& channel, int fd) const { return channel.shutdown(fd); }
  };
  struct Read {
    boost::asio::mutable_buffer buffer;
    ChannelStep operator()(Channel& channel, int fd) const {
      if (buffer.size() == 0) return {};
      return channel.read(fd, buffer.data(), buffer.size());
    }
  };
  struct Write {
    boost::asio::const_buffer buffer;
    ChannelStep operator()(Channel& channel, int fd) const {
      if (buffer.size() == 0) return {};
      return channel.write(fd, buffer.data(), buffer.size());
    }
  };

  // Repeats one step until it needs nothing more of the socket.
  template <class Action, class Signature>
  struct Operation {
    Stream& stream;
    Action action;
    bool waited = false;    // the initiating call has returned
    bool finished = false;  // code and bytes are final
    boost::system::error_code code{};
    std::size_t bytes = 0;

    template <class Self>
    void operator()(Self& self, boost::system::error_code wait_error = {}) {
      if (finished) return complete(self);
      if (wait_error) {
        code = wait_error;
        return complete(self);
      }
      const ChannelStep step = action(*stream.channel_, stream.socket_.native_handle());
      if (step.need == StepNeed::readable || step.need == StepNeed::writable) {
        waited = true;
        const auto wait = step.need == StepNeed::readable ? boost::asio::ip::tcp::socket::wait_read
                                                          : boost::asio::ip::tcp::socket::wait_write;
        stream.socket_.async_wait(wait, std::move(self));
        return;
      }
      code = to_code(step.need);
      bytes = step.bytes;
      if (waited) return complete(self);
      // A handler must not run inside the call that starts the operation.
      finished = true;
      boost::asio::post(stream.get_executor(), std::move(self));
    }
    template <class Self>
    void complete(Self& self) {
      if constexpr (std::is_same_v<Signature, void(boost::system::error_code)>)
        self.complete(code);
      else
        self.complete(code, bytes);
    }
  };

  template <class Signature, class Action, class Token>
  auto start(Action action, Token& token) {
    return boost::asio::async_compose<Token, Signature>(Operation<Action, Signature>{*this, action}, token, socket_);
  }

  template <class Buffers>
  static boost::asio::mutable_buffer first(const Buffers& buffers) {
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != end; ++it)
      if (boost::asio::mutable_buffer(*it).size() != 0) return *it;
    return {};
  }
  // Joins small buffers, so that a header of many pieces is one record and one system call.
  template <class Buffers>
  boost::asio::const_buffer gather(const Buffers& buffers) {
    joined_.clear();
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != end; ++it) {
      const boost::asio::const_buffer piece(*it);
      if (piece.size() == 0) continue;
      if (joined_.empty() && piece.size() >= kJoin) return piece;
      const std::size_t size = std::min(piece.size(), kJoin - joined_.size());
      joined_.append(static_cast<const char*>(piece.data()), size);
      if (joined_.size() == kJoin) break;
    }
    return boost::asio::buffer(joined_);
  }

  static constexpr std::size_t kJoin = 8192;
  static boost::system::error_code to_code(StepNeed need);

  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<Channel> channel_;
  std::string peer_address_;
  std::string joined_;
};

}  // namespace hostmedic
