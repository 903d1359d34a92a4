// SPDX-License-Identifier: Apache-2.0
// Champion and challenger: a model in the shadow is promoted only when it does better on the evidence that was kept.
// The evidence is incidents that were proved without any model (a failed unit, a full filesystem): a model that pointed
// at the entity shortly before or at its beginning has found it. Whatever else it points at is a false alarm. A
// challenger becomes a canary (it serves a part of the groups), then serves; a canary or a promoted model that does
// worse goes back to the shadow. Only models whose configured mode is "trial" move by themselves. Pure; one owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <tuple>

#include "detect/model/state_codec.h"

namespace hostmedic::detect {

enum class Stage : std::uint8_t { shadow, canary, serving };
constexpr std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::shadow: return "shadow";
    case Stage::canary: return "canary";
    case Stage::serving: return "serving";
  }
  return "";
}

// How one model did: proved incidents it had found, of how many, and how often it was wrong in how many days. Older
// evidence fades with the number of incidents.
struct Record {
  double found = 0, missed = 0, wrong = 0, days = 0;
  double incidents() const { return found + missed; }
  double recall() const { return incidents() > 0 ? found / incidents() : 0; }
  double wrong_a_day() const { return days > 0 ? wrong / days : 0; }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.found, self.missed, self.wrong, self.days);
  }
};

class Trial {
 public:
  static constexpr double kEnoughIncidents = 10, kEnoughDays = 7;  // per stage, before anything moves
  static constexpr double kMargin = 0.1;                           // of recall: less is luck
  static constexpr unsigned kCanaryShare = 10;                     // one group in so many is served by a canary

  // A proved incident ended its observation.
  void proved(bool champion_found, bool challenger_found) {
    note(champion_, champion_found);
    note(challenger_, challenger_found);
  }
  void wrong(bool champion, bool challenger) {
    champion_.wrong += champion ? 1 : 0;
    challenger_.wrong += challenger ? 1 : 0;
  }
  void day() {
    champion_.days += 1;
    challenger_.days += 1;
  }
  // Moves one stage at most; true when it moved.
  bool decide() {
    if (challenger_.incidents() < kEnoughIncidents || challenger_.days < kEnoughDays) return false;
    const bool no_worse = challenger_.wrong_a_day() <= champion_.wrong_a_day();
    const bool better = challenger_.recall() >= champion_.recall() + kMargin && no_worse;
    const bool worse = challenger_.recall() < champion_.recall() - kMargin ||
                       challenger_.wrong_a_day() > 2 * champion_.wrong_a_day() + 0.1;
    const Stage before = stage_;
    if (worse) stage_ = Stage::shadow;
    if (better && stage_ != Stage::serving) stage_ = stage_ == Stage::shadow ? Stage::canary : Stage::serving;
    if (stage_ == before) return false;
    champion_ = challenger_ = {};  // a stage is judged by what happened in it
    return true;
  }
  // Whether the challenger serves this group: always the same groups.
  bool serves(std::uint64_t group_hash) const {
    return stage_ == Stage::serving || (stage_ == Stage::canary && group_hash % kCanaryShare == 0);
  }
  Stage stage() const { return stage_; }
  const Record& champion() const { return champion_; }
  const Record& challenger() const { return challenger_; }

  void save(StateWriter& writer) const {
    writer.put(static_cast<std::uint8_t>(stage_));
    for (const Record* record : {&champion_, &challenger_})
      for (const double number : {record->found, record->missed, record->wrong, record->days}) writer.put(number);
  }
  bool load(StateReader& reader) {
    const auto stage = reader.get<std::uint8_t>();
    for (Record* record : {&champion_, &challenger_})
      for (double* number : {&record->found, &record->missed, &record->wrong, &record->days})
        *number = reader.get<double>();
    if (reader.good() && stage <= static_cast<std::uint8_t>(Stage::serving)) {
      stage_ = static_cast<Stage>(stage);
      return true;
    }
    *this = {};
    return false;
  }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.stage_, self.champion_, self.challenger_);
  }

 private:
  static constexpr double kMostIncidents = 100;
  static void note(Record& record, bool found) {
    (found ? record.found : record.missed) += 1;
    if (record.incidents() <= kMostIncidents) return;
    for (double* number : {&record.found, &record.missed, &record.wrong, &record.days}) *number /= 2;
  }
  Stage stage_ = Stage::shadow;
  Record champion_, challenger_;
};

}  // namespace hostmedic::detect
