// SPDX-License-Identifier: Apache-2.0
// All that a response holds besides its configuration, for a snapshot.
#include <algorithm>

#include "actions/action_state.h"
#include "actions/course.h"

namespace hostmedic {

// A course keeps the runbook that it was begun with, whatever is configured now.
template <class Self>
auto Response::Course::whole(Self& self) {
  return std::tie(self.runbook, self.order, self.undo, self.others, self.good_since, self.deadline,
                  self.proposal_expires_at, self.in_force, self.restored, self.choose_again, self.told, self.tried,
                  self.attempt, self.changed_, self.order_out_, self.notices_, self.worked_, self.lessons_,
                  self.attempts_, self.marks_, self.worse_since_, self.failed_why_, self.undo_sent_, self.result_,
                  self.may_come_, self.unmet_, self.detection_entries_, self.planned_, self.judged_, self.stuck_since_,
                  self.not_before_, self.refusals_, self.unknown_ends_, self.unsure_, self.proved_, self.proved_text_,
                  self.approved_by_, self.approved_until_, self.acted_at_, self.before_);
}

bool Response::Course::sane() const {
  constexpr int kMany = 1'000'000, kMostRefusals = 16;
  return attempt >= 0 && attempt < kMany && refusals_ >= 0 && refusals_ <= kMostRefusals && unknown_ends_ >= 0 &&
         unknown_ends_ < kMany;
}

void Response::Course::save_whole(detect::StateWriter& writer) const {
  writer.put(static_cast<std::uint8_t>(phase));
  detect::put_members(writer, *this);
}

void Response::Course::load_whole(detect::StateReader& reader) {
  const auto number = reader.get<std::uint8_t>();
  if (number > static_cast<std::uint8_t>(Phase::closed)) return reader.fail();
  phase = static_cast<Phase>(number);
  detect::get_members(reader, *this);
}

void Response::save_whole(detect::StateWriter& writer) const {
  detect::put_whole(writer, silences_);
  detect::put_whole(writer, experience_);
  detect::put_whole(writer, incidents_);
  for (const auto& [id, course] : courses_) detect::put_whole(writer, *course);
}

void Response::load_whole(detect::StateReader& reader) {
  courses_.clear();
  detect::get_whole(reader, silences_);
  detect::get_whole(reader, experience_);
  detect::get_whole(reader, incidents_);
  for (auto& [id, incident] : incidents_) {
    auto course = std::make_shared<Course>(incident);
    detect::get_whole(reader, *course);
    if (incident.id != id) reader.fail();
    if (!reader.good()) return;
    courses_.emplace(id, std::move(course));
  }
}

}  // namespace hostmedic
