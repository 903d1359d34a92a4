// SPDX-License-Identifier: Apache-2.0
// What one service is known to do: per facet a small table of kinds with decayed counts, and how often something new
// came. A table and not a count-min sketch: a service does few different things, so that the table is exact for nearly
// all of them at a tenth of the size, knows when each was seen last, and has no collisions that make the new look
// usual. When it is full, what is seen least makes room (space-saving), so that a flood of made-up names displaces only
// itself. Pure; one owner; a fixed size and no allocation at all.
//
// Time is the model's own, in seconds of watching: what passes while the agent does not run, or while a clock jumps, is
// no time in which something could have been seen.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "detect/behaviour/facet.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

using Watched = std::uint32_t;  // seconds of watching

// After this long a sighting counts for 1/e.
inline constexpr Watched kBehaviourMemory = 30 * 86400;
// A kind counts at most once in this time: a thousand times in a minute is one reason to think it usual, not a
// thousand.
inline constexpr Watched kCountedAgain = 3600;

struct Novelty {
  float score = 0;    // -log of the chance to see this on any one day, in nats
  bool first = true;  // false: seen before, but seldom
  Watched last = 0;   // when it was counted last, if it was
};

class Profile {
 public:
  // How seldom it is; age: for how long it could have been seen. Never more than about 4.5: no single new thing is
  // rarer than that by what a month can teach.
  Novelty judge(const Observation& seen, Watched now, Watched age) const;
  // Counts it. surprising: if it is new, the service is one in which new things come.
  void learn(const Observation& seen, Watched now, bool surprising);

  // New things a day in a facet, as far as is known.
  float news_per_day(Facet facet, Watched now, Watched age) const;
  std::size_t kinds(Facet facet) const;
  // How many different prints came within the present hour, by linear counting: within a tenth up to about 300.
  double kinds_this_hour(Facet facet, std::uint32_t print, Watched now);

  void save(StateWriter& writer) const;
  void load(StateReader& reader);
  void save_whole(StateWriter& writer) const;  // for a snapshot
  void load_whole(StateReader& reader);

 private:
  struct Entry {
    std::uint32_t print = 0;  // 0: free
    float count = 0;          // as of `counted`
    Watched counted = 0;
  };
  // News are counted like a kind of its own.
  struct News {
    float count = 0;
    Watched counted = 0;
  };
  // A set of 128 bits; Whang, Vander-Zanden, Taylor: "A linear-time probabilistic counting algorithm", 1990.
  struct Variety {
    std::array<std::uint64_t, 2> bits{};
    std::uint32_t hour = 0;
  };
  static constexpr std::size_t kRoom = [] {
    std::size_t sum = 0;
    for (const FacetInfo& info : kFacetInfo) sum += info.room;
    return sum;
  }();

  std::span<Entry> table(Facet facet);
  std::span<const Entry> table(Facet facet) const;
  const Entry* find(const Observation& seen, Watched now) const;

  std::array<Entry, kRoom> entries_{};
  std::array<News, kFacets> news_{};
  std::array<Variety, 2> varieties_{};  // of executables and of networks
};

}  // namespace hostmedic::detect
