// SPDX-License-Identifier: Apache-2.0
// The thread that touches the store. Jobs run one at a time in the order given; the caller's coroutine goes on in its
// own executor. How many wait is bounded by the number of connections, each of which waits for its own.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

namespace hostmedic {

class StoreThread {
 public:
  // job must own what it uses, or what it refers to must outlive join().
  template <class Job>
  boost::asio::awaitable<std::invoke_result_t<Job&>> run(Job job) {
    using Answer = std::invoke_result_t<Job&>;
    auto initiate = [this](auto handler, Job work) {
      boost::asio::post(pool_, [handler = std::move(handler), work = std::move(work)]() mutable {
        Answer answer = work();
        auto executor = boost::asio::get_associated_executor(handler);
        boost::asio::post(executor, [handler = std::move(handler), answer = std::move(answer)]() mutable {
          std::move(handler)(std::move(answer));
        });
      });
    };
    auto pending = boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(Answer)>(
        std::move(initiate), boost::asio::use_awaitable, std::move(job));
    co_return co_await std::move(pending);
  }
  // Waits for the jobs given so far.
  void join() { pool_.join(); }

 private:
  boost::asio::thread_pool pool_{1};
};

}  // namespace hostmedic
