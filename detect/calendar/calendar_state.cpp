// SPDX-License-Identifier: Apache-2.0
// All that a calendar holds besides its configuration, for a snapshot.
#include "detect/calendar/calendar_state.h"

#include <algorithm>

namespace hostmedic::detect {

namespace {

// What people add has no cron; it is not computed with until it is known to be sound.
bool sound(const ExpectedEntry& entry) { return !entry.schedule.cron; }

}  // namespace

// Whose window is open follows from the numbers, in their order; after set_once() nobody knows until the next turn().
void Calendar::save_whole(StateWriter& writer) const {
  put_whole(writer, once_);
  for (std::size_t i = 0; i < open_.size(); ++i) writer.put(open_.test(i));
  writer.put(!now_.empty());
  for (const Now& open : now_) put_whole(writer, open.until);
  put_whole(writer, looked_);
  put_whole(writer, look_again_);
}

void Calendar::load_whole(StateReader& reader) {
  get_whole(reader, once_);
  if (!std::ranges::all_of(once_, sound)) return reader.fail();
  for (std::size_t i = 0; i < open_.size(); ++i) open_.set(i, reader.get<bool>());
  now_.clear();
  now_.reserve(configured_.size() + once_.size());
  const bool known = reader.get<bool>();
  for (std::size_t i = 0; known && i < open_.size(); ++i) {
    if (!open_.test(i)) continue;
    const std::vector<ExpectedEntry>& entries = i < kMostExpected ? configured_ : once_;
    const std::size_t number = i % kMostExpected;
    if (number >= entries.size()) return reader.fail();
    get_whole(reader, now_.emplace_back(Now{&entries[number], {}}).until);
  }
  get_whole(reader, looked_);
  get_whole(reader, look_again_);
}

}  // namespace hostmedic::detect
