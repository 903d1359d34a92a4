// SPDX-License-Identifier: Apache-2.0
// What a service does, as things that can be seen again: an event of a probe becomes a few observations, each a facet
// and a fingerprint of what was seen. Names that are made up by the minute (numbers, hexadecimal ids, files in
// temporary places) lose what is made up, so that they are the same thing again. Pure; any thread; no allocation but in
// describe().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "detect/model/frame.h"

namespace hostmedic::detect {

enum class Facet : std::uint8_t {
  executable,     // which programs are started
  lineage,        // by which parents
  user,           // as which user
  deed,           // what programs rarely do: run from memory or from a temporary place, trace others, load modules
  destination,    // class of address and port that is connected to
  network,        // and which network
  listener,       // class of address and port that is listened on
  log_template,   // what it says in its logs
  load,           // level: CPU in powers of two
  program_kinds,  // level: different programs within an hour, in powers of two
  network_kinds,  // level: different networks within an hour, in powers of two
};
inline constexpr std::size_t kFacets = 11;

// Facets of one theme tell of the same thing: only the most telling of them counts.
enum class Theme : std::uint8_t { program, user, deed, peer, listener, log, load, variety };
inline constexpr std::size_t kThemes = 8;

struct FacetInfo {
  std::string_view name;
  Theme theme;
  std::uint8_t room;  // kinds that are remembered per service
  bool level;         // ordered: whoever has been at a level has been at all below
  bool kernel;        // told by the kernel's programs, which not every host can run
  float weight;       // of its score in what comes together
};
// The room is several times what services of a host do; a service with more than that is one that always changes, and
// the seldom things are forgotten first. New words in a log are the most common of all news and tell the least; load
// and variety rise for good reasons too, so they only strengthen what else is new.
inline constexpr std::array<FacetInfo, kFacets> kFacetInfo{{
    {"executable", Theme::program, 24, false, true, 1},
    {"lineage", Theme::program, 24, false, true, 1},
    {"user", Theme::user, 8, false, true, 1},
    {"deed", Theme::deed, 12, false, true, 1},
    {"destination", Theme::peer, 16, false, true, 1},
    {"network", Theme::peer, 24, false, true, 1},
    {"listener", Theme::listener, 12, false, true, 1},
    {"log_template", Theme::log, 24, false, false, 0.5F},
    {"load", Theme::load, 12, true, false, 0.5F},
    {"program_kinds", Theme::variety, 12, true, true, 0.5F},
    {"network_kinds", Theme::variety, 12, true, true, 0.5F},
}};
constexpr const FacetInfo& info_of(Facet facet) { return kFacetInfo[static_cast<std::size_t>(facet)]; }

struct Observation {
  Facet facet{};
  std::uint32_t print = 0;  // of what was seen, never 0; of a level facet the level, from 1
};
struct Observations {
  static constexpr std::size_t kMost = 4;
  std::array<Observation, kMost> items{};
  std::size_t count = 0;
  const Observation* begin() const { return items.data(); }
  const Observation* end() const { return items.data() + count; }
};

// What the event tells; nothing for events of other kinds and for what lacks its attributes.
Observations observe(const Event& event);
// As a clause without its subject: "started /tmp/x", "connected to 203.0.113.7 port 4444 (curl)".
std::string describe(const Event& event, Facet facet);

// The name of a unit without what is made up: instances and sessions are one.
std::uint64_t unit_print(std::string_view unit);
// People work in it: what they do is new every day.
bool is_personal(std::string_view unit);
// A package manager begins or goes on, with the rights to change programs.
bool is_package_change(const Event& event);

// 1 for an amount of at least `smallest`, and one more with each doubling; 0 below.
std::uint32_t level_of(double amount, double smallest);

}  // namespace hostmedic::detect
