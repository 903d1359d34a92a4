// SPDX-License-Identifier: Apache-2.0
// A host with a service, a pipeline that may restart it, and a flight recorder; the worker and the files are real.
#pragma once

#include <stdlib.h>

#include <boost/asio/io_context.hpp>
#include <cmath>
#include <filesystem>
#include <thread>

#include "agent/recorder/config_files.h"
#include "agent/recorder/play.h"
#include "agent/recorder/recorder.h"
#include "tests/unit/detect/stream.h"

namespace hostmedic::test {

// Gone with what is in it.
struct Scratch {
  std::string path;
  Scratch() {
    std::string name = "/tmp/hm-recorder-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Scratch() { std::filesystem::remove_all(path); }
};

inline std::vector<ConfigFile> texts(const std::string& policy = "[guard]\ntier = \"auto\"\nboot_grace = \"0s\"\n",
                                     const std::string& agent = "") {
  return {{"hostmedic.toml", agent},
          {"policy.toml", policy},
          {"runbooks/000/restart.toml",
           "name = \"service-restart\"\nsummary = \"Restart.\"\nkinds = [\"service.failed\"]\nentity = \"service:*\"\n"
           "ceiling = \"auto\"\n[[step]]\naction = \"service.restart\"\n[step.verify]\ncheck = \"unit_active\"\n"
           "settle = \"1s\"\nwithin = \"15s\"\n",
           "/etc/hostmedic/runbooks.d/restart.toml"}};
}

struct Nothing final : PipelineOutput {
  std::vector<Order> orders;
  void persist(const Incident&) override {}
  void submit(const Order& order) override { orders.push_back(order); }
  void notify(const Incident&, const std::string&) override {}
};

class RecordedHost {
 public:
  static constexpr std::uint64_t kSeed = 42;

  explicit RecordedHost(const std::string& dir, RecorderSettings settings = {}) {
    settings.dir = dir;
    settings.version = "test";
    settings.host = "host";
    settings.boot_id = "boot";
    settings.host_seed = kSeed;
    recorder_ = std::make_unique<FlightRecorder>(
        worker_, pipeline, settings,
        [this]() -> Result<DecidingState> {
          auto snapshot = pipeline.snapshot();
          if (!snapshot) return std::move(snapshot).error();
          return DecidingState{encode_config(files), *std::move(snapshot)};
        },
        [this](const std::string& text) { told.push_back(text); });
    recorder_->start();
    pipeline.record_on(recorder_.get());
  }
  ~RecordedHost() { stop(); }

  void stop() {
    pipeline.record_on(nullptr);
    recorder_->stop();
    worker_.stop();
    io_.poll();
  }
  // Until the worker has done what it was given.
  void settle() {
    while (worker_.waiting() > 0) std::this_thread::yield();
    io_.restart();
    io_.poll();
    while (worker_.waiting() > 0) std::this_thread::yield();
    io_.restart();
    io_.poll();
  }

  void tell(std::string_view state) {
    stream.event(EventKind::unit_state, nginx,
                 {{attr::kUnitActiveState, state}, {attr::kUnitRestartPolicy, "no"}, {attr::kUnitResult, "signal"}});
  }
  void tick() {
    second += 1;
    stream.sample(used, 0.5 + 0.01 * std::sin(second / 40)).sample(load, std::round(second * 7));
    pipeline.frame(stream.cut(second));
    settle();
  }
  void ticks(int count) {
    for (int i = 0; i < count; ++i) tick();
  }
  Now now() const { return {at_s(second), wall_from_ns(Stream::kEpochNs + to_ns(at_s(second)))}; }
  // A fault that a restart mends.
  void fail_and_mend() {
    tell("failed");
    ticks(2);
    if (!output.orders.empty()) {
      Outcome outcome;
      outcome.key = output.orders.back().key;
      outcome.result = OutcomeResult::done;
      outcome.started_at = outcome.ended_at = now().wall;
      pipeline.outcome(outcome, now());
    }
    tell("active");
    ticks(30);
  }
  const FlightRecorder::State& state() const { return recorder_->state(); }

  std::vector<ConfigFile> files = texts();
  DecidingConfig config = *load_config(files);
  Nothing output;
  Pipeline pipeline{engine_of(config.agent.engine), config.runbooks, config.policy, output};
  Stream stream;
  EntityId nginx = stream.entity(EntityKind::service, "nginx.service");
  EntityId root = stream.entity(EntityKind::filesystem, "/");
  SeriesId used = stream.series(root, metric::kFilesystemUtilization);
  SeriesId load = stream.series(root, metric::kDiskOperations);
  double second = 1000;
  std::vector<std::string> told;

 private:
  boost::asio::io_context io_;
  Worker worker_{io_};
  std::unique_ptr<FlightRecorder> recorder_;
};

inline Result<PlayedRecording> play_path(const std::string& path, const PlayWish& wish = {}) {
  auto recording = read_recording(std::span(&path, 1));
  if (!recording) return std::move(recording).error();
  return play(*recording, wish);
}

}  // namespace hostmedic::test
