// SPDX-License-Identifier: Apache-2.0
// What a Scorer holds. Only for scorer*.cpp.
#pragma once

#include <array>
#include <cmath>
#include <vector>

#include "detect/calibrate/page_budget.h"
#include "detect/health/breaker.h"
#include "detect/health/trial.h"
#include "detect/multivariate/group_model.h"
#include "detect/multivariate/joint_change.h"
#include "detect/scorer.h"
#include "detect/univariate/level_change.h"
#include "detect/univariate/onset.h"
#include "detect/univariate/season.h"
#include "detect/univariate/shape_memory.h"

namespace hostmedic::detect {

// The always-on members, by the names of the configuration; group models follow them in Internals::models.
inline constexpr std::array<std::string_view, 4> kAlwaysOn = {"level", "change", "season", "shape"};
inline constexpr std::size_t kChangeModel = 1, kShapeModel = 3;
// A shape memory is large (2 KB) and speaks of onsets only, which no suspicion needs: the first few series have one,
// the others go without. A file of one series has all that there is to know of it; a host pays 8 KB.
inline constexpr std::size_t kMostShapes = 4;
inline constexpr std::uint8_t kNoShape = 7;

struct RunningModel {
  std::string_view name, summary;
  ModelMode mode{};
  const GroupModelInfo* info = nullptr;  // null: always on
  Breaker breaker = {};
  double cost_ns = 0;
  double alarms = 0, seconds = 0;  // fading
  bool allowed = true;             // by its breaker, in this step
  Duration spent{};                // in this step, where there is a stopwatch
  std::size_t looked = 0;          // series that were looked at for it
  Trial trial = {};
};

// What a series has besides while it is a counter.
struct Count {
  double last = 0;          // reading
  std::uint32_t at = 0;     // 0.1 ms, goes round
  std::uint32_t first = 0;  // step of the first reading
};

// One series, beside its lane of a LevelBlock.
struct Row {
  double base = 0;  // the first value: floats are too coarse for large ones
  GroupSlot group = 0;
  std::uint32_t first = 0;            // step of the first reading; of a counter: its place among Internals::counts
  std::uint32_t seen = 0;             // step of the last reading
  std::uint16_t period = 1;           // steps between readings
  std::uint8_t readings = 0;          // up to kLearnPeriod
  std::uint8_t shape : 3 = kNoShape;  // place among Internals::shapes
  bool live : 1 = false, counter : 1 = false, has_base : 1 = false, has_counted : 1 = false;
};
static_assert(sizeof(Row) == 24);
inline constexpr std::uint8_t kLearnPeriod = 8;     // readings from which the period of a series is learnt
inline constexpr std::uint32_t kPeriodsSilent = 4;  // without a reading for so long: what it last said is void

inline constexpr Slot kNobody = ~Slot{0};

// A group model at work on one group.
struct GroupMember {
  std::unique_ptr<GroupModel> model;
  float score = 0;    // the last, as evidence
  double usual = 0;   // mean root of its score
  double scores = 0;  // so many
  bool above = false;
  std::uint32_t claim = 0;  // step of an alarm that no proved incident has borne out yet; 0: none
};

struct GroupState {
  bool live = false, held = false;
  std::uint64_t key = 0;
  std::uint32_t claim = 0;  // as GroupMember's, of the models that serve
  float sum = 0, fast = 0, slow = 0;
  float novelty = 0;  // of the most novel series
  float moved = 0;    // squares of this step's changes
  JointChange joint;
  Onset onset{1};
  double usual = 0;  // mean root of rank
  double steps = 0;
  PageBudget budget;
  GroupScore score;
  float correlation = 0, lasting_correlation = 0;  // evidence of the serving group models
  std::vector<Slot> members;                       // kNobody: a free place
  std::size_t free_places = 0;
  std::vector<GroupMember> models;  // as Internals::models from kAlwaysOn.size() on; empty where off
};

std::string describe(const Trial& trial);

struct Scorer::Internals {
  explicit Internals(const ScorerConfig& settings);

  ScorerConfig config;
  float fast, slow;      // weights of one step
  double usual_weight;   // of one step, in what is usual
  std::uint32_t stride;  // steps between two of the group models
  std::vector<LevelBlock> blocks;
  std::vector<SeasonBlock> seasons;
  ShapePlan shape_plan;
  std::vector<ShapeMemory> shapes;
  std::vector<Slot> shape_owners;  // of each shape; kNobody: free
  std::vector<Row> rows;
  std::vector<Count> counts;
  std::vector<std::uint32_t> free_counts;
  std::vector<GroupState> groups;
  std::vector<Slot> free_rows, counters;          // counters: read in this step
  std::vector<float> values, deviations, shares;  // of one group
  std::vector<RunningModel> models;
  std::size_t live = 0;
  std::uint32_t now = 0;  // steps
  std::size_t hour = SeasonProfile::kHours;
  std::optional<MonoTime> stepped;
  std::uint64_t broken_series = 0;
  std::uint32_t day_began = 0;  // step

  float& at(LevelBlock::Lanes LevelBlock::* field, Slot slot) { return (blocks[slot / kLanes].*field)[slot % kLanes]; }
  float at(LevelBlock::Lanes LevelBlock::* field, Slot slot) const {
    return (blocks[slot / kLanes].*field)[slot % kLanes];
  }
  Count& count_of(Slot counter) { return counts[rows[counter].first]; }
  std::uint32_t& first_of(Slot slot) { return rows[slot].counter ? count_of(slot).first : rows[slot].first; }
  SeasonProfile season_of(Slot slot) const { return seasons[slot / kLanes].profile(slot % kLanes); }
  RunningModel* find(std::string_view name);
  bool serves(std::size_t model) const { return models[model].allowed && models[model].mode == ModelMode::serving; }
  bool serves(const RunningModel& model, const GroupState& group) const {
    return model.allowed &&
           (model.mode == ModelMode::serving || (model.mode == ModelMode::trial && model.trial.serves(group.key)));
  }

  void make_room();
  void begin_row(Slot slot, GroupSlot group, bool counter);
  void give_count(Slot slot);
  void take_count(Slot slot);
  void set_learns(Slot slot);
  void learn_period(Slot slot);
  void set_period(Slot slot, std::uint32_t steps);
  void forget_change(Slot slot);
  void count_up(Slot counter, double reading);
  void take_counters(MonoTime at);
  void turn_hour(std::size_t hour);
  void sweep(Slot slot);
  void step_breakers(MonoTime at);
  void break_series(Slot slot);

  // scorer_shapes.cpp
  void give_shape(Slot slot);
  void take_shape(Slot slot);
  void forget_shape(Slot slot);
  void hold_shape(Slot slot, bool held);
  void step_shapes();
  void save_shape(Slot slot, StateWriter& writer) const;
  bool load_shape(Slot slot, StateReader& reader);

  // scorer_groups.cpp
  void sum_groups();
  void judge(GroupState& group);
  float judge_joint_change(GroupState& group);
  void share_correlation(const GroupState& group);
  void explain(GroupState& group);
  // scorer_models.cpp
  void make_models(GroupState& group);
  void step_models(GroupState& group, MonoTime at);
  void end_models(MonoTime at);
  // scorer_whole.cpp
  void load_row(StateReader& reader, Slot slot);
  void load_group_state(StateReader& reader, bool with_joint, GroupState& ret_group);
  bool sane() const;
  // scorer_trial.cpp
  void judge_claims(GroupState& group);
  void end_day();
};

}  // namespace hostmedic::detect
