// SPDX-License-Identifier: Apache-2.0
#include "probes/source/worker.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <future>

#include "../fake_root.h"

using namespace hostmedic;
using test::at_second;

namespace {

// Returns its number when the gate opens. No gate: at once.
struct Job {
  int number = 0;
  std::shared_future<void> gate;
  int run() const {
    if (gate.valid()) gate.wait();
    return number;
  }
};
std::shared_ptr<const Job> job(int number) { return std::make_shared<const Job>(Job{number, {}}); }

void wait_for(const Bell& bell) {
  pollfd polled{bell.fd(), POLLIN, 0};
  REQUIRE(::poll(&polled, 1, 10'000) == 1);
}

struct Fixture {
  std::shared_ptr<Bell> bell = *Bell::make();
  std::unique_ptr<ProbeWorker<Job>> worker = std::move(*ProbeWorker<Job>::make(4, bell));
};

}  // namespace

TEST_CASE("worker: answers come once, in their slot, and the bell rings once for a batch") {
  Fixture f;
  for (std::size_t slot = 0; slot < 4; ++slot) REQUIRE(f.worker->submit(slot, job(int(slot) + 10), at_second(1)));
  f.worker->start();
  wait_for(*f.bell);
  for (std::size_t slot = 0; slot < 4; ++slot) {
    CHECK(f.worker->take(slot) == int(slot) + 10);
    CHECK(!f.worker->take(slot));
    CHECK(!f.worker->busy(slot));
  }
  f.bell->quiet();
  pollfd polled{f.bell->fd(), POLLIN, 0};
  CHECK(::poll(&polled, 1, 0) == 0);
}

TEST_CASE("worker: a job past its deadline is late, its slot is taken until it returns") {
  Fixture f;
  std::promise<void> gate;
  REQUIRE(f.worker->submit(0, std::make_shared<const Job>(Job{1, gate.get_future().share()}), at_second(5)));
  REQUIRE(f.worker->submit(1, job(2), at_second(5)));
  f.worker->start();
  CHECK(!f.worker->late(0, at_second(5)));  // at the deadline it is not late yet
  CHECK(f.worker->late(0, at_second(6)));
  CHECK(f.worker->late(1, at_second(6)));  // it waits behind the first
  CHECK(!f.worker->late(2, at_second(6)));
  CHECK(!f.worker->submit(0, job(3), at_second(9)));
  CHECK(!f.worker->take(0));
  gate.set_value();
  wait_for(*f.bell);
  CHECK(f.worker->take(0) == 1);
  CHECK(f.worker->take(1) == 2);
  CHECK(!f.worker->late(0, at_second(6)));
  CHECK(f.worker->submit(0, job(3), at_second(9)));
  f.worker->start();
  wait_for(*f.bell);
}

TEST_CASE("worker: one that is destroyed while a call hangs does not wait for it") {
  Fixture f;
  std::promise<void> gate;
  auto hung = std::make_shared<const Job>(Job{1, gate.get_future().share()});
  REQUIRE(f.worker->submit(0, hung, at_second(1)));
  f.worker->start();
  while (hung.use_count() < 3) std::this_thread::yield();  // here, in the slot, and in the thread that runs it
  f.worker.reset();
  CHECK(hung.use_count() > 1);  // still hung
  gate.set_value();
  while (hung.use_count() > 1) std::this_thread::yield();
  CHECK(hung.use_count() == 1);
}
