// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/serve.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <thread>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {

constexpr std::size_t kMostConnections = 32;
constexpr Duration kSilence = std::chrono::seconds(30);  // a connection that asks nothing is closed
constexpr Duration kCatchUp = std::chrono::seconds(5);
constexpr Duration kCrowded = std::chrono::milliseconds(200);  // before it is tried again to accept a connection

// Runs recover() once and then one order at a time. The owner hands in an order only when it has room; one that comes
// during the recovery waits for its end.
class Executor {
 public:
  explicit Executor(Actuator& actuator)
      : actuator_(actuator), done_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] { work(); }) {}
  ~Executor() {
    {
      const std::lock_guard lock(mutex_);
      leaving_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Readable when take() has something.
  int done_fd() const { return done_.get(); }
  bool has_room() {
    const std::lock_guard lock(mutex_);
    return !busy_;
  }
  bool idle() {
    const std::lock_guard lock(mutex_);
    return !busy_ && !recovering_;
  }
  void start(Order order) {
    {
      const std::lock_guard lock(mutex_);
      order_ = std::move(order);
      busy_ = true;
    }
    wake_.notify_one();
  }
  std::optional<Outcome> take() {
    std::uint64_t count = 0;
    (void)!::read(done_.get(), &count, sizeof count);  // empty: nothing is lost
    const std::lock_guard lock(mutex_);
    return std::exchange(outcome_, std::nullopt);
  }

 private:
  void work() {
    actuator_.recover();
    finished(std::nullopt);
    for (;;) {
      std::optional<Order> order;
      {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, kCatchUp, [this] { return leaving_ || order_.has_value(); });
        if (leaving_) return;
        order.swap(order_);
      }
      if (order)
        finished(actuator_.carry_out(*order));
      else
        actuator_.catch_up();
    }
  }
  void finished(std::optional<Outcome> outcome) {
    {
      const std::lock_guard lock(mutex_);
      // What ended first is the recovery; an order may have been handed in since.
      if (!std::exchange(recovering_, false)) busy_ = false;
      outcome_ = std::move(outcome);
    }
    const std::uint64_t one = 1;
    (void)!::write(done_.get(), &one, sizeof one);  // cannot be full
  }

  Actuator& actuator_;
  Fd done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Order> order_;      // guarded by mutex_
  std::optional<Outcome> outcome_;  // guarded by mutex_
  bool recovering_ = true;          // guarded by mutex_
  bool busy_ = false;               // guarded by mutex_; has an order
  bool leaving_ = false;            // guarded by mutex_
  std::thread thread_;              // last: it uses all of the above
};

struct Connection {
  Fd fd;
  ActuatorPeer peer;
  MonoTime last;
  std::string waits_for;  // key of the order whose end it wants
};

class Server {
 public:
  explicit Server(const ServeLoop& loop) : loop_(loop), executor_(loop.actuator) {}
  Status run();

 private:
  void accept_one();
  void read_one(Connection& connection);
  void handle(Connection& connection, const ActuatorRequest& request);
  void execute(Connection& connection, const Order& order);
  void send(Connection& connection, const ActuatorAnswer& answer);
  void order_ended();
  void release_due();
  void close_silent(MonoTime now);
  std::vector<struct pollfd> waits() const;
  bool crowded() const { return mono_now() < accept_again_; }

  const ServeLoop& loop_;
  Executor executor_;
  std::vector<Connection> connections_;
  std::string running_;    // key
  MonoTime accept_again_;  // no descriptor was free: not before
  std::string accept_error_;
};

