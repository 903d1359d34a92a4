// SPDX-License-Identifier: Apache-2.0
// Plays the probe of a host's life to the real daemon, as soak.py tells it line by line:
//   run SECONDS     an ordinary day with churn goes on
//   play FILE       a recorded fault, all of it
//   silent SECONDS  time goes on without a frame
// Each is answered with a line of JSON. soak_driver SOCKET CLOCK_FILE SPEED [SEED]
#include <cstdio>
#include <iostream>
#include <string>

#include "agent/base/parse.h"
#include "agent/net/gzip.h"
#include "agent/recorder/frame_pack.h"
#include "agent/recorder/large_frame.h"
#include "agent/recorder/recording.h"
#include "tests/soak/churn.h"
#include "tests/soak/stream.h"
#include "tests/support/ordinary_day.h"

namespace hostmedic::soak {
namespace {

class Driver {
 public:
  Driver(Stream stream, std::uint64_t seed) : stream_(std::move(stream)), day_(seed), churn_(seed, {}) {}

  Status run(double seconds) {
    if (std::exchange(elsewhere_, false)) {
      stream_.restart();
      Frame again = known_;
      if (Status back = stream_.send(again, 0); !back) return back;
    }
    for (double passed = 0; passed < seconds; passed += 1) {
      Frame frame = day_.next(1);
      churn_.add_to(frame, 1);
      remember(frame);
      if (Status sent = stream_.send(frame, 1); !sent) return sent;
    }
    return ok();
  }

  Status play(const std::string& file) {
    const std::string paths[] = {file};
    const auto recording = read_recording(paths);
    if (!recording) return recording.error();
    elsewhere_ = true;
    for (const Segment& segment : recording->segments) {
      if (Status played = play(segment); !played) return played;
    }
    return ok();
  }

  Status drain() { return stream_.drain(); }
  void silence(double seconds) { stream_.silence(seconds); }

  void tell() const {
    const ChurnCounts& n = churn_.counts();
    const auto u = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf(
        "{\"seconds\":%.0f,\"frames\":%llu,\"bytes\":%llu,\"connections\":%llu,\"containers\":%llu,\"processes\":%llu,"
        "\"executables\":%llu,\"failures\":%llu,\"log_lines\":%llu,\"destinations\":%llu,\"deployments\":%llu}\n",
        stream_.seconds(), u(stream_.frames()), u(stream_.bytes()), u(stream_.connections()), u(n.containers),
        u(n.processes), u(n.groups), u(n.failures), u(n.log_lines), u(n.destinations), u(n.deployments));
    std::fflush(stdout);
  }

 private:
  Status play(const Segment& segment) {
    auto text = gunzip(segment.definitions, kMostRecord);
    if (!text) return text.error();
    Frame frame;
    if (Status decoded = decode_large(*text, frame); !decoded) return decoded;
    frame.samples.clear();
    frame.events.clear();
    stream_.restart();
    if (Status sent = stream_.send(frame, 0); !sent) return sent;
    FrameUnpacker unpacker;
    MonoTime last = segment.head.mono;
    for (const RecordView& record : segment.records) {
      if (record.kind != RecordKind::frame) continue;
      if (Status read = unpacker.unpack(record.payload, frame); !read) return read;
      if (frame.first) stream_.restart();
      const Duration step = std::clamp<Duration>(frame.mono - last, Duration{}, std::chrono::seconds(60));
      last = frame.mono;
      if (Status sent = stream_.send(frame, to_seconds(step)); !sent) return sent;
    }
    return ok();
  }

  // What the host defined, so that it can speak again after a recording.
  void remember(const Frame& frame) {
    std::erase_if(known_.series, [&](const SeriesDef& def) { return has(frame.gone, def.entity); });
    std::erase_if(known_.entities, [&](const EntityDef& def) { return has(frame.gone, def.id); });
    known_.entities.insert(known_.entities.end(), frame.entities.begin(), frame.entities.end());
    known_.series.insert(known_.series.end(), frame.series.begin(), frame.series.end());
  }
  static bool has(const std::vector<EntityId>& all, EntityId one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  }

  Stream stream_;
  test::OrdinaryDay day_;
  Churn churn_;
  Frame known_;
  bool elsewhere_ = false;
};

Status obey(Driver& driver, const std::string& line) {
  const std::string verb = line.substr(0, line.find(' '));
  const std::string rest = line.size() > verb.size() ? line.substr(verb.size() + 1) : "";
  const double seconds = parse_double(rest).value_or(0);
  if (verb == "run") return driver.run(seconds);
  if (verb == "play") return driver.play(rest);
  if (verb != "silent") return make_error(ErrorCode::malformed, "unknown: " + line);
  driver.silence(seconds);
  return ok();
}

}  // namespace
}  // namespace hostmedic::soak

int main(int argc, char** argv) {
  using namespace hostmedic;
  if (argc < 4) return 64;
  const auto speed = static_cast<std::int64_t>(parse_u64(argv[3]).value_or(200));
  auto stream = soak::Stream::open(argv[1], argv[2], speed);
  if (!stream) return std::fprintf(stderr, "%s\n", stream.error().message().c_str()), 1;
  soak::Driver driver(*std::move(stream), parse_u64(argc > 4 ? argv[4] : "1").value_or(1));
  driver.tell();
  for (std::string line; std::getline(std::cin, line);) {
    if (const Status done = soak::obey(driver, line); !done) {
      std::fprintf(stderr, "%s: %s\n", line.c_str(), done.error().message().c_str());
      return 1;
    }
    (void)driver.drain();  // a daemon that went away is noticed with the next frame
    driver.tell();
  }
  return 0;
}
