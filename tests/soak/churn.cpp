// SPDX-License-Identifier: Apache-2.0
#include "tests/soak/churn.h"

#include <cmath>

#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic::soak {
namespace {

constexpr std::size_t kServices = 40, kGroups = 24;
constexpr double kDown = 40;  // seconds that a service is down

// What a line may hold that means something to a terminal, a page, a shell, a database or a metric's name.
constexpr std::string_view kHostile[] = {"\x1b]0;owned\x07\x1b[2J",
                                         "<script>alert(1)</script>",
                                         "'; DROP TABLE incident; --",
                                         "$(reboot) `id` ; rm -rf /",
                                         "{\"a\":\"}}}}",
                                         "\xff\xfe\x80 not utf-8 \xc0",
                                         "%s%n%n%x",
                                         "\r\n\r\nHTTP/1.1 200 OK"};

}  // namespace

bool Churn::due(double every) const { return std::floor(now_ / every) != std::floor(before_ / every); }

EntityId Churn::entity(EntityKind kind, std::string name) {
  EntityId id{next_entity_};
  if (free_entities_.empty())
    ++next_entity_;
  else
    id = free_entities_.front(), free_entities_.pop_front();
  frame_->entities.push_back({id, {kind, std::move(name)}});
  return id;
}

SeriesId Churn::series(EntityId of, const MetricInfo& metric, std::string attributes) {
  SeriesId id{next_series_};
  if (free_series_.empty())
    ++next_series_;
  else
    id = free_series_.front(), free_series_.pop_front();
  frame_->series.push_back({id, of, std::string(metric.name), std::move(attributes), metric.unit, metric.instrument});
  return id;
}

void Churn::gone(Thing& thing) {
  for (const EntityId id : thing.entities) frame_->gone.push_back(id), free_entities_.push_back(id);
  for (const SeriesId id : thing.series) free_series_.push_back(id);
}

void Churn::event(EventKind kind, EntityId of,
                  std::initializer_list<std::pair<std::string_view, std::string>> attributes) {
  if (frame_->events.size() >= kMostEventsPerFrame) return;
  Event made{kind, of, frame_->mono, {}};
  for (const auto& [key, value] : attributes) made.attributes.push_back({std::string(key), value});
  frame_->events.push_back(std::move(made));
}

void Churn::unit_state(const Thing& service, std::string_view active, std::string_view sub, std::string_view result) {
  event(EventKind::unit_state, service.entities[0],
        {{attr::kUnitActiveState, std::string(active)},
         {attr::kUnitSubState, std::string(sub)},
         {attr::kUnitResult, std::string(result)},
         {attr::kUnitRestarts, "0"},
         {attr::kUnitRestartPolicy, "no"},
         {attr::kUnitInitial, "0"}});
}

void Churn::begin_services() {
  for (std::size_t i = 0; i < kServices; ++i) {
    Thing service;
    service.name = strf("busy-%02zu.service", i);
    service.entities = {entity(EntityKind::service, service.name)};
    service.series = {series(service.entities[0], metric::kServiceCpuTime),
                      series(service.entities[0], metric::kServiceMemoryUsage),
                      series(service.entities[0], metric::kLogRecords, "log.severity=error")};
    service.totals.assign(2, 0);
    services_.push_back(service);
    unit_state(services_.back(), "active", "running", "success");
  }
}

void Churn::tell_services() {
  if (services_.empty()) begin_services();
  for (std::size_t i = 0; i < services_.size(); ++i) {
    Thing& service = services_[i];
    const bool down = service.ends > now_;
    if (service.ends > before_ && !down) {
      unit_state(service, "activating", "start", "success");
      unit_state(service, "active", "running", "success");
    }
    service.totals[0] += down ? 0 : 0.01 * step_;
    service.totals[1] += down ? 3 * step_ : 0;
    frame_->samples.push_back({service.series[0], service.totals[0]});
    frame_->samples.push_back({service.series[1], down ? 0 : 20e6 + 1e6 * static_cast<double>(i)});
    frame_->samples.push_back({service.series[2], std::floor(service.totals[1])});
  }
  if (!due(plan_.failure_every)) return;
  Thing& victim = services_[counts_.failures++ % services_.size()];
  victim.ends = now_ + kDown;
  unit_state(victim, "failed", "failed", "exit-code");
}

