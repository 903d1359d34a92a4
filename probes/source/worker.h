// SPDX-License-Identifier: Apache-2.0
// One thread for calls that may hang. The owner submits jobs into a fixed number of slots and picks the answers up; it
// never waits. A job that passed its deadline is late: its slot stays taken until the job returns. Owned and called by
// one thread. A hung call cannot be cancelled, so a worker that is destroyed meanwhile leaves its thread behind, which
// ends when the call returns and touches only what it shares.
#pragma once

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

// Becomes readable when an answer waits in one of the workers that ring it. Shared, because a hung thread outlives its
// worker.
class Bell {
 public:
  static Result<std::shared_ptr<Bell>> make() {
    Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) return errno_error(errno, "eventfd");
    return std::make_shared<Bell>(std::move(fd));
  }
  explicit Bell(Fd fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }
  // Both can only fail by having nothing to do: the counter is already raised, or already zero.
  void ring() { (void)!::eventfd_write(fd_.get(), 1); }
  void quiet() {
    eventfd_t count = 0;
    (void)!::eventfd_read(fd_.get(), &count);
  }

 private:
  Fd fd_;
};

// Sent to each thread when the process gives capabilities back, which every thread has for itself.
inline int drop_rights_signal() { return SIGRTMIN + 1; }

// Job: a type with `Answer run() const`, which must not throw.
template <class Job>
class ProbeWorker {
 public:
  using Answer = decltype(std::declval<const Job&>().run());

  static Result<std::unique_ptr<ProbeWorker>> make(std::size_t slots, std::shared_ptr<Bell> bell) {
    auto shared = std::make_shared<Shared>(slots, std::move(bell));
    // Signals are for the owner's thread, but for the one that is meant for every thread.
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, drop_rights_signal());
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::optional<std::thread> thread;
    try {
      thread.emplace([shared] { shared->serve(); });
    } catch (const std::system_error&) {  // no thread to be had; reported below
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!thread) return make_error(ErrorCode::limit, "cannot start a worker thread");
    return std::unique_ptr<ProbeWorker>(new ProbeWorker(std::move(shared), std::move(*thread)));
  }

  ~ProbeWorker() {
    bool idle = false;
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->stop = true;
      idle = !shared_->running;
    }
    shared_->wake.notify_one();
    if (idle) {
      thread_.join();
    } else {
      thread_.detach();
    }
  }
  ProbeWorker(const ProbeWorker&) = delete;
  ProbeWorker& operator=(const ProbeWorker&) = delete;

  // Puts a job into a slot; start() sets the thread to work. False, and nothing done, while the slot's last job has not
  // returned.
  bool submit(std::size_t slot, std::shared_ptr<const Job> job, MonoTime deadline) {
    const std::lock_guard lock(shared_->mutex);
    Slot& taken = shared_->slots[slot];
    if (taken.job) return false;
    taken.job = std::move(job);
    taken.deadline = deadline;
    taken.answer.reset();
    ++shared_->waiting;
    return true;
  }
  // Once after any number of submitted jobs: waking a thread costs more than most of them.
  void start() { shared_->wake.notify_one(); }
  // The answer of a job that returned, once.
  std::optional<Answer> take(std::size_t slot) {
    const std::lock_guard lock(shared_->mutex);
    return std::exchange(shared_->slots[slot].answer, std::nullopt);
  }
  // A job of the slot is under way and past its deadline.
  bool late(std::size_t slot, MonoTime now) const {
    const std::lock_guard lock(shared_->mutex);
    const Slot& asked = shared_->slots[slot];
    return asked.job != nullptr && now > asked.deadline;
  }
  bool busy(std::size_t slot) const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->slots[slot].job != nullptr;
  }

 private:
  struct Slot {
    std::shared_ptr<const Job> job;  // set from submit until the job returned
    MonoTime deadline;
    std::optional<Answer> answer;
  };
  struct Shared {
    Shared(std::size_t count, std::shared_ptr<Bell> rung) : slots(count), bell(std::move(rung)) {}

    void serve() {
      (void)pthread_setname_np(pthread_self(), "probe-worker");  // only for those who look at the threads
      std::unique_lock lock(mutex);
      std::size_t next = 0;
      for (;;) {
        wake.wait(lock, [&] { return stop || waiting > 0; });
        if (stop) return;
        while (slots[next].job == nullptr) next = (next + 1) % slots.size();
        --waiting;
        const std::shared_ptr<const Job> job = slots[next].job;
        running = true;
        lock.unlock();
        Answer answer = job->run();
        lock.lock();
        running = false;
        slots[next].job.reset();
        slots[next].answer = std::move(answer);
        next = (next + 1) % slots.size();
        if (waiting == 0) bell->ring();  // once for all that were submitted together
      }
    }

    std::mutex mutex;
    std::condition_variable wake;
    // Guarded by mutex.
    std::vector<Slot> slots;
    std::size_t waiting = 0;  // submitted, not begun
    bool running = false, stop = false;
    // Constant; rings itself safely.
    std::shared_ptr<Bell> bell;
  };

  ProbeWorker(std::shared_ptr<Shared> shared, std::thread thread)
      : shared_(std::move(shared)), thread_(std::move(thread)) {}

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace hostmedic
