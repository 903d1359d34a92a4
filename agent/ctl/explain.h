// SPDX-License-Identifier: Apache-2.0
// The text of `hostmedic explain`: one incident in plain words, from what was seen to what comes next. Pure; any
// thread.
#pragma once

#include <string>
#include <vector>

#include "agent/ctl/case_file.h"
#include "agent/ctl/terminal.h"

namespace hostmedic {

// Short fits one screen; full shows every list to its end, each rule of the guard, and the timeline.
enum class Extent : std::uint8_t { brief, full };

std::string render_case(const CaseFile& file, const Look& look, Extent extent = Extent::brief);
// What will happen if nobody does anything, and what a human can do. Plain sentences.
std::vector<std::string> what_next(const CaseFile& file, const Look& look);

}  // namespace hostmedic