void Churn::begin_container() {
  Thing made;
  made.name = strf("%012llx", static_cast<unsigned long long>(0xc0de000000 + counts_.containers * 7919));
  const EntityId id = entity(EntityKind::container, made.name);
  const EntityId link = entity(EntityKind::network_interface, "veth" + made.name.substr(5));
  made.entities = {id, link};
  made.series = {series(id, metric::kContainerCpuTime),
                 series(id, metric::kContainerMemoryUsage),
                 series(id, metric::kContainerTasks),
                 series(id, metric::kContainerRestarts),
                 series(link, metric::kNetworkIo, "network.io.direction=receive"),
                 series(link, metric::kLinkUp)};
  made.totals.assign(2, 0);
  made.born = now_;
  made.ends = now_ + uniform(300, 2100);
  event(EventKind::relation, id,
        {{attr::kRelationType, "runs_in"},
         {attr::kRelationTarget, "service:docker.service"},
         {attr::kRelationState, "present"}});
  const std::string number = std::to_string(counts_.containers++);
  for (const char* what : {"create", "start"})
    event(EventKind::container_state, id,
          {{attr::kContainerId, made.name},
           {attr::kContainerName, "batch-" + number},
           {attr::kContainerImage, "registry/batch:" + number},
           {attr::kContainerRuntime, "docker"},
           {attr::kContainerEvent, what},
           {attr::kContainerState, what == std::string_view("start") ? "running" : "created"}});
  containers_.push_back(std::move(made));
}

void Churn::tell_containers() {
  std::erase_if(containers_, [&](Thing& each) {
    if (each.ends > before_) return false;
    gone(each);  // it was told to have died in the frame before
    return true;
  });
  if (due(plan_.container_every)) begin_container();
  for (Thing& each : containers_) {
    each.totals[0] += 0.05 * step_;
    each.totals[1] += 2000 * step_;
    const double values[] = {each.totals[0], 60e6 + 1e3 * (now_ - each.born), 6, 0, std::floor(each.totals[1]), 1};
    for (std::size_t i = 0; i < each.series.size(); ++i) frame_->samples.push_back({each.series[i], values[i]});
    if (each.ends > now_) continue;
    const bool badly = uniform(0, 1) < 0.1;
    event(EventKind::container_state, each.entities[0],
          {{attr::kContainerId, each.name},
           {attr::kContainerEvent, "die"},
           {attr::kContainerState, "exited"},
           {attr::kContainerExitCode, badly ? "137" : "0"}});
  }
}

void Churn::tell_groups() {
  if (groups_.size() < kGroups || due(plan_.group_every)) {
    Thing made;
    made.name = strf("worker-%llu", static_cast<unsigned long long>(counts_.groups++));
    made.entities = {entity(EntityKind::process, made.name)};
    made.series = {series(made.entities[0], metric::kProcessCpuTime, "cpu.mode=user"),
                   series(made.entities[0], metric::kProcessMemoryUsage),
                   series(made.entities[0], metric::kProcessMembers),
                   series(made.entities[0], metric::kProcessDescriptors)};
    made.totals.assign(1, 0);
    made.born = now_;
    groups_.push_back(std::move(made));
  }
  if (groups_.size() > kGroups) {
    gone(groups_.front());
    groups_.erase(groups_.begin());
  }
  for (Thing& each : groups_) {
    each.totals[0] += 0.02 * step_;
    const double values[] = {each.totals[0], 8e6 + 1e4 * std::sin(now_ / 60), 3, 24};
    for (std::size_t i = 0; i < each.series.size(); ++i) frame_->samples.push_back({each.series[i], values[i]});
  }
}

