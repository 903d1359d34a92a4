// SPDX-License-Identifier: Apache-2.0
// Everything the host said in one tick. The probe process makes frames, the daemon consumes them, the recorder keeps
// them. Ids are local to one stream of frames and are defined in the frame that first uses them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "detect/model/entity.h"
#include "detect/model/series.h"

namespace hostmedic {

struct Sample {
  SeriesId series{};
  std::optional<double> value;  // nullopt: tried and failed. "unknown" is never 0.
  bool operator==(const Sample&) const = default;
};

struct Attribute {
  std::string key;    // "unit.active_state"
  std::string value;  // text from the host, already printable
  bool operator==(const Attribute&) const = default;
};

enum class EventKind : std::uint8_t {
  unit_state,        // a systemd unit changed state; attributes unit.*
  process_exec,      // process.*
  process_exit,      // process.*, with process.exit.code or process.exit.signal
  oom_kill,          // the kernel killed process.pid for memory
  file_growth,       // a file grows on a filesystem; attributes file.*, writer.*; entity: the filesystem
  probe_state,       // a probe became available, unavailable or late; entity: agent
  samples_lost,      // the sender dropped something; attribute count
  agent_budget,      // the agent stretches or restores the intervals of its probes to keep its budget; budget.*
  kernel_message,    // a known pattern in the kernel's log; kernel.*
  mount_changed,     // a filesystem was mounted or unmounted; entity: the filesystem
  clock_step,        // the wall clock was set; clock.*
  hardware_fault,    // what a sensor, a memory controller, an array or a disk reports; hardware.*
  fatal_signal,      // a process was sent a signal that ends it; process.*, signal.*
  behaviour,         // something that programs rarely do; behaviour.*, process.*
  listener,          // a listening socket came or went; network.*
  destination,       // an executable connected to where it had not before; network.*
  filesystem_error,  // the kernel reported damage or an I/O error of a filesystem
  unit_job,          // a job of systemd failed or timed out, or a timer did not run; job.*
  container_state,   // container.*
  log_template,      // a log said what it had not said before; log.*
  check_state,       // an active check changed its result; check.*
  certificate,       // a certificate was found or replaced; certificate.*
  change,            // somebody changed something: a package, a unit file, a configuration; change.*
  relation,          // the entity depends on another, or does no more; relation.*
};
inline constexpr int kEventKindCount = 24;
std::string_view to_string(EventKind kind);

struct Event {
  EventKind kind{};
  EntityId entity{};
  MonoTime at;  // when it happened; at most the frame's time
  std::vector<Attribute> attributes;

  // The value of the attribute, or empty.
  std::string_view get(std::string_view key) const;
  bool operator==(const Event&) const = default;
};

struct EntityDef {
  EntityId id{};
  Entity entity;
  bool operator==(const EntityDef&) const = default;
};

struct Frame {
  std::uint64_t sequence = 0;  // +1 each; a gap means frames were lost
  MonoTime mono;
  WallTime wall;
  bool first = false;               // the receiver forgets all ids and state bound to them
  std::vector<EntityDef> entities;  // new, or a retired id used again
  std::vector<SeriesDef> series;
  std::vector<EntityId> gone;  // with all series of theirs; applied before entities and series
  std::vector<Sample> samples;
  std::vector<Event> events;

  // Keeps the capacity, so that a steady-state tick allocates nothing.
  void clear();
  bool operator==(const Frame&) const = default;
};

// Bounds that the codec enforces and every producer keeps. The first two bound both how many there are and the ids.
inline constexpr std::size_t kMostEntities = 4096;
inline constexpr std::size_t kMostSeries = 65536;
inline constexpr std::size_t kMostEventsPerFrame = 512;
inline constexpr std::size_t kMostAttributes = 24;  // also room for one per rule of the guard, in a timeline
inline constexpr std::size_t kMostAttributeKey = 64;
inline constexpr std::size_t kMostAttributeValue = 512;

}  // namespace hostmedic
