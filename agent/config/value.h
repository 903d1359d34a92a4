// SPDX-License-Identifier: Apache-2.0
// One value of a configuration: how a node of the tree becomes a typed value, and how a value is written as TOML.
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/action.h"
#include "actions/runbook/runbook.h"
#include "agent/base/bytes.h"
#include "agent/base/log.h"
#include "agent/base/time.h"
#include "agent/config/tree.h"
#include "detect/model/incident.h"
#include "detect/scorer.h"

namespace hostmedic {

// What a text has to look like.
enum class Form : std::uint8_t {
  any,      // printable, at most 1024 bytes
  path,     // absolute, without "..", "//" or a slash at the end
  name,     // lower-case letters, digits, '-', '_' and '.', at most 64
  url,      // "" or https://host:port
  address,  // IPv4 or [IPv6] literal with a port
  clock,    // "22:00"
  weekday,  // "mon" ... "sun"
};

struct Limits {
  double least = 0, most = 1e18;  // seconds for durations, bytes for sizes
  Form form = Form::any;
  std::size_t most_items = 64;
};

struct Fault {
  Position at;
  std::string message;
};

// Each sets the value, or says what was expected and leaves it.
std::optional<Fault> read_value(const Node& node, const Limits& limits, bool& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, int& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, std::uint64_t& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, double& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, std::string& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, std::vector<std::string>& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, Duration& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, Bytes& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, Tier& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, Severity& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, LogLevel& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, detect::ModelMode& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, OnFailure& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, Check::Subject& ret_value);
std::optional<Fault> read_value(const Node& node, const Limits& limits, Choice& ret_value);

// As a TOML literal.
std::string show_value(bool value);
std::string show_value(int value);
std::string show_value(std::uint64_t value);
std::string show_value(double value);
std::string show_value(const std::string& value);
std::string show_value(const std::vector<std::string>& value);
std::string show_value(Duration value);
std::string show_value(Bytes value);
std::string show_value(Tier value);
std::string show_value(Severity value);
std::string show_value(LogLevel value);
std::string show_value(OnFailure value);
std::string show_value(Check::Subject value);
std::string show_value(Choice value);

// "duration", "one of observe, suggest, approve, auto": for the reference.
std::string type_text(const bool*, const Limits& limits);
std::string type_text(const int*, const Limits& limits);
std::string type_text(const std::uint64_t*, const Limits& limits);
std::string type_text(const double*, const Limits& limits);
std::string type_text(const std::string*, const Limits& limits);
std::string type_text(const std::vector<std::string>*, const Limits& limits);
std::string type_text(const Duration*, const Limits& limits);
std::string type_text(const Bytes*, const Limits& limits);
std::string type_text(const Tier*, const Limits& limits);
std::string type_text(const Severity*, const Limits& limits);
std::string type_text(const LogLevel*, const Limits& limits);
std::string type_text(const OnFailure*, const Limits& limits);
std::string type_text(const Check::Subject*, const Limits& limits);
std::string type_text(const Choice*, const Limits& limits);

// "unknown key 'x'" and the nearest of the known ones, if one is near.
std::string unknown_text(std::string_view what, std::string_view name, const std::vector<std::string_view>& known);
// Minutes of the day of a text of form clock.
int clock_minutes(std::string_view text);

}  // namespace hostmedic
