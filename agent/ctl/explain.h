// SPDX-License-Identifier: Apache-2.0
// The text of `hostmedic explain`: one incident in plain words, from what was seen to what comes next. Pure; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actions/action.h"
#include "actions/response.h"
#include "agent/base/result.h"
#include "agent/ctl/terminal.h"
#include "detect/model/incident.h"

#include <boost/json/object.hpp>

namespace hostmedic {

struct CaseFile {
  Incident incident;
  std::vector<Order> orders;      // oldest first
  std::vector<Outcome> outcomes;  // matched to the orders by key
  std::optional<Proposal> proposal;
};

// From the answers to `incident` and `proposals`.
Result<CaseFile> case_file_from(const boost::json::object& incident, const boost::json::object& proposals);

std::string render_case(const CaseFile& file, const Look& look);
// What will happen if nobody does anything, and what a human can do. Plain sentences.
std::vector<std::string> what_next(const CaseFile& file, const Look& look);

// The last entry of a kind; nullptr if there is none.
const TimelineEntry* last_entry(const Incident& incident, TimelineKind kind);
std::string_view attribute_of(const TimelineEntry& entry, std::string_view key);

}  // namespace hostmedic
