// SPDX-License-Identifier: Apache-2.0
// A condition about one entity, at work: which series its names stand for, their last values, and what has to be
// remembered (windows, limits that were passed, how long something has held). Binding allocates, step() does not. One
// owner. The condition must outlive it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "detect/feature/hold.h"
#include "detect/feature/rate.h"
#include "detect/model/host_view.h"
#include "detect/model/state_codec.h"
#include "detect/rules/condition.h"
#include "detect/rules/window.h"

namespace hostmedic::detect {

class BoundCondition {
 public:
  // stage: what `stage is` compares, such as "production".
  BoundCondition(const Condition& condition, Entity subject, std::string stage);

  // Whether a name of the condition stands for this series; only then it is worth adding.
  static bool wants(const Condition& condition, const Entity& subject, const SeriesDef& series, const Entity& of);
  // True if the series is looked at from now on. false also when there are too many (refused() counts).
  bool add(const SeriesDef& series, const Entity& of);
  void remove(SeriesId series);
  // All that the host has at present, with its values: for a condition that is asked only now and then.
  void read(const HostView& host);

  void feed(SeriesId series, const Reading& reading);
  // Once per tick in which something was fed, in order of time.
  Truth step(MonoTime now, WallTime wall);

  // Of the last step that gave `yes`: "system.cpu.load_average.5m 9.1 > 4 and ..."
  std::string explain();
  // Whatever the last step gave: how each comparison stands. "a 42% > 90%: no; b unknown > 5: unknown"
  std::string standing();
  // The first comparison that made it true.
  struct Witness {
    std::optional<double> value, limit;
    Unit unit = Unit::count;
    bool above = true;
  };
  Witness witness();

  // While `for` holds: since when.
  std::optional<MonoTime> since() const;

  const Entity& subject() const { return subject_; }
  std::size_t refused() const { return refused_; }
  std::size_t bytes_used() const;

  static constexpr std::size_t kMostSeriesOfOne = 512;

  // All of it, for a snapshot; load_whole() is for one that was just made with the same condition, subject and stage.
  void save_whole(StateWriter& writer) const;
  void load_whole(StateReader& reader);

 private:
  struct Slot {
    SeriesId series{};
    int ref = 0;
    std::string entity, attributes;
    bool counter = false;
    CounterRate rate;
    std::optional<double> value;
    std::optional<MonoTime> at;
    Duration interval{};
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.series, self.ref, self.entity, self.attributes, self.counter, self.rate, self.value, self.at,
                      self.interval);
    }
  };
  struct HoldState {
    Hold on, off;
    bool held = false;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.on, self.off, self.held);
    }
  };
  struct Row {
    std::string entity, attributes;
    std::vector<const Slot*> slots;  // by the reference's number in the scope; null: there is none
    std::vector<Window> windows;
    std::vector<char> latches;
    std::vector<HoldState> holds;
  };
  struct Rows {
    std::vector<Row> rows;
    std::size_t witness = 0;  // the first row that made it true
  };
  // A number that may be unknown; or known to be at least this, because its window is not full yet.
  struct Quantity {
    double value = 0;
    bool known = false, at_least = false;
  };

  void link();
  void link_scope(std::size_t scope);
  void prepare(std::size_t scope, Row& ret_row) const;
  bool stale(const Slot& slot) const;
  bool stale(const Row& row) const;

  // changes: false when only looked at again, to explain.
  Truth truth(int node, Row& row, bool changes);
  Truth quantified(const ConditionNode& node, bool changes);
  Truth compare(const ConditionNode& node, Row& row, bool changes);
  Truth hold(const ConditionNode& node, Row& row, bool changes);
  Quantity number(int node, Row& row, bool changes);
  Quantity gather(const ConditionNode& node, bool changes);
  Quantity count(const ConditionNode& node, bool changes);
  Quantity window(const ConditionNode& node, Row& row, bool changes);
  Quantity arithmetic(const ConditionNode& node, Row& row, bool changes);
  Quantity value_of(const Slot* slot) const;
  bool in_time(const ConditionNode& node) const;

  std::string explain(int node, Row& row);
  std::string explain_compare(const ConditionNode& node, Row& row);
  std::string side(int number_of, Row& row, Unit unit, bool name);
  // The comparison that is true, and the row that it is true for.
  std::pair<const ConditionNode*, Row*> decisive(int node, Row& row);

  const ConditionNode& at(int node) const { return condition_.nodes[static_cast<std::size_t>(node)]; }

  const Condition& condition_;
  const Entity subject_;
  const std::string subject_text_, stage_;
  std::vector<Slot> slots_;
  std::vector<std::pair<SeriesId, Slot*>> index_;  // sorted
  std::vector<Rows> scopes_;
  bool linked_ = false;  // index_ and the rows point to the present slots
  std::size_t refused_ = 0;
  MonoTime now_;
  WallTime wall_;
};

}  // namespace hostmedic::detect
