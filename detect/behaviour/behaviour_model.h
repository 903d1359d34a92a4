// SPDX-License-Identifier: Apache-2.0
// Which services do what they have not done before. Each service has a profile; what is new in it is scored by how
// seldom anything new comes in it, and what is new in several ways within a minute is added up: a new program alone is
// a Tuesday, a new program with a new destination and more CPU than ever is worth a word.
//
// Honest about what it does not know: a service says nothing for its first day, and learns its first start under watch
// in silence. A service in which new things come all the time scores them near zero. Right after a change of packages
// and in sessions of people the new counts half. While an incident is open on a service, or maintenance is announced,
// what it does is judged and not learned.
//
// How a thing becomes usual: it counts once an hour. After the second sighting it is no longer told alone; after about
// ten (that many hours if it goes on, that many days if it comes daily) it adds one to others, of the eight that make a
// strong finding.
//
// Pure: same calls in the same order, same answers. Bounded: kMostServices profiles of a fixed size, the one longest
// unused makes room. No allocation for a known service unless something is new. One owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "agent/base/time.h"
#include "detect/behaviour/profile.h"
#include "detect/model/frame.h"

namespace hostmedic::detect {

struct BehaviourSettings {
  // A service says nothing before; a daily job is seen once in it. The engine takes the time that all models learn.
  Duration learning = std::chrono::hours(24);
  // Nats: on how many days such a thing is expected once, as a logarithm. 8: once in eight years of a service, about
  // one false alarm in a month on a host of a hundred services; takes two new things of different kinds after a month
  // of watching and three before. 3: once in three weeks, a single new thing.
  float strong = 8, weak = 3;
};

enum class Habit : std::uint8_t {
  learning,  // says nothing yet
  steady,
  volatile_,  // new things come at least once a day in some facet; what is new in it counts little
};
std::string_view to_string(Habit habit);

struct BehaviourFinding {
  std::string about;  // as given with what was noted
  float score = 0;
  bool strong = false;
  std::string text;  // "does what is new for it in 12 days of watching: started /tmp/x; connected to ..."
};

struct BehaviourTotals {
  std::size_t services = 0, learning = 0, volatile_services = 0;
  std::uint64_t observations = 0, news = 0;
  std::uint64_t findings = 0, strong = 0;  // strong ones are among the findings
  std::uint64_t displaced = 0;             // services that were forgotten for want of room
};

class BehaviourModel {
 public:
  using Service = std::uint32_t;
  static constexpr std::size_t kMostServices = 256;

  explicit BehaviourModel(const BehaviourSettings& settings = {});

  // The time of all calls until the next. What does not fit in time (backwards, a gap) is no time of watching.
  void advance(MonoTime now);
  // The service of that unit name, known from now on; instances and sessions are one. Valid until the next call of it.
  Service service(std::string_view unit);
  // What the event tells of the service; about: what a finding will be about.
  void note(Service service, std::string_view about, const Event& event);
  // CPU used lately, in cores.
  void load(Service service, std::string_view about, double cores);
  // It begins to run: what its first start under watch does is learned in silence.
  void started(Service service);
  // An incident is open on it, until release_all().
  void hold(Service service);
  void release_all();
  // People work on what is noted from now on.
  void maintenance(bool on) { maintenance_ = on; }
  // What is ripe: told some seconds after the last new thing, so that what belongs together comes together.
  // The reference is valid until the next call.
  const std::vector<BehaviourFinding>& ripe();
  // What was learnt of it is forgotten and learnt anew.
  void forget(Service service);

  Watched watched() const {
    return static_cast<Watched>(std::chrono::duration_cast<std::chrono::seconds>(watched_).count());
  }
  Habit habit(Service service) const;
  BehaviourTotals totals() const;
  std::size_t bytes_used() const;

  void save(StateWriter& writer) const;
  // False when the bytes are not what save() wrote; it is then as if new.
  bool load_state(StateReader& reader);
  // For a snapshot.
  bool sane() const;
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.last_, self.watched_, self.kernel_since_, self.changed_, self.maintenance_, self.names_,
                    self.used_, self.services_, self.held_, self.cases_, self.totals_.observations, self.totals_.news,
                    self.totals_.findings, self.totals_.strong, self.totals_.displaced);
  }

 private:
  struct Known {
    Watched since = 0;
    Watched silent_until = 0;  // of its first start
    bool started = false, personal = false, held = false;
    std::array<std::uint8_t, 2> level{};  // of programs and networks, in `hour`
    std::uint32_t hour = 0;
    Profile profile;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.since, self.silent_until, self.started, self.personal, self.held, self.level, self.hour,
                      self.profile);
    }
  };
  struct Piece {
    float score = 0;
    Watched at = 0;
    bool first = true;
    Watched last = 0;
    std::string text;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.score, self.at, self.first, self.last, self.text);
    }
  };
  // New things of one service that may belong together.
  struct Case {
    Service service = 0;
    std::string about;
    Watched first = 0, latest = 0;
    bool pending = false;  // there is news since it was told
    std::array<Piece, kThemes> pieces;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.service, self.about, self.first, self.latest, self.pending, self.pieces);
    }
  };
  static constexpr std::size_t kMostCases = 32;

  Watched now() const { return watched(); }
  Watched age(const Known& known, Facet facet) const;
  bool silent(const Known& known, Facet facet) const;
  bool learns(const Known& known) const { return !maintenance_ && !known.held; }
  bool after_change() const;
  // The judgement of one observation, which is learned then; nullopt when it is nothing to speak of.
  std::optional<Novelty> take(Known& known, const Observation& seen, bool initial);
  void add_piece(Service service, std::string_view about, Facet facet, const Novelty& novelty, std::string text);
  void count_kinds(Service service, std::string_view about, const Observation& seen, bool initial);
  Case& case_of(Service service, std::string_view about);
  std::optional<BehaviourFinding> sum_up(const Case& open) const;
  void reset();

  const BehaviourSettings settings_;
  std::optional<MonoTime> last_;
  Duration watched_{};
  std::optional<Watched> kernel_since_;  // when the kernel's programs told something first
  std::optional<Watched> changed_;       // when packages changed last
  bool maintenance_ = false;
  // Print of the unit's name, when it was last spoken of, and what is known: apart, so that a look-up reads little.
  std::vector<std::uint64_t> names_;
  std::vector<Watched> used_;
  std::vector<Known> services_;
  std::vector<Service> held_;
  std::vector<Case> cases_;
  std::vector<BehaviourFinding> ripe_;
  BehaviourTotals totals_;
};

}  // namespace hostmedic::detect