void Churn::tell_processes() {
  const auto tell = [&](EventKind kind, const Process& one) {
    const std::string number = std::to_string(one.number);
    event(kind, services_[one.service].entities[0],
          {{attr::kProcessPid, std::to_string(1000 + one.number % 4'000'000)},
           {attr::kProcessParentPid, "1"},
           {attr::kProcessName, "job" + number},
           {attr::kProcessPath, "/srv/jobs/job" + number},
           {attr::kProcessParentName, "runner"},
           {attr::kProcessUnit, services_[one.service].name},
           {kind == EventKind::process_exit ? attr::kProcessExitCode : attr::kProcessUser, "0"}});
  };
  const auto wanted = static_cast<std::uint64_t>(now_ / plan_.process_every);
  for (int most = 64; counts_.processes < wanted && most > 0; --most) {
    const Process one{now_ + uniform(1, 600), counts_.processes++, static_cast<std::size_t>(random_() % kServices)};
    tell(EventKind::process_exec, one);
    processes_.push_back(one);
  }
  std::erase_if(processes_, [&](const Process& one) {
    if (one.ends > now_) return false;
    tell(EventKind::process_exit, one);
    return true;
  });
}

void Churn::tell_logs() {
  if (std::fmod(now_, plan_.flood_every) >= plan_.flood_length || now_ < plan_.flood_length) return;
  for (int i = 0; i < 64; ++i) {
    const std::uint64_t number = counts_.log_lines++;
    const std::string hostile(kHostile[number % std::size(kHostile)]);
    event(EventKind::log_template, services_[number % kServices].entities[0],
          {{attr::kLogTemplateId, strf("%016llx", static_cast<unsigned long long>(number * 0x9E3779B97F4A7C15ULL))},
           {attr::kLogTemplateText,
            printable(strf("flood %llu ", static_cast<unsigned long long>(number)) + hostile, 200)},
           {attr::kLogSeverity, number % 3 == 0 ? "ERROR" : "WARN"},
           {attr::kLogSample, printable(hostile + std::string(200, 'x'), 256)}});
  }
}

void Churn::tell_rest() {
  if (due(plan_.destination_every)) {
    const std::uint64_t number = counts_.destinations++;
    const auto part = [&](int shift) { return static_cast<unsigned>(number >> shift & 0xff); };
    event(EventKind::destination, services_[number % kServices].entities[0],
          {{attr::kProcessName, "client"},
           {attr::kProcessUnit, services_[number % kServices].name},
           {attr::kNetworkTransport, "tcp"},
           {attr::kNetworkPeerAddress, strf("203.%u.%u.%u", part(16), part(8), part(0))},
           {attr::kNetworkPeerPort, std::to_string(1024 + number % 60'000)},
           {attr::kNetworkInitial, "0"}});
  }
  if (due(plan_.deployment_every)) {
    const std::uint64_t number = counts_.deployments++;
    Thing package;
    package.entities = {entity(EntityKind::package, strf("app-%llu", static_cast<unsigned long long>(number)))};
    event(EventKind::change, package.entities[0],
          {{attr::kChangeType, "package"},
           {attr::kChangeAction, "upgraded"},
           {attr::kChangeName, strf("app-%llu", static_cast<unsigned long long>(number))},
           {attr::kChangeVersion, std::to_string(number + 1)},
           {attr::kChangePreviousVersion, std::to_string(number)}});
    package.ends = -1;
    containers_.push_back(std::move(package));  // goes with the next frame
  }
}

void Churn::add_to(Frame& frame, double step) {
  frame_ = &frame;
  before_ = now_;
  now_ += step;
  step_ = step;
  tell_services();
  tell_containers();
  tell_groups();
  tell_processes();
  tell_logs();
  tell_rest();
  frame_ = nullptr;
}

}  // namespace hostmedic::soak
