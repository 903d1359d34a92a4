// SPDX-License-Identifier: Apache-2.0
// What the pipeline decided, in order, as a running hash: two runs decided the same exactly when their hashes are the
// same. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/pipeline/pipeline.h"

namespace hostmedic {

// One command of the pipeline.
struct DecisionNote {
  Command::Kind kind{};
  std::string incident_id;
  std::string text;        // one line for people
  std::uint64_t hash = 0;  // of this and all before it
  bool operator==(const DecisionNote&) const = default;
};
std::string encode_decision(const DecisionNote& note);
Result<DecisionNote> decode_decision(std::string_view bytes);

class DecisionHash {
 public:
  explicit DecisionHash(std::uint64_t from = kBeginning) : value_(from) {}
  // The whole of what was decided goes into the hash, not only what the note says.
  DecisionNote persist(const Incident& incident);
  DecisionNote submit(const Order& order);
  DecisionNote notify(const Incident& incident, const std::string& text);
  std::uint64_t value() const { return value_; }

  static constexpr std::uint64_t kBeginning = 0xcbf29ce484222325ULL;

 private:
  DecisionNote note(Command::Kind kind, const std::string& incident_id, std::string text, std::string_view whole);
  std::uint64_t value_;
};

}  // namespace hostmedic
