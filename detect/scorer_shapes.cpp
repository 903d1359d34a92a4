// SPDX-License-Identifier: Apache-2.0
// The shape memories: who has one, and what they say of a group.
#include <algorithm>

#include "detect/scorer_state.h"

namespace hostmedic::detect {

static_assert(kMostShapes <= kNoShape);

void Scorer::Internals::give_shape(Slot slot) {
  auto free = std::ranges::find(shape_owners, kNobody);
  if (free == shape_owners.end()) {
    if (shapes.size() == kMostShapes || models[kShapeModel].mode == ModelMode::off) return;
    shapes.emplace_back();
    free = shape_owners.insert(free, kNobody);
  }
  *free = slot;
  rows[slot].shape = static_cast<std::uint8_t>(free - shape_owners.begin()) & kNoShape;
  forget_shape(slot);
}

void Scorer::Internals::take_shape(Slot slot) {
  if (rows[slot].shape != kNoShape) shape_owners[rows[slot].shape] = kNobody;
  rows[slot].shape = kNoShape;
}

void Scorer::Internals::forget_shape(Slot slot) {
  if (rows[slot].shape == kNoShape) return;
  shapes[rows[slot].shape] = {};
  hold_shape(slot, groups[rows[slot].group].held);
}

void Scorer::Internals::hold_shape(Slot slot, bool held) {
  if (rows[slot].shape != kNoShape) shapes[rows[slot].shape].hold(held);
}

void Scorer::Internals::step_shapes() {
  for (GroupState& group : groups) group.novelty = 0;
  if (!models[kShapeModel].allowed) return;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const Slot slot = shape_owners[i];
    if (slot == kNobody) continue;
    float& novelty = groups[rows[slot].group].novelty;
    novelty = std::max(novelty, shapes[i].step(shape_plan, at(&LevelBlock::x, slot)));
  }
}

void Scorer::Internals::save_shape(Slot slot, StateWriter& writer) const {
  const bool has = rows[slot].shape != kNoShape;
  writer.put(static_cast<std::uint8_t>(has));
  if (has) shapes[rows[slot].shape].save(writer);
}

// What was kept for a series that has none now is read over.
bool Scorer::Internals::load_shape(Slot slot, StateReader& reader) {
  if (reader.get<std::uint8_t>() == 0) return true;
  ShapeMemory kept;
  if (!kept.load(reader)) return false;
  if (rows[slot].shape != kNoShape) shapes[rows[slot].shape] = kept;
  hold_shape(slot, groups[rows[slot].group].held);
  return true;
}

}  // namespace hostmedic::detect
