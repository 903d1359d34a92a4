// SPDX-License-Identifier: Apache-2.0
#include "agent/net/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <set>

#include "agent/base/text.h"
#include "agent/net/deadline.h"

namespace hostmedic {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Protocol = asio::local::stream_protocol;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kGroupsLimit = 65536;  // the kernel's own bound

}  // namespace

bool Peer::in_group(gid_t group) const {
  return gid == group || std::find(groups.begin(), groups.end(), group) != groups.end();
}

struct ControlServer::Core {
  Core(asio::any_io_executor executor_, ControlServerOptions options_, Handler handler_, Note note_)
      : executor(std::move(executor_)),
        options(std::move(options_)),
        handler(std::move(handler_)),
        note(std::move(note_)),
        acceptor(executor) {}

  asio::any_io_executor executor;
  ControlServerOptions options;
  Handler handler;
  Note note;
  Protocol::acceptor acceptor;
  std::set<Protocol::socket*> sockets;
  std::uint64_t refused = 0;
  bool stopping = false;
  struct stat file{};  // identity of the socket file

  void tell(const Peer& peer, std::string_view what) {
    if (note) note(strf("control socket: uid %u pid %d: ", peer.uid, peer.pid) + std::string(what));
  }
  void close_all();
};

void ControlServer::Core::close_all() {
  if (stopping) return;
  stopping = true;
  note = nullptr;      // its owner may go away before the last connection
  error_code ignored;  // closed either way
  acceptor.close(ignored);
  for (Protocol::socket* socket : sockets) socket->close(ignored);
  struct stat now{};
  if (::lstat(options.path.c_str(), &now) != 0 || now.st_ino != file.st_ino || now.st_dev != file.st_dev) return;
  (void)::unlink(options.path.c_str());  // a file left behind is replaced at the next start
}

namespace {

using Core = ControlServer::Core;

Result<Peer> peer_of(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return errno_error(errno, "SO_PEERCRED");
  Peer peer{credentials.uid, credentials.gid, credentials.pid, {}};
  socklen_t bytes = 0;
  // The first call tells how much room the groups need.
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, nullptr, &bytes) != 0 && errno != ERANGE)
    return errno_error(errno, "SO_PEERGROUPS");
  if (bytes > kGroupsLimit * sizeof(gid_t)) return make_error(ErrorCode::limit, "too many groups");
  peer.groups.resize(bytes / sizeof(gid_t));
  if (!peer.groups.empty() && ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &bytes) != 0)
    return errno_error(errno, "SO_PEERGROUPS");
  return peer;
}

