// SPDX-License-Identifier: Apache-2.0
// One container engine, followed: asks about all containers at the start and whenever it lost the thread, then lives on
// the engine's stream of events, or on inotify where the engine's files are read. Everything that can block is done by
// a worker with a deadline. Owned by the probe; one thread beside the worker's.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "probes/container/container_table.h"
#include "probes/container/engine_job.h"
#include "probes/probe.h"
#include "probes/source/worker.h"

namespace hostmedic::container {

class Engine {
 public:
  static constexpr std::size_t kMostLine = 64 << 10;  // of the stream
  static constexpr int kMostNews = 256;               // lines in one turn; further ones wait in the socket
  static constexpr Duration kDeadline = std::chrono::seconds(10);
  static constexpr Duration kRetry = std::chrono::seconds(10);
  static constexpr Duration kRecheck = std::chrono::minutes(5);

  // epoll: the set that gets the stream and the inotify descriptor; it must outlive this.
  static Result<std::unique_ptr<Engine>> make(EnginePlace place, int epoll, std::shared_ptr<Bell> bell);

  // Takes what has come in and asks what is to be asked. Call when the set is readable and once per tick.
  void step(MonoTime now, ContainerTable& table, Sink& sink);
  bool answered() const { return answered_; }  // at least once, if only with an error
  const std::optional<Error>& problem() const { return problem_; }
  // True once after something started or ended.
  bool take_stirred() { return std::exchange(stirred_, false); }

 private:
  Engine(EnginePlace place, int epoll, Fd inotify, std::unique_ptr<ProbeWorker<EngineJob>> worker);
  void take_answer(MonoTime now, ContainerTable& table, Sink& sink);
  void read_stream(MonoTime now, ContainerTable& table, Sink& sink);
  void read_lines(MonoTime now, ContainerTable& table, Sink& sink);
  void read_inotify();
  void ask(MonoTime now);

  // Constant after construction.
  const EnginePlace place_;
  const int epoll_;
  const std::shared_ptr<const Fd> inotify_;
  const std::unique_ptr<ProbeWorker<EngineJob>> worker_;

  Source source_ = Source::disk;
  Fd stream_;
  std::string line_;                           // what has come of the stream and is not a whole line yet
  std::map<int, std::string> watched_;         // id by watch; an empty one: the directory of all
  std::set<std::string, std::less<>> wanted_;  // to be asked about
  bool answered_ = false, stirred_ = false, want_all_ = true;
  std::optional<MonoTime> all_at_, retry_at_;
  std::optional<Error> problem_;
};

}  // namespace hostmedic::container
