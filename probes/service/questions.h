// SPDX-License-Identifier: Apache-2.0
// Questions about the properties of units that are under way: asynchronous, a bounded number at one time. Owned by the
// probe, which outlives its bus connection; forget() when that ends. One thread.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "probes/service/bus_message.h"

namespace hostmedic::service {

class Questions {
 public:
  static constexpr std::size_t kMost = 16;
  // message: all properties of the interface as "a{sv}"; null if the question was refused (the unit may be gone).
  using Answered = std::function<int(const std::string& unit, const char* interface, sd_bus_message* message)>;

  explicit Questions(Answered answered) : answered_(std::move(answered)) {}
  Questions(const Questions&) = delete;
  Questions& operator=(const Questions&) = delete;

  bool has_room() const;
  // Needs room. False: it could not be sent. interface is a constant.
  bool ask(sd_bus* bus, std::string unit, const char* interface);
  void forget();

 private:
  struct Question {
    Questions* all = nullptr;
    std::string unit;
    const char* interface = nullptr;
    Slot slot;  // ends the question when the connection ends
  };
  static int handle(sd_bus_message* message, void* asked, sd_bus_error*);

  const Answered answered_;
  std::array<Question, kMost> questions_;
};

}  // namespace hostmedic::service