void Server::send(Connection& connection, const ActuatorAnswer& answer) {
  const std::string text = encode(answer);
  connection.last = mono_now();
  // A peer that does not read loses the connection; the ledger keeps what it did not hear.
  if (::send(connection.fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) connection.fd.reset();
}

void Server::accept_one() {
  Fd fd(::accept4(loop_.listen_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
    const std::string why = errno_error(errno, "cannot accept a connection").message();
    if (why != accept_error_) log_error(why);
    accept_error_ = why;
    accept_again_ = mono_now() + kCrowded;
  }
  if (!fd) return;
  if (!accept_error_.empty()) log_notice("connections are accepted again");
  accept_error_.clear();
  if (connections_.size() >= kMostConnections) return;  // closing it is the answer
  ActuatorPeer peer = loop_.who(fd.get());
  if (peer.role == Role::stranger) return log_warning("refused a connection of " + peer.text);
  connections_.push_back({std::move(fd), std::move(peer), mono_now(), {}});
}

void Server::read_one(Connection& connection) {
  std::string text(kMostMessage + 1, '\0');  // one more shows what is too long
  const ssize_t got = ::recv(connection.fd.get(), text.data(), text.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return connection.fd.reset();
  connection.last = mono_now();
  text.resize(static_cast<std::size_t>(got));
  if (!connection.waits_for.empty()) return connection.fd.reset();  // one question at a time
  const auto request = decode_request(text);
  if (!request) {
    log_warning("refused a request of " + connection.peer.text + ": " + request.error().message());
    return send(connection, refusal(request.error()));
  }
  handle(connection, *request);
}

void Server::handle(Connection& connection, const ActuatorRequest& request) {
  if (request.kind == RequestKind::undo || request.kind == RequestKind::release) {
    const auto order = loop_.actuator.undo_order(request, connection.peer);
    return order ? execute(connection, *order) : send(connection, refusal(order.error()));
  }
  if (request.kind != RequestKind::execute) {
    ActuatorAnswer answer = loop_.actuator.answer(request, connection.peer, running_);
    const bool open = request.kind == RequestKind::query && answer.ok && !answer.outcome;
    if (!open) return send(connection, answer);
    if (request.key == running_ || (answer.known && !executor_.idle())) {
      connection.waits_for = request.key;
    } else {
      send(connection, answer);
    }
    return;
  }
  if (Status may = Actuator::allowed(request.kind, connection.peer.role); !may)
    return send(connection, refusal(may.error()));
  execute(connection, request.order);
}

void Server::execute(Connection& connection, const Order& order) {
  if (order.key == running_) {
    connection.waits_for = order.key;
    return;
  }
  if (!running_.empty() || !executor_.has_room()) {
    ActuatorAnswer answer;
    answer.ok = true;
    answer.outcome = not_carried_out(order, OutcomeResult::refused, std::string(kBusy), wall_now());
    return send(connection, answer);
  }
  running_ = order.key;
  connection.waits_for = order.key;
  executor_.start(order);
}

void Server::order_ended() {
  // Without an outcome it was the recovery that ended, and an order may have been started since.
  const std::optional<Outcome> outcome = executor_.take();
  if (outcome) running_.clear();
  for (Connection& connection : connections_) {
    if (connection.waits_for.empty() || connection.waits_for == running_) continue;
    ActuatorAnswer answer;
    if (outcome && outcome->key == connection.waits_for) {
      answer.ok = true;
      answer.known = true;
      answer.outcome = *outcome;
    } else {
      ActuatorRequest query;
      query.kind = RequestKind::query;
      query.key = connection.waits_for;
      answer = loop_.actuator.answer(query, connection.peer, running_);
    }
    connection.waits_for.clear();
    send(connection, answer);
  }
}

void Server::release_due() {
  if (!running_.empty() || !executor_.idle()) return;
  const auto order = loop_.actuator.due_release();
  if (!order) return;
  running_ = order->key;
  executor_.start(*order);
}

void Server::close_silent(MonoTime now) {
  for (Connection& connection : connections_)
    if (connection.waits_for.empty() && now - connection.last > kSilence) connection.fd.reset();
  std::erase_if(connections_, [](const Connection& connection) { return !connection.fd; });
}

std::vector<struct pollfd> Server::waits() const {
  std::vector<struct pollfd> waits{
      {loop_.stop_fd, POLLIN, 0}, {executor_.done_fd(), POLLIN, 0}, {crowded() ? -1 : loop_.listen_fd, POLLIN, 0}};
  for (const Connection& connection : connections_) waits.push_back({connection.fd.get(), POLLIN, 0});
  return waits;
}

Status Server::run() {
  const auto watchdog = watchdog_period();
  constexpr Duration kTick = std::chrono::seconds(5);
  const Duration tick = std::min(
      {kTick, watchdog ? *watchdog / 3 : kTick, loop_.idle > Duration{} ? loop_.idle : kTick, loop_.ledgerless});
  MonoTime quiet_since = mono_now(), ledger_since = quiet_since;
  for (;;) {
    std::vector<struct pollfd> ready = waits();
    const Duration wait = crowded() ? std::min(tick, kCrowded) : tick;
    const int timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
    if (::poll(ready.data(), ready.size(), timeout) < 0 && errno != EINTR) return errno_error(errno, "poll");
    if (watchdog) (void)notify_manager("WATCHDOG=1");  // without it the manager restarts us, which is the point
    if (ready[0].revents != 0) return ok();
    if (ready[1].revents != 0) order_ended();
    for (std::size_t i = 3; i < ready.size(); ++i)
      if (ready[i].revents != 0 && connections_[i - 3].fd) read_one(connections_[i - 3]);
    if (ready[2].revents != 0) accept_one();
    const MonoTime now = mono_now();
    close_silent(now);
    release_due();
    const bool at_work = !connections_.empty() || !executor_.idle() || ready[2].revents != 0;
    if (at_work || !loop_.actuator.without_ledger()) ledger_since = now;
    if (now - ledger_since >= loop_.ledgerless)
      return make_error(ErrorCode::io, "there is no ledger to use: the next process tries again");
    const bool busy = at_work || loop_.actuator.waits();
    if (busy) quiet_since = now;
    if (busy || loop_.idle <= Duration{}) continue;
    if (now - quiet_since >= loop_.idle) return ok();
    if (loop_.replaced && loop_.replaced()) {
      log_notice("this program was replaced: the next request starts the new one");
      return ok();
    }
  }
}

}  // namespace

Status serve(const ServeLoop& loop) { return Server(loop).run(); }

}  // namespace hostmedic
