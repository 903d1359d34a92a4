// SPDX-License-Identifier: Apache-2.0
// What comes and goes on a busy host, put into the frames of an ordinary day: containers, processes, services that fail
// and are started again, floods of log lines, connections to places never seen before, deployments. All names are new
// but those of the services. The same seed gives the same. Ids are above those of the day.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/model/frame.h"
#include "detect/model/series.h"

namespace hostmedic::soak {

// How often, in seconds of the host's life.
struct ChurnPlan {
  double container_every = 72 * 3600.0 / 10'000;
  double process_every = 72 * 3600.0 / 100'000;
  double group_every = 60;    // another executable is among the busiest
  double failure_every = 50;  // of a service
  double flood_every = 1.5 * 3600, flood_length = 120;
  double destination_every = 30;
  double deployment_every = 2 * 3600;
};

struct ChurnCounts {
  std::uint64_t containers = 0, processes = 0, groups = 0, failures = 0, log_lines = 0, destinations = 0,
                deployments = 0;
};

class Churn {
 public:
  Churn(std::uint64_t seed, ChurnPlan plan) : random_(seed), plan_(plan) {}

  // Adds to the frame, which is `step` seconds after the one before. all: what is there is defined anew.
  void add_to(Frame& frame, double step);
  const ChurnCounts& counts() const { return counts_; }

 private:
  struct Thing {  // a container with its interface, a group of processes, a service
    std::vector<EntityId> entities;
    std::vector<SeriesId> series;
    std::string name;
    double born = 0, ends = 0;
    std::vector<double> totals;
  };
  struct Process {
    double ends = 0;
    std::uint64_t number = 0;
    std::size_t service = 0;
  };

  bool due(double every) const;
  EntityId entity(EntityKind kind, std::string name);
  SeriesId series(EntityId of, const MetricInfo& metric, std::string attributes = "");
  void gone(Thing& thing);
  void event(EventKind kind, EntityId of, std::initializer_list<std::pair<std::string_view, std::string>> attributes);
  double uniform(double from, double to) { return std::uniform_real_distribution<double>(from, to)(random_); }
  void begin_services();
  void unit_state(const Thing& service, std::string_view active, std::string_view sub, std::string_view result);
  void tell_services();
  void tell_containers();
  void begin_container();
  void tell_groups();
  void tell_processes();
  void tell_logs();
  void tell_rest();

  std::mt19937_64 random_;
  const ChurnPlan plan_;
  ChurnCounts counts_;
  Frame* frame_ = nullptr;
  double now_ = 0, before_ = 0, step_ = 1;
  std::deque<EntityId> free_entities_;
  std::deque<SeriesId> free_series_;
  std::uint32_t next_entity_ = 1024, next_series_ = 8192;
  std::vector<Thing> services_, containers_, groups_;
  std::vector<Process> processes_;
};

}  // namespace hostmedic::soak
