// SPDX-License-Identifier: Apache-2.0
// All that the case book holds, for a snapshot: every member of state once in save() and once in load(), in the order
// of their declaration; those of structs are listed beside them.
#include <algorithm>

#include "detect/correlate/case_book.h"
#include "detect/correlate/graph_state.h"
#include "detect/health/detector_state.h"

namespace hostmedic::detect {

template <>
inline constexpr auto kLast<SignalPhase> = SignalPhase::settled;

template <>
struct Members<Signal> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.rule, self.attributes, self.phase, self.stale, self.bound, self.gone, self.unit, self.value,
                    self.finding, self.started, self.changed, self.last, self.since_wall, self.open_after, self.initial,
                    self.evidence);
  }
};

void CaseBook::save(StateWriter& writer) const {
  put_whole(writer, now_);
  put_whole(writer, wall_);
  put_whole(writer, roots_);
  put_whole(writer, incidents_);
  put_whole(writer, graph_);
  put_whole(writer, changes_);
  put_whole(writer, storm_);
  put_whole(writer, storming_);
  put_whole(writer, records_);
  put_whole(writer, feedback_);
  put_whole(writer, listed_);
  put_whole(writer, news_);
  put_whole(writer, refused_);
}

void CaseBook::load(StateReader& reader) {
  get_whole(reader, now_);
  get_whole(reader, wall_);
  get_whole(reader, roots_);
  get_whole(reader, incidents_);
  get_whole(reader, graph_);
  get_whole(reader, changes_);
  get_whole(reader, storm_);
  get_whole(reader, storming_);
  get_whole(reader, records_);
  get_whole(reader, feedback_);
  ready_.clear();  // of one frame
  get_whole(reader, listed_);
  get_whole(reader, news_);
  get_whole(reader, refused_);
  for (const auto& [id, incident] : incidents_)
    if (incident.id != id) reader.fail();
  for (const auto& [entity, root] : roots_) {
    const bool known = std::ranges::all_of(root.signals, [&](const Signal& s) { return s.rule < rules_.size(); });
    if (!known || (!root.incident.empty() && !incidents_.contains(root.incident))) reader.fail();
  }
}

}  // namespace hostmedic::detect
