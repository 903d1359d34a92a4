// SPDX-License-Identifier: Apache-2.0
// What is known of each service unit, and which event follows from a change. No D-Bus in here, so that it can be tested
// with plain calls. One owner, the probe; not synchronised.
//
// systemd sends the facts of the Service interface before the state of the Unit interface, both from one snapshot. So
// when a state arrives, the facts that belong to it are already here, and the event needs no further question. Only
// what no signal carries (the restart policy) is asked for: once when a unit is first seen and again after a reload.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "probes/probe.h"

namespace hostmedic::service {

// Properties of org.freedesktop.systemd1.Service; nullopt: not known.
struct ServiceFacts {
  std::optional<std::string> result, restart_policy, type;
  std::optional<std::uint32_t> restarts, main_pid;
  std::optional<std::int32_t> exec_status;
  std::optional<std::uint64_t> most_memory{}, most_tasks{}, most_descriptors{};  // UINT64_MAX: no limit
  void merge(const ServiceFacts& newer);
  bool complete() const { return result && restart_policy && restarts; }
};

struct ListedUnit {
  std::string name, active_state, sub_state;
};

class UnitTable {
 public:
  explicit UnitTable(std::size_t most_units = 1000) : most_units_(most_units) {}

  // A list of all loaded units. A state that differs from the one known is a change; with initial set every other unit
  // that is not inactive is reported as found. What is not in the list any more is retired.
  void on_list(std::span<const ListedUnit> units, bool initial, MonoTime now, Sink& sink);

  // A signal of the Unit interface. An empty state means that the signal does not carry it.
  void on_unit(std::string_view name, std::string_view active_state, std::string_view sub_state, MonoTime now,
               Sink& sink);
  // A signal of the Service interface.
  void on_service(std::string_view name, const ServiceFacts& changed, Sink& sink);
  // The answer to a question, or nullopt if there was none.
  void on_facts(std::string_view name, const std::optional<ServiceFacts>& facts, MonoTime now, Sink& sink);
  void on_removed(std::string_view name, MonoTime now, Sink& sink);

  // The next unit to ask about, at most once until its answer; failed units come first.
  std::optional<std::string> next_question();
  void lose_contact();  // all facts are unknown until the next list

  void sample(MonoTime now, Sink& sink);  // once per tick: restarts, and how long a change of state has taken so far
  std::size_t size() const { return units_.size(); }
  bool knows(std::string_view name) const { return units_.contains(name); }
  // Units refused because the table is full, since the last call.
  std::uint64_t take_refused() { return std::exchange(refused_, 0); }

 private:
  enum class Question : std::uint8_t { none, wanted, asked };
  enum class Owed : std::uint8_t { none, initial, refresh };  // an event that waits for the answer
  struct Unit {
    std::string active_state, sub_state;
    ServiceFacts facts;
    Question question = Question::none;
    Owed owed = Owed::none;
    MonoTime since, up_since;  // in the present state; active or reloading; as far as it was seen
    std::optional<SeriesId> restarts, uptime, transition, run, usual;
    std::optional<SeriesId> most_memory, most_tasks, most_descriptors;
    std::array<float, 8> runs{};  // seconds that the last runs of a oneshot took which ended well
    int ran = 0;
  };
  static bool is_running_job(const Unit& unit);
  static void end_run(Unit& unit, MonoTime now);
  void sample_job(const std::string& name, Unit& unit, MonoTime now, Sink& sink);
  static bool is_up(std::string_view active_state);
  static std::optional<double> transition_seconds(const Unit& unit, MonoTime now);
  static void sample_limits(const std::string& name, Unit& unit, Sink& sink);
  using Units = std::map<std::string, Unit, std::less<>>;

  Units::iterator add(std::string_view name, Sink& sink);  // units_.end() when refused
  void want(const std::string& name, Unit& unit);
  void change(Units::iterator unit, std::string_view active_state, MonoTime now, Sink& sink);
  void remove(Units::iterator unit, MonoTime now, Sink& sink);
  void emit(const std::string& name, const Unit& unit, std::optional<std::string_view> previous, MonoTime now,
            Sink& sink);

  const std::size_t most_units_;
  Units units_;
  std::deque<std::string> wanted_;
  std::uint64_t refused_ = 0;
  std::uint64_t samples_ = 0;
};

}  // namespace hostmedic::service
