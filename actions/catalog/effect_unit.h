// SPDX-License-Identifier: Apache-2.0
// The border between the actuator and hostmedic-effect: an order as a transient unit with its command line, that
// command line as a plan again, and the unit's end as an outcome. No state; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actions/catalog/effect.h"

namespace hostmedic {

// "hostmedic-order-<key>.service"
std::string unit_name_of(std::string_view order_key);

// hostmedic-effect ACTION --target=ENTITY --timeout=MS --scratch=DIR NAME=VALUE... [--undo NAME=VALUE...]
// was: the details of the order that is taken back; null: it is no undo.
std::vector<std::string> effect_command(const Plan& plan, const std::vector<Attribute>* was,
                                        const EffectContext& context);
struct EffectCall {
  Plan plan;
  std::string scratch;
  bool undo = false;
  std::vector<Attribute> was;
};
// The arguments after the program's own name. Checked for form only; the entry's validate() judges the rest.
Result<EffectCall> parse_effect_command(std::span<const std::string_view> arguments);

// Runs the effect of the order in its unit and waits for its end. Fills result, text and details.
Outcome run_in_unit(const Order& order, const EffectContext& context, Openings openings);
// The same for taking back an order whose outcome was `first`.
Outcome undo_in_unit(const Order& order, const Outcome& first, const EffectContext& context, Openings openings);
// What the end of the order's unit means. Fills result, text and details.
Outcome outcome_of(const TransientResult& ended);

// One line of a report on standard output; the value is made printable.
void print_detail(std::string_view name, std::string_view value);
// The outcome's sentence, and the status to end with.
int ended(int status, std::string_view text);

}  // namespace hostmedic
