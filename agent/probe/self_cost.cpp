// SPDX-License-Identifier: Apache-2.0
#include "agent/probe/self_cost.h"

#include <sys/socket.h>
#include <unistd.h>

#include <ctime>

#include "agent/base/parse.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

Bytes pages(std::uint64_t count) { return {count * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))}; }

// "size resident shared ...", in pages.
std::optional<Bytes> resident(std::string_view statm) {
  TextCursor words(statm);
  (void)words.word();
  const auto count = words.u64();
  if (!count) return std::nullopt;
  return pages(*count);
}

std::optional<Duration> own_cpu() {
  timespec used{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) return std::nullopt;
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// Of /proc/PID/stat: user and system time are the 12th and 13th word after the name, resident pages the 22nd.
std::optional<SelfCost::Total> parse_stat(std::string_view stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  TextCursor words(stat.substr(name_end + 1));
  std::uint64_t ticks = 0;
  for (int word = 1; word <= 22; ++word) {
    if (word != 12 && word != 13 && word != 22) {
      (void)words.word();
      continue;
    }
    const auto number = words.u64();
    if (!number) return std::nullopt;
    if (word == 22)
      return SelfCost::Total{std::chrono::seconds(1) * ticks / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)),
                             pages(*number)};
    ticks += *number;
  }
  return std::nullopt;
}

}  // namespace

SelfCost::SelfCost(int proc, std::string part)
    : proc_(proc), part_(std::move(part)), statm_(proc, "self/statm", KeptFile::Shape::whole) {}

void SelfCost::begin(int connection) {
  cpu_ = memory_ = kNoSeries;
  schedule_ = {};
  daemon_stat_.reset();
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid == ::getpid()) return;
  daemon_stat_.emplace(proc_, std::to_string(peer.pid) + "/stat", KeptFile::Shape::whole);
}

std::optional<SelfCost::Total> SelfCost::read_daemon() {
  if (!daemon_stat_) return Total{};
  const auto stat = daemon_stat_->read();
  return stat ? parse_stat(*stat) : std::nullopt;
}

std::optional<SelfCost::Total> SelfCost::read(MonoTime now, Sink& sink) {
  if (!schedule_.due(now)) return std::nullopt;
  schedule_.ran(now, Governor::kPeriod);
  if (cpu_ == kNoSeries) {
    const EntityId self = sink.entity(EntityKind::agent, part_);
    cpu_ = sink.series(self, metric::kAgentCpuTime, "part=" + part_);
    memory_ = sink.series(self, metric::kAgentMemory, "part=" + part_);
  }
  const auto cpu = own_cpu();
  const auto statm = statm_.read();
  const auto memory = statm ? resident(*statm) : std::nullopt;
  sink.sample(cpu_, cpu ? std::optional(to_seconds(*cpu)) : std::nullopt);
  sink.sample(memory_, memory ? std::optional(static_cast<double>(memory->count)) : std::nullopt);
  const auto daemon = read_daemon();
  if (!cpu || !memory || !daemon) return std::nullopt;
  return Total{*cpu + daemon->cpu, *memory + daemon->resident};
}

}  // namespace hostmedic
