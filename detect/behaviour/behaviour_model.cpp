// SPDX-License-Identifier: Apache-2.0
#include "detect/behaviour/behaviour_model.h"

#include <algorithm>
#include <cmath>

#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

constexpr std::uint32_t kStateVersion = 1;
// A longer time between two calls is one in which nobody watched.
constexpr Duration kLongestGap = std::chrono::minutes(5);
constexpr Watched kTogether = 60;  // new things within it belong together
constexpr Watched kSettle = 5;     // without a further one, before they are told
constexpr Watched kMostPatience = 20;
constexpr Watched kFirstStart = 120;  // for a service to come up
constexpr Watched kChange = 15 * 60;  // what a change of packages brings along comes within it
constexpr float kPersonalWeight = 0.5F, kChangeWeight = 0.5F;
constexpr float kWorthWords = 0.5F;   // nats: what is more usual than that is no news
constexpr double kLeastCores = 0.25;  // less CPU is nobody's trouble
constexpr double kLeastKinds = 8;     // fewer different things in an hour are no variety
constexpr float kVolatilePerDay = 1;
constexpr std::size_t kMostText = 480;  // an attribute holds 512 bytes

std::string words_of_watched(Watched time) {
  if (time >= 2 * 86400) return strf("%u days", time / 86400);
  if (time >= 2 * 3600) return strf("%u hours", time / 3600);
  return strf("%u minutes", time / 60);
}

}  // namespace

std::string_view to_string(Habit habit) {
  switch (habit) {
    case Habit::learning: return "learning";
    case Habit::steady: return "steady";
    case Habit::volatile_: return "volatile";
  }
  return "learning";
}

BehaviourModel::BehaviourModel(const BehaviourSettings& settings) : settings_(settings) { cases_.reserve(kMostCases); }

void BehaviourModel::advance(MonoTime now) {
  if (last_ && now > *last_ && now - *last_ <= kLongestGap) watched_ += now - *last_;
  last_ = now;
}

BehaviourModel::Service BehaviourModel::service(std::string_view unit) {
  const std::uint64_t name = unit_print(unit);
  const auto found = std::ranges::find(names_, name);
  auto index = static_cast<Service>(found - names_.begin());
  if (found == names_.end()) {
    if (names_.size() < kMostServices) {
      names_.emplace_back();
      used_.emplace_back();
      services_.emplace_back();
    } else {
      index = static_cast<Service>(std::ranges::min_element(used_) - used_.begin());
      ++totals_.displaced;
    }
    names_[index] = name;
    services_[index].personal = is_personal(unit);
    forget(index);
  }
  used_[index] = now();
  return index;
}

void BehaviourModel::forget(Service service) {
  Known fresh;
  fresh.since = now();
  fresh.personal = services_[service].personal;
  fresh.held = services_[service].held;
  services_[service] = fresh;
  std::erase_if(cases_, [service](const Case& open) { return open.service == service; });
}

// For how long the facet of the service could have been seen.
Watched BehaviourModel::age(const Known& known, Facet facet) const {
  Watched since = known.since;
  if (info_of(facet).kernel) since = std::max(since, kernel_since_.value_or(now()));
  return now() - since;
}

bool BehaviourModel::silent(const Known& known, Facet facet) const {
  return std::chrono::seconds(age(known, facet)) < settings_.learning || now() < known.silent_until;
}

bool BehaviourModel::after_change() const { return changed_ && now() - *changed_ < kChange; }

std::optional<Novelty> BehaviourModel::take(Known& known, const Observation& seen, bool initial) {
  ++totals_.observations;
  const bool quiet = initial || silent(known, seen.facet);
  std::optional<Novelty> novelty;
  if (!quiet) {
    novelty = known.profile.judge(seen, now(), age(known, seen.facet));
    if (novelty->first) ++totals_.news;
    novelty->score *= info_of(seen.facet).weight;
    if (known.personal) novelty->score *= kPersonalWeight;
    if (after_change()) novelty->score *= kChangeWeight;
    if (novelty->score < kWorthWords) novelty.reset();
  }
  // What a change of packages explains does not make the service one that always changes.
  if (learns(known)) known.profile.learn(seen, now(), !quiet && !after_change());
  return novelty;
}

BehaviourModel::Case& BehaviourModel::case_of(Service service, std::string_view about) {
  auto found = std::ranges::find(cases_, service, &Case::service);
  if (found == cases_.end()) {
    found =
        cases_.size() < kMostCases ? cases_.emplace(cases_.end()) : std::ranges::min_element(cases_, {}, &Case::latest);
    *found = {};
    found->service = service;
  }
  // Pieces that were told still count with what comes within the minute.
  if (!found->pending) found->first = now();
  found->about = about;
  return *found;
}

