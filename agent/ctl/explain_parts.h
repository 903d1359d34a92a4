// SPDX-License-Identifier: Apache-2.0
// The parts of explain.h's text, in the order they are read. Pure; any thread. A part that has nothing to say is empty.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/ctl/explain.h"

namespace hostmedic {

struct View {
  const CaseFile& file;
  const Look& look;
  Extent extent = Extent::brief;

  const Incident& incident() const { return file.incident; }
  bool full() const { return extent == Extent::full; }
  // How much of a list or a sentence is shown.
  std::size_t rows(std::size_t brief) const { return full() ? 1000 : brief; }
  std::size_t text(std::size_t brief) const { return full() ? 1024 : brief; }
};

std::string head_part(const View& view);
std::string root_part(const View& view);
std::string affected_part(const View& view);
std::string evidence_part(const View& view);
std::string context_part(const View& view);
std::string past_part(const View& view);
std::string plan_part(const View& view);
std::string guard_part(const View& view);
std::string orders_part(const View& view);
std::string timeline_part(const View& view);

// Everything from a host goes through one of these.
std::string safe(std::string_view text, std::size_t most = 1024);
std::string safe(const Entity& entity);
std::string section(const Look& look, std::string_view title);
// "  and 7 more: --verbose", or nothing.
std::string and_more(const View& view, std::size_t all, std::size_t shown);
// "12-38/s": two values with the unit said once where it is the same.
std::string range_text(double low, double high, Unit unit);

}  // namespace hostmedic
