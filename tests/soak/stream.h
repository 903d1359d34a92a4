// SPDX-License-Identifier: Apache-2.0
// The probe's end of the daemon's socket, with the clock: a frame is sent when those before were taken, but for one or
// two, and the time of all programs is that of the frame. A daemon that went away is waited for and told all
// definitions again.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "detect/model/frame.h"
#include "tests/soak/clock.h"

namespace hostmedic::soak {

class Stream {
 public:
  // speed: seconds of the frames in a real second at most.
  static Result<Stream> open(std::string socket, const std::string& clock_file, std::int64_t speed);

  // A new host speaks from now on: what was defined is forgotten.
  void restart();
  // Replaces the frame's number and times. Error timeout: nobody takes it for a minute.
  Status send(Frame& frame, double seconds_later);
  // Returns when all that was sent was taken.
  Status drain() { return fd_ ? wait_taken(0) : ok(); }
  // Time goes on and nothing is said.
  void silence(double seconds);

  std::uint64_t frames() const { return sequence_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t connections() const { return connections_; }
  double seconds() const { return static_cast<double>(mono_ - begun_) / 1e9; }

 private:
  Stream() = default;
  void advance(double seconds);
  Status connect();
  Status wait_taken(int most);
  Status define();
  Status put(const Frame& frame);
  void learn(const Frame& frame);

  std::string socket_, encoded_;
  ClockPage* page_ = nullptr;
  Fd fd_;
  bool fresh_ = true;
  std::uint64_t sequence_ = 0, bytes_ = 0, connections_ = 0;
  std::int64_t begun_ = 0, mono_ = 0, wall_ = 0, speed_ = 1, real_due_ = 0;
  std::map<EntityId, EntityDef> entities_;
  std::map<SeriesId, SeriesDef> series_;
};

}  // namespace hostmedic::soak
