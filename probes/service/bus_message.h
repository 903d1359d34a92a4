// SPDX-License-Identifier: Apache-2.0
// Owners of what sd-bus hands out, and the reading of a unit's properties out of a message. One thread.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probes/service/dependencies.h"
#include "probes/service/timer_table.h"
#include "probes/service/unit_table.h"

namespace hostmedic::service {

inline constexpr const char* kSystemd = "org.freedesktop.systemd1";
inline constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
inline constexpr const char* kUnitPath = "/org/freedesktop/systemd1/unit";
inline constexpr const char* kManagerInterface = "org.freedesktop.systemd1.Manager";
inline constexpr const char* kUnitInterface = "org.freedesktop.systemd1.Unit";
inline constexpr const char* kServiceInterface = "org.freedesktop.systemd1.Service";
inline constexpr const char* kTimerInterface = "org.freedesktop.systemd1.Timer";
inline constexpr const char* kPropertiesInterface = "org.freedesktop.DBus.Properties";

struct BusClose {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
struct SlotUnref {
  void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
struct MessageUnref {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Bus = std::unique_ptr<sd_bus, BusClose>;
using Slot = std::unique_ptr<sd_bus_slot, SlotUnref>;
using Message = std::unique_ptr<sd_bus_message, MessageUnref>;

// The unit that an object path stands for; empty if it is none.
inline std::string unit_of_path(const char* path) {
  char* name = nullptr;
  std::string unit;
  if (path != nullptr && sd_bus_path_decode(path, kUnitPath, &name) > 0 && name != nullptr) unit = name;
  std::free(name);
  return unit;
}

// The type of a value as its readers are told it: of a basic type its letter, 'a' for a list of texts, else 0.
inline char type_of(const char* contents) {
  if (contents == nullptr) return 0;
  if (std::strcmp(contents, "as") == 0) return 'a';
  return contents[0] != '\0' && contents[1] == '\0' ? contents[0] : '\0';
}

// Walks an "a{sv}": take.read() for each value of such a type that it wants, the others are skipped. Negative on a
// message that is not as it should be.
template <class Take>
int read_properties(sd_bus_message* message, Take& take) {
  int r = sd_bus_message_enter_container(message, 'a', "{sv}");
  if (r < 0) return r;
  while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
    const char* name = nullptr;
    if (r = sd_bus_message_read_basic(message, 's', &name); r < 0) return r;
    char kind = 0;
    const char* contents = nullptr;
    if (r = sd_bus_message_peek_type(message, &kind, &contents); r < 0) return r;
    const char type = type_of(contents);
    if (type != 0 && Take::wants(name, type)) {
      if (r = sd_bus_message_enter_container(message, 'v', contents); r < 0) return r;
      if (r = take.read(message, name, type); r < 0) return r;
      if (r = sd_bus_message_exit_container(message); r < 0) return r;
    } else if (r = sd_bus_message_skip(message, "v"); r < 0) {
      return r;
    }
    if (r = sd_bus_message_exit_container(message); r < 0) return r;
  }
  return r < 0 ? r : sd_bus_message_exit_container(message);
}

// Reads one value into where it is kept.
inline int read_text(sd_bus_message* message, std::optional<std::string>& into) {
  const char* text = nullptr;
  const int r = sd_bus_message_read_basic(message, 's', &text);
  if (r >= 0) into = text;
  return r;
}
template <class Number>
int read_number(sd_bus_message* message, char type, std::optional<Number>& into) {
  Number number = 0;
  const int r = sd_bus_message_read_basic(message, type, &number);
  if (r >= 0) into = number;
  return r;
}

// Adds what it lists, at most kMostListed in all.
inline constexpr std::size_t kMostListed = 256;
inline int read_texts(sd_bus_message* message, std::vector<std::string>& into) {
  int r = sd_bus_message_enter_container(message, 'a', "s");
  const char* text = nullptr;
  while (r >= 0 && (r = sd_bus_message_read_basic(message, 's', &text)) > 0) {
    if (into.size() < kMostListed) into.emplace_back(text);
  }
  return r < 0 ? r : sd_bus_message_exit_container(message);
}

// Properties of a service.
struct ReadFacts {
  ServiceFacts facts;
  static bool wants(std::string_view name, char type) {
    if (type == 's') return name == "Result" || name == "Restart" || name == "Type";
    if (type == 'u') return name == "NRestarts" || name == "MainPID";
    if (type == 't') return name == "MemoryMax" || name == "TasksMax" || name == "LimitNOFILESoft";
    return type == 'i' && name == "ExecMainStatus";
  }
  int read(sd_bus_message* message, std::string_view name, char type) {
    if (name == "Result") return read_text(message, facts.result);
    if (name == "Restart") return read_text(message, facts.restart_policy);
    if (name == "Type") return read_text(message, facts.type);
    if (name == "NRestarts") return read_number(message, type, facts.restarts);
    if (name == "MainPID") return read_number(message, type, facts.main_pid);
    if (name == "MemoryMax") return read_number(message, type, facts.most_memory);
    if (name == "TasksMax") return read_number(message, type, facts.most_tasks);
    if (name == "LimitNOFILESoft") return read_number(message, type, facts.most_descriptors);
    return read_number(message, type, facts.exec_status);
  }
};

// The same and where the service keeps its files: the answer to a question.
struct ReadService {
  ReadFacts state;
  ServiceDirectories directories;
  static bool wants(std::string_view name, char type) {
    if (type == 'a') return name == "StateDirectory" || name == "LogsDirectory" || name == "CacheDirectory";
    return (type == 's' && name == "WorkingDirectory") || ReadFacts::wants(name, type);
  }
  int read(sd_bus_message* message, std::string_view name, char type) {
    if (name == "StateDirectory") return read_texts(message, directories.state);
    if (name == "LogsDirectory") return read_texts(message, directories.logs);
    if (name == "CacheDirectory") return read_texts(message, directories.cache);
    if (name != "WorkingDirectory") return state.read(message, name, type);
    std::optional<std::string> path;
    const int r = read_text(message, path);
    directories.working_directory = path.value_or("");
    return r;
  }
};

// What a unit depends on.
struct ReadDependencies {
  UnitDependencies found;
  static bool wants(std::string_view name, char type) {
    return type == 'a' && (name == "Requires" || name == "Requisite" || name == "BindsTo" || name == "Wants" ||
                           name == "PartOf" || name == "After" || name == "RequiresMountsFor");
  }
  int read(sd_bus_message* message, std::string_view name, char) {
    if (name == "Wants") return read_texts(message, found.wants);
    if (name == "PartOf") return read_texts(message, found.part_of);
    if (name == "After") return read_texts(message, found.after);
    if (name == "RequiresMountsFor") return read_texts(message, found.mounts_for);
    return read_texts(message, found.requires_);
  }
};

// Properties of any unit. An empty text: the message does not carry it.
struct ReadState {
  std::optional<std::string> active_state, sub_state;
  static bool wants(std::string_view name, char type) {
    return type == 's' && (name == "ActiveState" || name == "SubState");
  }
  int read(sd_bus_message* message, std::string_view name, char) {
    return read_text(message, name == "ActiveState" ? active_state : sub_state);
  }
};

// Properties of a timer.
struct ReadTimer {
  TimerFacts facts;
  static bool wants(std::string_view name, char type) {
    if (type == 's') return name == "Unit";
    return type == 't' && (name == "NextElapseUSecRealtime" || name == "NextElapseUSecMonotonic" ||
                           name == "LastTriggerUSec" || name == "AccuracyUSec");
  }
  int read(sd_bus_message* message, std::string_view name, char type) {
    if (name == "Unit") return read_text(message, facts.triggers);
    if (name == "NextElapseUSecRealtime") return read_number(message, type, facts.next_realtime_us);
    if (name == "NextElapseUSecMonotonic") return read_number(message, type, facts.next_monotonic_us);
    if (name == "LastTriggerUSec") return read_number(message, type, facts.last_trigger_us);
    return read_number(message, type, facts.accuracy_us);
  }
};

}  // namespace hostmedic::service
