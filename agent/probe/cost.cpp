// SPDX-License-Identifier: Apache-2.0
// What the probes cost on this host, measured: each is run in its own interval for a while, with the kernel's
// statistics of BPF programs switched on.
#include <poll.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "agent/probe/frame_builder.h"
#include "agent/probe/probe_set.h"
#include "agent/probe/run.h"
#include "probes/bpf/own_programs.h"
#include "probes/source/roots.h"

namespace hostmedic {
namespace {

Duration thread_cpu() {
  timespec used{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);  // always there on Linux
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

struct Measured {
  const ProbeInfo* info = nullptr;
  std::unique_ptr<Probe> probe;
  std::string lacks;
  Schedule schedule;
  Duration making{}, reading{};
  int reads = 0;
  std::vector<std::uint32_t> programs, maps;  // ids
};

template <class Rows>
std::vector<std::uint32_t> ids_beyond(const Rows& now, const Rows& before) {
  std::vector<std::uint32_t> ids;
  for (const auto& row : now) {
    const auto same = [&](const auto& other) { return other.id == row.id; };
    if (std::none_of(before.begin(), before.end(), same)) ids.push_back(row.id);
  }
  return ids;
}

Measured make(const ProbeInfo& info, const ProbeContext& context) {
  Measured made;
  made.info = &info;
  const int proc = context.roots.proc.get();
  const auto programs = bpf::own_programs(proc);
  const auto maps = bpf::own_maps(proc);
  const Duration begin = thread_cpu();
  auto probe = info.make(context);
  made.making = thread_cpu() - begin;
  if (!probe) {
    made.lacks = probe.error().message();
    return made;
  }
  made.probe = std::move(*probe);
  made.programs = ids_beyond(bpf::own_programs(proc), programs);
  made.maps = ids_beyond(bpf::own_maps(proc), maps);
  return made;
}

// The first reading finds out what there is and is not counted.
void read(Measured& one, Sink& sink, MonoTime now) {
  const Duration begin = thread_cpu();
  (void)one.probe->read(now, sink);  // what it says of the host is not the matter here
  const Duration took = thread_cpu() - begin;
  if (one.reads++ > 0) one.reading += took;
  one.schedule.ran(now, one.probe->interval());
}

void serve_ready(std::vector<Measured>& all, FrameBuilder& builder, int wait_ms) {
  std::vector<pollfd> polled;
  std::vector<std::size_t> owners;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].probe) continue;
    for (const int fd : all[i].probe->descriptors()) {
      polled.push_back({fd, POLLIN, 0});
      owners.push_back(i);
    }
  }
  if (::poll(polled.data(), polled.size(), wait_ms) <= 0) return;
  for (std::size_t i = 0; i < polled.size(); ++i) {
    if (polled[i].revents == 0) continue;
    const Duration begin = thread_cpu();
    (void)all[owners[i]].probe->on_ready(mono_now(), builder.sink(owners[i]));
    all[owners[i]].reading += thread_cpu() - begin;
  }
}

double us(Duration duration) { return static_cast<double>(to_ns(duration)) / 1e3; }

std::string row_of(const Measured& one, double seconds) {
  const std::string name(one.info->name);
  if (!one.probe) return strf("%-18s %s\n", name.c_str(), printable(one.lacks, 200).c_str());
  const int counted = std::max(one.reads - 1, 0);
  return strf("%-18s %8.1f %7d %12.1f %14.2f %12.1f\n", name.c_str(), us(one.probe->interval()) / 1e6, counted,
              counted > 0 ? us(one.reading) / counted : 0, us(one.reading) / 1e3 * 60 / seconds, us(one.making) / 1e3);
}

std::string programs_of(const Measured& one, const std::vector<bpf::OwnProgram>& programs,
                        const std::vector<bpf::OwnMap>& maps) {
  std::string text;
  for (const bpf::OwnProgram& program : programs) {
    if (std::find(one.programs.begin(), one.programs.end(), program.id) == one.programs.end()) continue;
    const double each = program.runs > 0 ? static_cast<double>(program.run_ns) / static_cast<double>(program.runs) : 0;
    text += strf("  %-30s %12llu events %10.0f ns per event\n", printable(program.name, 30).c_str(),
                 static_cast<unsigned long long>(program.runs), each);
  }
  std::uint64_t bytes = 0;
  for (const bpf::OwnMap& map : maps)
    if (std::find(one.maps.begin(), one.maps.end(), map.id) != one.maps.end()) bytes += map.bytes;
  if (!one.maps.empty())
    text += strf("  %zu maps, %s in the kernel\n", one.maps.size(), format_bytes(Bytes{bytes}).c_str());
  return text;
}

bool wanted(const ProbeInfo& info, const ProbeOptions& options) {
  const auto named = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), info.name) != names.end();
  };
  return !named(options.settings.disable) && (options.enabled.empty() || named(options.enabled));
}

}  // namespace

Status print_cost(const ProbeOptions& options, int seconds, int stop_fd, std::string& ret_text) {
  auto roots = open_roots(options.prefix);
  if (!roots) return std::move(roots).error();
  const auto statistics = bpf::keep_statistics();
  const ProbeContext context{*roots, options.settings};
  FrameBuilder builder;
  std::vector<Measured> all;
  for (const ProbeInfo* info : all_probes())
    if (wanted(*info, options) && all.size() < FrameBuilder::kMostSpeakers) all.push_back(make(*info, context));
  const MonoTime begin = mono_now(), end = begin + std::chrono::seconds(seconds);
  for (MonoTime now = begin; now < end; now = mono_now()) {
    pollfd stop{stop_fd, POLLIN, 0};
    if (::poll(&stop, 1, 0) > 0) break;
    builder.begin_tick(now, wall_now());
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].probe && all[i].schedule.due(now)) read(all[i], builder.sink(i), now);
    serve_ready(all, builder, 200);
    while (builder.pending()) {  // nobody listens
      (void)builder.next(mono_now(), wall_now());
      builder.sent();
    }
  }
  const double passed = us(mono_now() - begin) / 1e6;
  const auto programs = bpf::own_programs(roots->proc.get());
  const auto maps = bpf::own_maps(roots->proc.get());
  ret_text =
      strf("%-18s %8s %7s %12s %14s %12s\n", "PROBE", "EVERY s", "READS", "us PER READ", "CPU ms/min", "ms TO START");
  for (const Measured& one : all) ret_text += row_of(one, passed) + programs_of(one, programs, maps);
  ret_text += strf("measured over %.0f s; first readings and threads for what may block are left out\n", passed);
  if (!statistics) ret_text += "events are not timed: " + statistics.error().message() + "\n";
  return ok();
}

}  // namespace hostmedic
