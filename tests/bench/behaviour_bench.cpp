// SPDX-License-Identifier: Apache-2.0
// What the behaviour model costs: nanoseconds per event of a known service, per event with a made-up name, per tick in
// which nothing happens, and bytes per service. One thread; the best of five runs.
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "detect/behaviour/behaviour_model.h"
#include "detect/model/names.h"

using namespace hostmedic;

namespace {

template <class Run>
double best_ns(std::size_t items, Run run) {
  double best = 1e18;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / static_cast<double>(items));
  }
  return best;
}

Event started(std::string path, std::string parent) {
  return {EventKind::process_exec,
          EntityId{0},
          {},
          {{std::string(attr::kProcessPid), "4711"},
           {std::string(attr::kProcessParentPid), "1"},
           {std::string(attr::kProcessName), "program"},
           {std::string(attr::kProcessUnit), "service-7.service"},
           {std::string(attr::kProcessPath), std::move(path)},
           {std::string(attr::kProcessParentName), std::move(parent)},
           {std::string(attr::kProcessUser), "33"}}};
}
Event connected(const std::string& address) {
  return {EventKind::destination,
          EntityId{0},
          {},
          {{std::string(attr::kNetworkPeerAddress), address}, {std::string(attr::kNetworkPeerPort), "443"}}};
}

}  // namespace

int main() {
  constexpr int kServices = 100;
  constexpr std::size_t kEvents = 100'000;
  detect::BehaviourModel model;
  std::vector<std::string> units;
  // Letters that are no digits, for numbers in names are no difference.
  for (int i = 0; i < kServices; ++i)
    units.push_back(std::string{static_cast<char>('g' + i / 10), static_cast<char>('g' + i % 10)} + ".service");
  std::vector<Event> usual;
  for (char c = 'g'; c < 'w'; ++c) usual.push_back(started("/usr/bin/" + std::string(1, c), "systemd"));
  for (int i = 0; i < 8; ++i) usual.push_back(connected("10.0." + std::to_string(i) + ".1"));

  MonoTime now{};
  const auto pass = [&](Duration time) {
    for (Duration left = time; left > Duration::zero(); left -= std::chrono::minutes(4)) {
      model.advance(now += std::chrono::minutes(4));
      (void)model.ripe();
    }
  };
  model.advance(now);
  for (int day = 0; day < 12; ++day) {
    for (const std::string& unit : units)
      for (const Event& event : usual) model.note(model.service(unit), unit, event);
    pass(std::chrono::hours(24));
  }

  std::size_t next = 0;
  const double known = best_ns(kEvents, [&] {
    for (std::size_t i = 0; i < kEvents; ++i, ++next) {
      const std::string& unit = units[next % units.size()];
      model.note(model.service(unit), unit, usual[next / units.size() % usual.size()]);
    }
  });
  std::vector<Event> made_up;
  for (std::size_t i = 0; i < kEvents; ++i) {
    std::string name = "/opt/";
    for (std::size_t rest = i + 1; rest > 0; rest /= 20) name += static_cast<char>('g' + rest % 20);
    made_up.push_back(started(name, name));
  }
  const double fresh = best_ns(kEvents, [&] {
    for (std::size_t i = 0; i < kEvents; ++i) {
      const std::string& unit = units[i % units.size()];
      model.note(model.service(unit), unit, made_up[i]);
    }
  });
  pass(std::chrono::hours(1));
  constexpr std::size_t kTicks = 1'000'000;
  const double tick = best_ns(kTicks, [&] {
    for (std::size_t i = 0; i < kTicks; ++i) {
      model.advance(now += std::chrono::seconds(1));
      (void)model.ripe();
    }
  });
  detect::StateWriter writer;
  model.save(writer);
  std::printf("event, known: %.0f ns; with a made-up name: %.0f ns; tick: %.1f ns\n", known, fresh, tick);
  std::printf("%zu bytes in memory and %zu in a checkpoint per service, of %d\n", model.bytes_used() / kServices,
              writer.bytes().size() / kServices, kServices);
}
