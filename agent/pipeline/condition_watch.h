// SPDX-License-Identifier: Apache-2.0
// The conditions of runbooks at work: each that is asked about an entity is bound to the series that it names and fed
// with every frame until nobody asks for it any more. At most kMostWatched at once; what is refused is not known. io
// thread only; allocates when a condition is asked first and when definitions change.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "actions/runbook/conditions.h"
#include "detect/model/host_view.h"
#include "detect/rules/bound_condition.h"

namespace hostmedic {

class ConditionWatch final : public Conditions {
 public:
  // stage: what `stage is` compares. host: as it is after the last frame; it may be another after each call of
  // follow().
  void follow(const HostView& host, std::string stage);
  // After the host took it over.
  void frame(const Frame& frame);
  // No frame came for a while: nothing is known until the next.
  void silence() { silent_ = true; }

  std::optional<bool> holds(const std::string& condition, const Entity& subject) override;
  std::string explain(const std::string& condition, const Entity& subject) override;

  std::size_t size() const { return watched_.size(); }
  std::size_t refused() const { return refused_; }

  static constexpr std::size_t kMostWatched = 256;
  static constexpr Duration kForgetAfter = std::chrono::minutes(1);  // when nobody asks

  // All of it, for a snapshot between two calls; load_whole() is for the same host and stage.
  void save_whole(detect::StateWriter& writer) const;
  void load_whole(detect::StateReader& reader);

 private:
  struct Watched {
    Watched(detect::Condition parsed, const Entity& subject, const std::string& stage)
        : condition(std::move(parsed)), bound(condition, subject, stage) {}
    const detect::Condition condition;
    detect::BoundCondition bound;
    detect::Truth truth = detect::Truth::unknown;
    MonoTime asked;
    std::map<SeriesId, EntityId> fed_by;
  };
  using Key = std::pair<std::string, Entity>;  // text, subject

  Watched* find(const std::string& text, const Entity& subject);
  Watched* make(const Key& key);
  void rebind(Watched& watched, const Frame& frame) const;
  void read_all(Watched& watched) const;

  const HostView* host_ = nullptr;
  std::string stage_;
  bool silent_ = false;
  std::size_t refused_ = 0;
  std::map<Key, std::unique_ptr<Watched>> watched_;
};

}  // namespace hostmedic
