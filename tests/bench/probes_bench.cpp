// SPDX-License-Identifier: Apache-2.0
// What reading this machine costs, per probe and in all. Cases:
//   NAME      one read() of the probe in its steady state, after the first two, without the worker's answers
//   frame     cutting and encoding what one read gave; over all probes
// Prints the median and the 95th percentile of wall time over 200 rounds that start 5 ms apart, so that caches are as
// cold as between ticks, and the samples per read. It reads the host and changes nothing. Published numbers carry
// machine, kernel and build: print them with `uname -r` and `nproc`.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/clock.h"
#include "agent/probe/frame_builder.h"
#include "detect/model/codec.h"
#include "probes/probe.h"
#include "probes/source/roots.h"

namespace {

using namespace hostmedic;

constexpr int kRounds = 200;
constexpr auto kPause = std::chrono::milliseconds(5);

struct Case {
  std::string name;
  std::vector<double> us;
  std::size_t samples = 0;
};

double since_us(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

void print(Case& one) {
  std::sort(one.us.begin(), one.us.end());
  std::printf("%-14s %9.1f us %9.1f us %6zu samples\n", one.name.c_str(), one.us[one.us.size() / 2],
              one.us[one.us.size() * 95 / 100], one.samples);
}

}  // namespace

int main(int argc, char** argv) {
  const auto roots = open_roots(argc > 1 ? argv[1] : "");  // another tree: a container's /proc/PID/root
  if (!roots) {
    std::fprintf(stderr, "%s\n", roots.error().message().c_str());
    return 1;
  }
  const ProbeSettings settings;
  FrameBuilder builder;
  Case frame{"frame", {}, 0};
  std::string encoded;
  std::size_t speaker = 0;
  std::printf("%-14s %12s %12s\n", "case", "median", "p95");
  for (const ProbeInfo* info : all_probes()) {
    auto made = info->make(ProbeContext{*roots, settings});
    if (!made) {
      std::printf("%-14s %s\n", std::string(info->name).c_str(), made.error().message().c_str());
      continue;
    }
    Sink& sink = builder.sink(speaker++);
    Case read{std::string(info->name), {}, 0};
    for (int round = -2; round < kRounds; ++round) {
      std::this_thread::sleep_for(kPause);
      builder.begin_tick(mono_now(), wall_now());
      const auto begin = std::chrono::steady_clock::now();
      (void)(*made)->read(mono_now(), sink);  // what it says of the host is not the matter here
      if (round >= 0) read.us.push_back(since_us(begin));
      if (!(*made)->descriptors().empty()) (void)(*made)->on_ready(mono_now(), sink);
      const auto cut = std::chrono::steady_clock::now();
      std::size_t samples = 0;
      while (builder.pending()) {
        const Frame& next = builder.next(mono_now(), wall_now());
        samples += next.samples.size();
        encode_frame(next, encoded);
        builder.sent();
      }
      if (round >= 0) frame.us.push_back(since_us(cut));
      read.samples = std::max(read.samples, samples);
    }
    frame.samples += read.samples;
    print(read);
  }
  print(frame);
}
