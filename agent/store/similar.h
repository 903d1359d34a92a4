// SPDX-License-Identifier: Apache-2.0
// Earlier incidents like this one, and what was tried on them. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actions/action.h"
#include "detect/model/incident.h"

namespace hostmedic {

// How near they are; the nearest level that has any is taken.
enum class Likeness : std::uint8_t {
  none,         // nothing like it is known
  kind,         // the same kind, on another entity
  root,         // the same kind on the same entity
  fingerprint,  // and the same signals
};
std::string_view to_string(Likeness likeness);
std::optional<Likeness> likeness_from(std::string_view text);

struct PastIncident {
  std::string id;
  Entity root;
  IncidentState state{};
  WallTime opened_at;
  std::optional<Duration> lasted;  // from the fault to its end
  std::string summary;
  bool treated = false;  // an order had an effect
};

// One kind of treatment, over the incidents that were read.
struct PastTreatment {
  std::string what;  // "restart nginx.service through systemd"
  int given = 0;     // orders that were begun
  int proved = 0;    // after which the signals proved the effect
};

struct SimilarCases {
  Likeness likeness = Likeness::none;
  std::int64_t count = 0;                 // all of them
  std::int64_t read = 0;                  // the newest ones, at most kMostRead: the numbers below are of these
  std::vector<PastIncident> incidents;    // newest first, at most kMostShown
  std::vector<PastTreatment> treatments;  // what helped most often first, at most kMostRead
  int untreated_resolved = 0;             // over without any order
  static constexpr std::size_t kMostRead = 50;
  static constexpr std::size_t kMostShown = 5;
};

struct OrderRow;
// Adds one earlier incident with its orders to the account, whose likeness is set. Newest first.
void add_past(SimilarCases& cases, const Incident& incident, std::span<const OrderRow> orders);

}  // namespace hostmedic
