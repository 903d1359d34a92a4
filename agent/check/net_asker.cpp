// SPDX-License-Identifier: Apache-2.0
#include "agent/check/net_asker.h"

#include <sys/eventfd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/base/log.h"
#include "agent/check/ask.h"
#include "probes/source/worker.h"

namespace hostmedic {
namespace {

namespace asio = boost::asio;

// Where answers wait for the probes' thread. Shared with what is under way.
struct Mailbox {
  explicit Mailbox(std::shared_ptr<Bell> rung) : bell(std::move(rung)) {}
  void put(Answer answer) {
    const std::lock_guard lock(mutex);
    answers.push_back(std::move(answer));
    bell->ring();
  }
  std::optional<Answer> take() {
    const std::lock_guard lock(mutex);
    if (answers.empty()) {
      bell->quiet();
      return std::nullopt;
    }
    Answer answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  const std::shared_ptr<Bell> bell;
  std::mutex mutex;
  std::deque<Answer> answers;  // guarded by mutex
};

struct Asked {
  Question question;
  std::shared_ptr<Mailbox> mailbox;
};

}  // namespace

// Lives on the talking thread, but for its making and its end.
struct NetAskers::Talk {
  explicit Talk(std::string socket) : plugin_socket(std::move(socket)), work(io.get_executor()) {}
  ~Talk() {
    io.stop();
    if (thread.joinable()) thread.join();
  }

  void ask(Asked asked) {
    waiting.push_back(std::move(asked));
    begin_next();
  }
  void begin_next() {
    if (under_way == kMostAtOnce || waiting.empty()) return;
    ++under_way;
    Asked asked = std::move(waiting.front());
    waiting.pop_front();
    asio::co_spawn(io, answer(std::move(asked)), [this](const std::exception_ptr&) {
      --under_way;  // without an answer only if there was no memory for one; the check stays unanswered then
      begin_next();
    });
  }
  asio::awaitable<void> answer(Asked asked) {
    if (asked.question.after > Duration::zero()) {
      asio::steady_timer pause(io, asked.question.after);
      co_await pause.async_wait(asio::use_awaitable);
    }
    const MonoTime begin = mono_now();
    Answer given = co_await reply(asked.question);
    given.id = asked.question.id;
    given.took = mono_now() - begin;
    asked.mailbox->put(std::move(given));
  }
  static Answer not_asked() {
    Answer answer;
    answer.asked = false;
    return answer;
  }
  // Each way to ask takes a descriptor.
  bool can_ask() {
    const Fd spare(::eventfd(0, EFD_CLOEXEC));
    const std::string why = spare ? "" : errno_error(errno, "nothing can be asked").message();
    if (!why.empty() && why != hindrance) log_error(why);
    if (why.empty() && !hindrance.empty()) log_notice("endpoints are asked again");
    hindrance = why;
    return why.empty();
  }
  asio::awaitable<Answer> reply(const Question& question) {
    const auto target = parse_target(question.url);
    if (!target) co_return failed(target.error().message());
    if (!can_ask()) co_return not_asked();
    switch (target->scheme) {
      case Target::Scheme::dns: co_return co_await ask_name(question, *target);
      case Target::Scheme::exec: co_return co_await ask_plugin(question, *target, plugin_socket);
      case Target::Scheme::http:
      case Target::Scheme::https:
      case Target::Scheme::tcp:
      case Target::Scheme::tls: co_return co_await ask_connection(question, *target, authorities);
    }
    co_return failed("unknown form of address");
  }

  const std::string plugin_socket;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  Authorities authorities;
  std::deque<Asked> waiting;
  std::size_t under_way = 0;
  std::string hindrance;  // why nothing can be asked; empty: it can
  std::thread thread;
};

class NetAskers::NetAsker final : public Asker {
 public:
  NetAsker(Talk& talk, std::shared_ptr<Mailbox> mailbox) : talk_(talk), mailbox_(std::move(mailbox)) {}
  void ask(Question question) override {
    asio::post(talk_.io,
               [&talk = talk_, asked = Asked{std::move(question), mailbox_}]() mutable { talk.ask(std::move(asked)); });
  }
  std::optional<Answer> take() override { return mailbox_->take(); }
  int fd() const override { return mailbox_->bell->fd(); }

 private:
  Talk& talk_;
  const std::shared_ptr<Mailbox> mailbox_;
};

NetAskers::NetAskers(std::unique_ptr<Talk> talk) : talk_(std::move(talk)) {}
NetAskers::~NetAskers() = default;

Result<std::unique_ptr<NetAskers>> NetAskers::start(std::string plugin_socket) {
  auto talk = std::make_unique<Talk>(std::move(plugin_socket));
  // Signals are for the main thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    talk->thread = std::thread([&io = talk->io] { io.run(); });
  } catch (const std::system_error&) {  // reported below
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!talk->thread.joinable()) return make_error(ErrorCode::limit, "cannot start a thread");
  return std::unique_ptr<NetAskers>(new NetAskers(std::move(talk)));
}

Result<std::unique_ptr<Asker>> NetAskers::make() {
  auto bell = Bell::make();
  if (!bell) return std::move(bell).error();
  return std::unique_ptr<Asker>(std::make_unique<NetAsker>(*talk_, std::make_shared<Mailbox>(std::move(*bell))));
}

}  // namespace hostmedic
