// SPDX-License-Identifier: Apache-2.0
#include "detect/behaviour/profile.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hostmedic::detect {

namespace {

constexpr double kDay = 86400;
constexpr double kMemoryDays = kBehaviourMemory / kDay;
// What is believed before anything was seen: half a new thing in ten days. It keeps the first days from being too sure
// and is outweighed after about ten.
constexpr double kPriorNews = 0.5, kPriorDays = 10;

constexpr std::array<std::size_t, kFacets> kOffsets = [] {
  std::array<std::size_t, kFacets> offsets{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < kFacets; ++i) {
    offsets[i] = at;
    at += kFacetInfo[i].room;
  }
  return offsets;
}();

double decayed(double count, Watched counted, Watched now) {
  const double age = now > counted ? static_cast<double>(now - counted) : 0;
  return count * std::exp(-age / kBehaviourMemory);
}

// Days that still count, of an age.
double days_of(Watched age) { return kMemoryDays * (1 - std::exp(-static_cast<double>(age) / kBehaviourMemory)); }

// Nats of what is expected so often a day, to come on any one day.
float rarity(double a_day) { return static_cast<float>(-std::log(1 - std::exp(-a_day))); }

}  // namespace

std::span<Profile::Entry> Profile::table(Facet facet) {
  return std::span(entries_).subspan(kOffsets[static_cast<std::size_t>(facet)], info_of(facet).room);
}
std::span<const Profile::Entry> Profile::table(Facet facet) const {
  return std::span(entries_).subspan(kOffsets[static_cast<std::size_t>(facet)], info_of(facet).room);
}

// What makes it known: the kind itself, or of levels the most frequent one that is at least as high.
const Profile::Entry* Profile::find(const Observation& seen, Watched now) const {
  const Entry* best = nullptr;
  double most = 0;
  for (const Entry& entry : table(seen.facet)) {
    if (!info_of(seen.facet).level) {
      if (entry.print == seen.print) return &entry;
      continue;
    }
    if (entry.print < seen.print) continue;
    const double count = decayed(entry.count, entry.counted, now);
    if (best != nullptr && count <= most) continue;
    best = &entry;
    most = count;
  }
  return best;
}

Novelty Profile::judge(const Observation& seen, Watched now, Watched age) const {
  const News& news = news_[static_cast<std::size_t>(seen.facet)];
  const double days = days_of(age);
  const double unseen = (decayed(news.count, news.counted, now) + kPriorNews) / (days + kPriorDays);
  const Entry* entry = find(seen, now);
  if (entry == nullptr) return {rarity(unseen), true, 0};
  // Seldom is no stranger than new.
  const double known = days > 0 ? decayed(entry->count, entry->counted, now) / days : 1;
  return {rarity(std::max(known, unseen)), false, entry->counted};
}

void Profile::learn(const Observation& seen, Watched now, bool surprising) {
  const std::span<Entry> entries = table(seen.facet);
  const bool known = find(seen, now) != nullptr;
  const auto count_again = [now](auto& counted) {
    if (counted.count > 0 && now < counted.counted + kCountedAgain) return;
    counted.count = static_cast<float>(decayed(counted.count, counted.counted, now) + 1);
    counted.counted = now;
  };
  const auto same = std::ranges::find(entries, seen.print, &Entry::print);
  if (same != entries.end()) {
    count_again(*same);
  } else {
    const auto weight = [now](const Entry& entry) {
      return entry.print == 0 ? -1 : decayed(entry.count, entry.counted, now);
    };
    *std::ranges::min_element(entries, {}, weight) = {seen.print, 1, now};
  }
  if (!known && surprising) count_again(news_[static_cast<std::size_t>(seen.facet)]);
}

float Profile::news_per_day(Facet facet, Watched now, Watched age) const {
  const News& news = news_[static_cast<std::size_t>(facet)];
  return static_cast<float>(decayed(news.count, news.counted, now) / (days_of(age) + kPriorDays));
}

std::size_t Profile::kinds(Facet facet) const {
  return static_cast<std::size_t>(std::ranges::count_if(table(facet), [](const Entry& e) { return e.print != 0; }));
}

double Profile::kinds_this_hour(Facet facet, std::uint32_t print, Watched now) {
  Variety& variety = varieties_[facet == Facet::network ? 1 : 0];
  if (variety.hour != now / 3600) variety = {{}, now / 3600};
  const std::uint32_t bit = (print * 0x9e3779b9U) >> 25U;
  variety.bits[bit / 64] |= std::uint64_t{1} << (bit % 64);
  const int used = std::popcount(variety.bits[0]) + std::popcount(variety.bits[1]);
  constexpr double kBits = 128;
  return -kBits * std::log((kBits - std::min(used, 127)) / kBits);
}

void Profile::save(StateWriter& writer) const {
  for (const News& news : news_) {
    writer.put(news.count);
    writer.put(news.counted);
  }
  for (std::size_t i = 0; i < kFacets; ++i) {
    const Facet facet = static_cast<Facet>(i);
    writer.put(static_cast<std::uint32_t>(kinds(facet)));
    for (const Entry& entry : table(facet)) {
      if (entry.print == 0) continue;
      writer.put(entry.print);
      writer.put(entry.count);
      writer.put(entry.counted);
    }
  }
}

void Profile::load(StateReader& reader) {
  const auto get_count = [&](auto& ret_counted) {
    ret_counted.count = std::clamp(reader.get<float>(), 0.0F, 1e6F);
    ret_counted.counted = reader.get<Watched>();
  };
  for (News& news : news_) get_count(news);
  for (std::size_t i = 0; i < kFacets; ++i) {
    const std::span<Entry> entries = table(static_cast<Facet>(i));
    const std::uint32_t count = reader.get_count(static_cast<std::uint32_t>(entries.size()));
    for (std::uint32_t k = 0; k < count; ++k) {
      entries[k].print = reader.get<std::uint32_t>();
      get_count(entries[k]);
    }
  }
}

void Profile::save_whole(StateWriter& writer) const {
  save(writer);
  for (const Variety& variety : varieties_) {
    writer.put_raw(std::span<const std::uint64_t>(variety.bits));
    writer.put(variety.hour);
  }
}

void Profile::load_whole(StateReader& reader) {
  *this = {};
  load(reader);
  for (Variety& variety : varieties_) {
    reader.get_raw(std::span<std::uint64_t>(variety.bits));
    variety.hour = reader.get<std::uint32_t>();
  }
}

}  // namespace hostmedic::detect
