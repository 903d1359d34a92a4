// SPDX-License-Identifier: Apache-2.0
// The one thread for what may block (SQLite, slow files). Jobs run in the order they were given; each answer comes
// back on the io thread. Bounded: past the bound a job is refused and counted.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
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
      boost::asio::post(io_, [done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
    });
    return true;
  }

  // Waits for the jobs given so far.
  void stop() { pool_.join(); }
  std::uint64_t refused() const { return refused_; }
  int waiting() const { return waiting_; }

 private:
  static constexpr int kMostWaiting = 1024;
  boost::asio::io_context& io_;
  boost::asio::thread_pool pool_{1};
  std::atomic<int> waiting_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace hostmedic
