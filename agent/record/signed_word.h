// SPDX-License-Identifier: Apache-2.0
// What a person who is not on the host says of a plan that waits there, signed with that person's own key. It comes by
// the fleet's aggregator and the agent; neither can say it, change it or move it to another host, plan or time.
// Pure; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct SignedWord {
  std::string host_id, host_name;  // whose plan it is: machine id and host name
  std::string incident_id;
  std::string key;        // of the order
  std::string plan;       // SHA-256 of the plan's record, 64 lower-case hex digits: what the person saw
  bool approves = false;  // else it is rejected
  std::string reason;     // of a rejection
  WallTime until;         // it counts no more from then on
  std::string signer;     // SHA-256 of the person's certificate, 64 lower-case hex digits
  std::string signature;  // of word_text(), lower-case hex
};

// A word may be said to hold for so long; a host takes one that ends kMostSkew later, because clocks differ.
inline constexpr Duration kWordLife = std::chrono::minutes(15), kMostSkew = std::chrono::minutes(5);

// The text that is signed: everything but the signature, one field to a line.
std::string word_text(const SignedWord& word);

boost::json::object to_json_object(const SignedWord& word);
// limit, malformed: where says which field.
Result<SignedWord> word_from_value(const boost::json::value& value, std::string_view where = {});

}  // namespace hostmedic
