// SPDX-License-Identifier: Apache-2.0
// What the learning models of one series have in common, so that each of them is only its statistics: which readings
// count, honest warm-up, two of three readings to begin and two minutes of quiet to end, in what way it departs, a
// departure that lasts becomes the new normal, and nothing is learned while the reading says so. See detector.h for the
// contract.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "detect/detector.h"
#include "detect/feature/departure.h"
#include "detect/feature/hold.h"
#include "detect/health/detector_state.h"
#include "detect/health/fields.h"

namespace hostmedic::detect {

// One reading, as the models see it.
struct Moment {
  MonoTime at;
  double x = 0;
  double smooth = 0;   // mean of about ten seconds
  double elapsed = 0;  // seconds since the last known value, at most kMostStep
  double age = 0;      // seconds observed so far
  double week_second =
      0;               // time of the week, 0: Monday 00:00 UTC; from the first reading on where no wall time is known
  bool fresh = false;  // the first one, or after a gap: what came before is no neighbour
};

// What a model thinks of it, before it has learned it.
struct Opinion {
  double score = 0;              // in the model's own unit; at its limit it is as likely noise as not
  std::optional<double> told{};  // given as the finding's score instead: seconds until it is full
  double deviation = 0;          // signed, in usual deviations
  double expected = 0;
  Direction direction = Direction::none;  // none: that of the level from what is expected
  std::string_view cannot_tell{};         // why it says unknown: "constant: nothing to learn"
  Departure departure = Departure::none;  // where the model knows better, when it begins
};

class Model : public Detector {
 public:
  Finding step(const Reading& reading) final;

  // What all models have as parameters of their own.
  struct Habits {
    double limit;   // of the score
    double warmup;  // seconds observed in silence
    double adopt;   // seconds after which a departure is the new normal; 0: never
  };

  static constexpr double kMostStep = 300;  // seconds; a longer gap counts for so much

 protected:
  explicit Model(const Habits& habits) : habits_(habits) {}

  virtual Opinion judge(const Moment& now) = 0;
  virtual void learn(const Moment& now) = 0;
  // The present level is normal from now on. Also while nothing is learned: what lasts so long is no incident any more.
  virtual void adopt(const Moment& now) = 0;
  virtual std::string_view reason() const = 0;  // a literal: "far from what is usual"

  const Habits& habits() const { return habits_; }
  bool firing() const { return common_.firing; }
  // A new normal was taken over lately: it is looked at, and not judged yet.
  bool settling() const { return common_.settle > 0; }

  // Everything above in the state of a model is here; a model's fields() ties it with its own.
  struct Common {
    std::optional<MonoTime> last, value_at;
    MonoTime since, over_since;
    double smooth = 0, age = 0, week_second = 0, settle = 0;
    bool anchored = false, over = false, firing = false;
    Departure departure = Departure::none;  // while firing
    std::uint8_t recent = 0;
    Hold calm, departed;
    DepartureCourse course;

    bool sane() const;
    template <class Self>
    static auto fields(Self& self) {
      return std::tie(self.last, self.value_at, self.since, self.over_since, self.smooth, self.age, self.week_second,
                      self.settle, self.anchored, self.over, self.firing, self.departure, self.recent, self.calm,
                      self.departed, self.course);
    }
  };
  Common common_;

 private:
  Moment moment(const Reading& reading);
  void rewind(MonoTime at);
  Finding conclude(const Moment& now, const Opinion& opinion);
  void decide(const Moment& now, bool over);
  void name_departure(const Moment& now, const Opinion& opinion);

  const Habits habits_;
  bool restored_ = false;
  Finding finding_;

  template <class Own>
  friend class KeptModel;
};

// Saves and loads what Own::fields() lists, under Own::kVersion; for a snapshot Own::whole() where there is more.
template <class Own>
class KeptModel : public Model {
 public:
  using Model::Model;
  std::size_t bytes_used() const final { return sizeof(Own); }
  void save(StateWriter& writer) const final {
    writer.put<std::uint32_t>(Own::kVersion);
    save_fields(writer, common_);
    save_fields(writer, static_cast<const Own&>(*this));
  }
  bool load(StateReader& reader) final {
    Whole both{common_, static_cast<Own&>(*this)};
    restored_ = restore_fields(reader, Own::kVersion, both);
    return restored_;
  }
  void save_whole(StateWriter& writer) const final {
    put_whole(writer, common_);
    put_whole(writer, restored_);
    put_whole(writer, finding_);
    put_members(writer, static_cast<const Own&>(*this));
  }
  void load_whole(StateReader& reader) final {
    get_whole(reader, common_);
    get_whole(reader, restored_);
    get_whole(reader, finding_);
    get_members(reader, static_cast<Own&>(*this));
  }

 private:
  struct Whole {
    Common& state;
    Own& own;
    template <class Self>
    static auto fields(Self& self) {
      return std::tie(self.state, self.own);
    }
  };
};

}  // namespace hostmedic::detect