void BehaviourModel::add_piece(Service service, std::string_view about, Facet facet, const Novelty& novelty,
                               std::string text) {
  Case& open = case_of(service, about);
  Piece& piece = open.pieces[static_cast<std::size_t>(info_of(facet).theme)];
  if (piece.score >= novelty.score && now() - piece.at <= kTogether) return;
  piece = {novelty.score, now(), novelty.first, novelty.last, std::move(text)};
  open.latest = now();
  open.pending = true;
}

// More different things within an hour than ever before: a scan, or a program that starts all there is.
void BehaviourModel::count_kinds(Service service, std::string_view about, const Observation& seen, bool initial) {
  Known& known = services_[service];
  const bool network = seen.facet == Facet::network;
  const double kinds = known.profile.kinds_this_hour(seen.facet, seen.print, now());
  if (known.hour != now() / 3600) {
    known.hour = now() / 3600;
    known.level = {};
  }
  const std::uint32_t level = level_of(kinds, kLeastKinds);
  std::uint8_t& reached = known.level[network ? 1 : 0];
  if (level <= reached) return;
  reached = static_cast<std::uint8_t>(level);
  const Facet facet = network ? Facet::network_kinds : Facet::program_kinds;
  const auto novelty = take(known, {facet, level}, initial);
  if (!novelty) return;
  add_piece(
      service, about, facet, *novelty,
      strf(network ? "connected to about %.0f networks within an hour" : "started about %.0f programs within an hour",
           kinds));
}

void BehaviourModel::note(Service service, std::string_view about, const Event& event) {
  const bool initial = event.get(attr::kNetworkInitial) == "1";
  if (is_package_change(event)) changed_ = now();
  for (const Observation& seen : observe(event)) {
    if (info_of(seen.facet).kernel && !kernel_since_) kernel_since_ = now();
    if (const auto novelty = take(services_[service], seen, initial))
      add_piece(service, about, seen.facet, *novelty, describe(event, seen.facet));
    if (seen.facet == Facet::executable || seen.facet == Facet::network) count_kinds(service, about, seen, initial);
  }
}

void BehaviourModel::load(Service service, std::string_view about, double cores) {
  const std::uint32_t level = level_of(cores, kLeastCores);
  if (level == 0) return;
  const auto novelty = take(services_[service], {Facet::load, level}, false);
  if (novelty) add_piece(service, about, Facet::load, *novelty, strf("used %.2g cores", cores));
}

void BehaviourModel::started(Service service) {
  Known& known = services_[service];
  if (known.started) return;
  known.started = true;
  known.silent_until = now() + kFirstStart;
  std::erase_if(cases_, [service](const Case& open) { return open.service == service; });
}

void BehaviourModel::hold(Service service) {
  if (services_[service].held) return;
  services_[service].held = true;
  held_.push_back(service);
}

void BehaviourModel::release_all() {
  for (const Service service : held_) services_[service].held = false;
  held_.clear();
}

std::optional<BehaviourFinding> BehaviourModel::sum_up(const Case& open) const {
  BehaviourFinding finding;
  finding.about = open.about;
  std::array<const Piece*, kThemes> told{};
  std::size_t count = 0;
  // New things are taken for independent. Those that were seen before may have come together before, a weekly job with
  // all its ways: only the most seldom of them counts.
  float seldom = 0;
  for (const Piece& piece : open.pieces) {
    if (piece.score <= 0 || now() - piece.at > kTogether) continue;
    if (piece.first) finding.score += piece.score;
    if (!piece.first) seldom = std::max(seldom, piece.score);
    told[count++] = &piece;
  }
  finding.score += seldom;
  if (finding.score < settings_.weak) return std::nullopt;
  finding.strong = finding.score >= settings_.strong;
  std::stable_sort(told.begin(), told.begin() + static_cast<std::ptrdiff_t>(count),
                   [](const Piece* a, const Piece* b) { return a->score > b->score; });
  const Known& known = services_[open.service];
  std::string text = "does what is new for it in " + words_of_watched(now() - known.since) + " of watching:";
  for (std::size_t i = 0; i < count; ++i) {
    text += (i == 0 ? " " : "; ") + told[i]->text;
    if (!told[i]->first) text += " (last " + words_of_watched(told[i]->at - told[i]->last) + " ago)";
  }
  if (after_change())
    text += "; packages were changed " + words_of_watched(now() - *changed_) + " ago, which may explain it";
  if (known.personal) text += "; people work there";
  const double days = std::exp(static_cast<double>(finding.score));
  text += days < 730 ? strf("; expected once in %.0f days", days) : strf("; expected once in %.0f years", days / 365);
  finding.text = printable(text, kMostText);
  return finding;
}

