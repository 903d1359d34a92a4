// SPDX-License-Identifier: Apache-2.0
#include "probes/container/engine.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "probes/container/engine_json.h"

namespace hostmedic::container {
namespace {

Status add_to(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) return errno_error(errno, "epoll");
  return ok();
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::make(EnginePlace place, int epoll, std::shared_ptr<Bell> bell) {
  Fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return errno_error(errno, "inotify");
  if (auto added = add_to(epoll, inotify.get()); !added) return std::move(added).error();
  auto worker = ProbeWorker<EngineJob>::make(1, std::move(bell));
  if (!worker) return std::move(worker).error();
  return std::unique_ptr<Engine>(new Engine(std::move(place), epoll, std::move(inotify), std::move(*worker)));
}

Engine::Engine(EnginePlace place, int epoll, Fd inotify, std::unique_ptr<ProbeWorker<EngineJob>> worker)
    : place_(std::move(place)),
      epoll_(epoll),
      inotify_(std::make_shared<const Fd>(std::move(inotify))),
      worker_(std::move(worker)) {}

void Engine::step(MonoTime now, ContainerTable& table, Sink& sink) {
  // The stream first: an answer that comes with it may be newer.
  read_stream(now, table, sink);
  read_inotify();
  take_answer(now, table, sink);
  if (all_at_ && now - *all_at_ >= kRecheck && source_ == Source::disk) want_all_ = true;
  ask(now);
}

void Engine::take_answer(MonoTime now, ContainerTable& table, Sink& sink) {
  if (worker_->late(0, now)) problem_ = make_error(ErrorCode::timeout, place_.runtime + " does not answer");
  auto answer = worker_->take(0);
  if (!answer) return;
  answered_ = stirred_ = true;
  problem_.reset();
  if (answer->error) {
    problem_ = std::move(*answer->error).in(place_.runtime);
    want_all_ = true;
    retry_at_ = now + kRetry;
  }
  for (auto& [watch, id] : answer->watches) watched_[watch] = std::move(id);
  if (answer->all) {
    source_ = answer->source;
    table.on_snapshot(place_.runtime, answer->facts, now, sink);
  } else {
    for (const ContainerFacts& facts : answer->facts) table.on_facts(place_.runtime, facts, source_, now, sink);
    for (const std::string& id : answer->gone) table.on_gone(id, now, sink);
  }
  if (!answer->stream) return;
  line_ = std::move(answer->begun);
  stream_ = std::move(answer->stream);
  if (!add_to(epoll_, stream_.get())) stream_.reset();
  read_lines(now, table, sink);
}

void Engine::read_stream(MonoTime now, ContainerTable& table, Sink& sink) {
  char buffer[16 << 10];
  for (int turn = 0; stream_ && turn < 16; ++turn) {
    const ssize_t n = ::recv(stream_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0 || line_.size() + static_cast<std::size_t>(n) > kMostLine) {
      // The engine ended, or speaks nonsense. What happened until the next answer shows in it.
      stream_.reset();
      line_.clear();
      want_all_ = true;
      retry_at_ = now + std::chrono::seconds(1);
      return;
    }
    line_.append(buffer, static_cast<std::size_t>(n));
    read_lines(now, table, sink);
  }
}

void Engine::read_lines(MonoTime now, ContainerTable& table, Sink& sink) {
  std::size_t begin = 0;
  for (std::size_t end; (end = line_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const auto news = parse_news(std::string_view(line_).substr(begin, end - begin));
    if (!news) continue;  // one event lost; the next answer shows its result
    stirred_ = true;
    if (table.on_news(place_.runtime, *news, now, sink)) wanted_.insert(news->id);
  }
  line_.erase(0, begin);
}

void Engine::read_inotify() {
  alignas(inotify_event) char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(inotify_->get(), buffer, sizeof buffer);
    if (n <= 0) return;  // nothing more
    for (const char* at = buffer; at < buffer + n;) {
      inotify_event event{};
      std::memcpy(&event, at, sizeof event);
      const char* const name = at + sizeof event;
      at += sizeof event + event.len;
      const auto known = watched_.find(event.wd);
      if ((event.mask & IN_IGNORED) != 0) {
        if (known != watched_.end()) watched_.erase(known);
      } else if ((event.mask & IN_Q_OVERFLOW) != 0 || known == watched_.end() || known->second.empty()) {
        want_all_ = true;
      } else if (event.len > 0 && std::strcmp(name, "config.v2.json") == 0) {
        wanted_.insert(known->second);
      }
    }
  }
}

void Engine::ask(MonoTime now) {
  if (worker_->busy(0)) return;
  EngineJob job{place_, inotify_, {}, source_, kDeadline};
  if (want_all_) {
    if (retry_at_ && now < *retry_at_) return;
    want_all_ = false;
    stream_.reset();
    wanted_.clear();
    all_at_ = now;
  } else if (!wanted_.empty()) {
    job.ids.assign(wanted_.begin(), wanted_.end());
    wanted_.clear();
  } else {
    return;
  }
  if (worker_->submit(0, std::make_shared<const EngineJob>(std::move(job)), now + kDeadline)) worker_->start();
}

}  // namespace hostmedic::container