class Connection {
 public:
  Connection(std::shared_ptr<Core> core, Protocol::socket socket) : core_(std::move(core)), socket_(std::move(socket)) {
    core_->sockets.insert(&socket_);
  }
  ~Connection() { core_->sockets.erase(&socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  asio::awaitable<void> run();

 private:
  asio::awaitable<bool> read_line(std::string& line);
  asio::awaitable<bool> write_line(std::string reply);
  asio::awaitable<std::string> handle(std::string line);
  std::function<void()> closer() {
    return [this] {
      error_code ignored;  // closed either way
      socket_.close(ignored);
    };
  }

  std::shared_ptr<Core> core_;
  Protocol::socket socket_;
  Peer peer_;
  std::string buffer_;
};

asio::awaitable<void> Connection::run() {
  auto peer = peer_of(socket_.native_handle());
  if (!peer) co_return;  // nobody to answer to
  peer_ = std::move(*peer);
  while (!core_->stopping) {
    std::string line;
    const bool got = co_await read_line(line);
    if (!got || core_->stopping) co_return;
    std::string reply = co_await handle(std::move(line));
    if (reply.size() > core_->options.reply_limit.count || reply.find('\n') != std::string::npos) {
      core_->tell(peer_, "a reply was not sent: too large, or more than one line");
      co_return;
    }
    const bool written = co_await write_line(std::move(reply));
    if (!written) co_return;
  }
}

// False at the end of the connection, whatever ended it.
asio::awaitable<bool> Connection::read_line(std::string& line) {
  if (buffer_.empty()) {
    const Deadline idle(core_->executor, core_->options.idle_timeout, closer());
    auto [error] = co_await socket_.async_wait(Protocol::socket::wait_read, kTuple);
    if (error) co_return false;
  }
  const Deadline deadline(core_->executor, core_->options.request_timeout, closer());
  auto space = asio::dynamic_buffer(buffer_, core_->options.request_limit.count + 1);
  auto [error, size] = co_await asio::async_read_until(socket_, space, '\n', kTuple);
  if (error == asio::error::not_found) core_->tell(peer_, "cut off: its request is too large");
  if (deadline.expired()) core_->tell(peer_, "cut off: took too long to send its request");
  if (error) co_return false;
  line = buffer_.substr(0, size - 1);
  buffer_.erase(0, size);
  co_return true;
}

asio::awaitable<bool> Connection::write_line(std::string reply) {
  reply += '\n';
  const Deadline deadline(core_->executor, core_->options.write_timeout, closer());
  auto [error, size] = co_await asio::async_write(socket_, asio::buffer(reply), kTuple);
  co_return !error;
}

asio::awaitable<std::string> Connection::handle(std::string line) {
  std::string what;
  try {
    co_return co_await core_->handler(peer_, std::move(line));
  } catch (const std::exception& error) {
    what = error.what();
  }
  core_->tell(peer_, "request failed inside: " + printable(what, 200));
  co_return std::string();
}

asio::awaitable<void> serve(std::shared_ptr<Core> core, Protocol::socket socket) {
  Connection connection(std::move(core), std::move(socket));
  co_await connection.run();
}

asio::awaitable<void> accept_loop(std::shared_ptr<Core> core) {
  std::string told;  // once, until it works again
  while (!core->stopping) {
    auto [error, socket] = co_await core->acceptor.async_accept(kTuple);
    if (core->stopping) co_return;
    if (error) {
      // No descriptor is free, most likely; connections that end give some back.
      const std::string why = "cannot accept a connection: " + error.message();
      if (core->note && why != told) core->note(why);
      told = why;
      asio::steady_timer pause(core->executor, std::chrono::milliseconds(200));
      co_await pause.async_wait(kTuple);
      continue;
    }
    told.clear();
    if (core->sockets.size() >= core->options.max_connections) {
      ++core->refused;
      continue;
    }
    asio::co_spawn(core->executor, serve(core, std::move(socket)), asio::detached);
  }
}

Status remove_stale(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return ok();
    return errno_error(errno, path);
  }
  if (!S_ISSOCK(status.st_mode)) return make_error(ErrorCode::conflict, path + " exists and is no socket");
  asio::io_context unused;
  Protocol::socket probe(unused);
  error_code error;
  probe.connect(Protocol::endpoint(path), error);
  if (!error || error == asio::error::try_again)
    return make_error(ErrorCode::conflict, path + ": another program listens there");
  if (error != asio::error::connection_refused) return errno_error(error.value(), path);
  if (::unlink(path.c_str()) != 0) return errno_error(errno, "remove stale " + path);
  return ok();
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::listen(asio::any_io_executor executor,
                                                             ControlServerOptions options, Handler handler, Note note) {
  const std::string path = options.path;
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path))
    return make_error(ErrorCode::malformed, "not a usable socket path: '" + printable(path, 200) + "'");
  if (auto removed = remove_stale(path); !removed) return std::move(removed).error();
  auto core = std::make_shared<Core>(std::move(executor), std::move(options), std::move(handler), std::move(note));
  error_code error;
  core->acceptor.open(Protocol(), error);
  if (!error) core->acceptor.bind(Protocol::endpoint(path), error);
  if (error) return errno_error(error.value(), "bind " + path);
  (void)::lstat(path.c_str(), &core->file);  // only used to recognise the file again
  // Nobody can connect before listen(), so the mode is right before the first client.
  if (core->options.group && ::lchown(path.c_str(), static_cast<uid_t>(-1), *core->options.group) != 0)
    return errno_error(errno, "set the group of " + path);
  if (::chmod(path.c_str(), core->options.mode) != 0) return errno_error(errno, "set the mode of " + path);
  core->acceptor.listen(16, error);
  if (error) return errno_error(error.value(), "listen on " + path);
  asio::co_spawn(core->executor, accept_loop(core), asio::detached);
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(core)));
}

ControlServer::ControlServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}
ControlServer::~ControlServer() { stop(); }
std::size_t ControlServer::connections() const { return core_->sockets.size(); }
std::uint64_t ControlServer::refused() const { return core_->refused; }
void ControlServer::stop() { core_->close_all(); }

}  // namespace hostmedic
