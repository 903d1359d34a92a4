// SPDX-License-Identifier: Apache-2.0
#include "probes/service/questions.h"

#include <algorithm>
#include <utility>

namespace hostmedic::service {

bool Questions::has_room() const {
  return std::ranges::any_of(questions_, [](const Question& question) { return question.slot == nullptr; });
}

bool Questions::ask(sd_bus* bus, std::string unit, const char* interface) {
  const auto free = std::ranges::find_if(questions_, [](const Question& question) { return question.slot == nullptr; });
  if (free == questions_.end()) return false;
  char* path = nullptr;
  sd_bus_slot* slot = nullptr;
  int r = sd_bus_path_encode(kUnitPath, unit.c_str(), &path);
  if (r >= 0) {
    r = sd_bus_call_method_async(bus, &slot, kSystemd, path, kPropertiesInterface, "GetAll", handle, &*free, "s",
                                 interface);
  }
  std::free(path);
  if (r < 0) return false;
  free->all = this;
  free->unit = std::move(unit);
  free->interface = interface;
  free->slot.reset(slot);
  return true;
}

int Questions::handle(sd_bus_message* message, void* asked, sd_bus_error*) {
  auto& question = *static_cast<Question*>(asked);
  const std::string unit = std::exchange(question.unit, {});
  const Slot ended = std::move(question.slot);
  // An error is an answer too.
  const bool refused = sd_bus_message_is_method_error(message, nullptr) > 0;
  (void)question.all->answered_(unit, question.interface, refused ? nullptr : message);
  return 0;
}

void Questions::forget() {
  for (Question& question : questions_) question = {};
}

}  // namespace hostmedic::service
