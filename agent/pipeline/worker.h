// SPDX-License-Identifier: Apache-2.0
// The one thread for what may block (SQLite, slow files). Jobs run in the order they were given; each answer comes
// back on the io thread. Bounded: past the bound a job is refused and counted.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace hostmedic {

class Worker {
 public:
  explicit Worker(boost::asio::io_context& io) : io_(io) {}
  ~Worker() { stop(); }

  // job() runs on the worker; done(its result) then runs on the io thread. False when too many jobs wait.
  template <class Job, class Done>
  bool run(Job job, Done done) {
    if (waiting_.fetch_add(1) >= kMostWaiting) {
      waiting_.fetch_sub(1);
      ++refused_;
      return false;
    }
    boost::asio::post(pool_, [this, job = std::move(job), done = std::move(done)]() mutable {
      auto result = job();
      waiting_.fetch_sub(1);
      boost::asio::post(io_,
                        [done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
    });
    return true;
  }

  // The same for a coroutine, which resumes where it was. Not counted against the bound: who awaits is bounded already.
  template <class Job>
  boost::asio::awaitable<std::invoke_result_t<Job&>> call(Job job) {
    auto answer = co_await boost::asio::co_spawn(pool_, on_pool(std::move(job)), boost::asio::use_awaitable);
    co_return std::move(*answer);
  }

  // Waits for the jobs given so far.
  void stop() { pool_.join(); }
  std::uint64_t refused() const { return refused_; }
  int waiting() const { return waiting_; }

 private:
  // The answer is optional because Asio wants a default-constructible one.
  template <class Job>
  static boost::asio::awaitable<std::optional<std::invoke_result_t<Job&>>> on_pool(Job job) {
    co_return job();
  }

  static constexpr int kMostWaiting = 1024;
  boost::asio::io_context& io_;
  boost::asio::thread_pool pool_{1};
  std::atomic<int> waiting_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace hostmedic