const std::vector<BehaviourFinding>& BehaviourModel::ripe() {
  ripe_.clear();
  for (Case& open : cases_) {
    if (!open.pending || (now() - open.latest < kSettle && now() - open.first < kMostPatience)) continue;
    open.pending = false;
    if (auto finding = sum_up(open)) ripe_.push_back(*std::move(finding));
  }
  totals_.findings += ripe_.size();
  totals_.strong += static_cast<std::uint64_t>(std::ranges::count(ripe_, true, &BehaviourFinding::strong));
  std::erase_if(cases_, [this](const Case& open) { return !open.pending && now() - open.latest > kTogether; });
  return ripe_;
}

Habit BehaviourModel::habit(Service service) const {
  const Known& known = services_[service];
  if (std::chrono::seconds(now() - known.since) < settings_.learning) return Habit::learning;
  for (std::size_t i = 0; i < kFacets; ++i) {
    const auto facet = static_cast<Facet>(i);
    if (known.profile.news_per_day(facet, now(), age(known, facet)) >= kVolatilePerDay) return Habit::volatile_;
  }
  return Habit::steady;
}

BehaviourTotals BehaviourModel::totals() const {
  BehaviourTotals totals = totals_;
  totals.services = services_.size();
  for (Service i = 0; i < services_.size(); ++i) {
    const Habit found = habit(i);
    if (found == Habit::learning) ++totals.learning;
    if (found == Habit::volatile_) ++totals.volatile_services;
  }
  return totals;
}

std::size_t BehaviourModel::bytes_used() const {
  return sizeof *this + services_.capacity() * (sizeof(Known) + sizeof(Watched) + sizeof(std::uint64_t)) +
         cases_.capacity() * sizeof(Case);
}

void BehaviourModel::save(StateWriter& writer) const {
  writer.put(kStateVersion);
  writer.put(static_cast<std::int64_t>(to_ns(watched_)));
  writer.put(static_cast<std::uint8_t>(kernel_since_.has_value()));
  writer.put(kernel_since_.value_or(0));
  writer.put(static_cast<std::uint32_t>(services_.size()));
  for (std::size_t i = 0; i < services_.size(); ++i) {
    const Known& known = services_[i];
    writer.put(names_[i]);
    writer.put(known.since);
    writer.put(used_[i]);
    writer.put(static_cast<std::uint8_t>(known.started));
    writer.put(static_cast<std::uint8_t>(known.personal));
    known.profile.save(writer);
  }
}

void BehaviourModel::reset() {
  names_.clear();
  used_.clear();
  services_.clear();
  held_.clear();
  cases_.clear();
  watched_ = {};
  kernel_since_.reset();
  changed_.reset();
}

bool BehaviourModel::sane() const {
  const auto known = [&](Service service) { return service < services_.size(); };
  return services_.size() <= kMostServices && names_.size() == services_.size() && used_.size() == services_.size() &&
         cases_.size() <= kMostCases && std::ranges::all_of(held_, known) &&
         std::ranges::all_of(cases_, known, &Case::service);
}

bool BehaviourModel::load_state(StateReader& reader) {
  reset();
  const bool ours = reader.get<std::uint32_t>() == kStateVersion;
  const auto watched = reader.get<std::int64_t>();
  constexpr std::int64_t kMostWatched = std::int64_t{100} * 365 * 86400 * 1'000'000'000;
  bool sound = ours && watched >= 0 && watched <= kMostWatched;
  watched_ = Duration(sound ? watched : 0);
  const bool told = reader.get<std::uint8_t>() != 0;
  const auto since = reader.get<Watched>();
  if (told) kernel_since_ = since;
  sound = sound && since <= now();
  const std::uint32_t count = sound ? reader.get_count(kMostServices) : 0;
  names_.resize(count);
  used_.resize(count);
  services_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    Known& known = services_[i];
    names_[i] = reader.get<std::uint64_t>();
    known.since = reader.get<Watched>();
    used_[i] = reader.get<Watched>();
    known.started = reader.get<std::uint8_t>() != 0;
    known.personal = reader.get<std::uint8_t>() != 0;
    known.profile.load(reader);
    sound = sound && known.since <= now() && used_[i] <= now();
  }
  if (sound && reader.good()) return true;
  reset();
  return false;
}

}  // namespace hostmedic::detect
