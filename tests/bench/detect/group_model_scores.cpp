// SPDX-License-Identifier: Apache-2.0
// One group model by itself over a file: its own score, without what the pipeline makes of it. For the reference points
// of the table. group_model_scores --list | --shipped | NAME INTERVAL_SECONDS IN TRAIN|- OUT
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "agent/base/parse.h"
#include "agent/score/csv_file.h"
#include "detect/multivariate/group_model.h"
#include "detect/scorer.h"

using namespace hostmedic;

namespace {

// How many usual deviations a series is from its long mean, the warm-up included.
struct Level {
  double base = 0, n = 0, mean = 0, variance = 0, low = 0, high = 0;

  float step(double value, double memory) {
    constexpr double kFloor = 0.02, kPrior = 0.2, kPriorFades = 1000, kDrawIn = 1e-5;
    if (n == 0) base = value;
    const double x = value - base, range = high - low, fade = std::exp(-n / kPriorFades), off = x - mean;
    const double square = (1 - fade) * variance + (fade * kPrior * kPrior + kFloor * kFloor) * range * range;
    const double a = std::max(1 / memory, 1 / (n + 2));
    mean += a * off;
    variance = (1 - a) * (variance + a * off * off);
    low = std::min(x, low + kDrawIn * range);
    high = std::max(x, high - kDrawIn * range);
    n += 1;
    return square > 0 ? static_cast<float>(off / std::sqrt(square)) : 0;
  }
};

class Alone {
 public:
  Alone(const detect::GroupModelInfo& info, Duration interval, std::size_t series)
      : model_(info.make({.interval = interval, .seed = 1})),
        interval_(interval),
        memory_(14 * 86400 / to_seconds(interval)),
        levels_(series),
        values_(series),
        deviations_(series) {
    model_->resize(series);
  }
  float step(const CsvRow& row) {
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const bool known = std::isfinite(row.values[i]);
      deviations_[i] = known ? levels_[i].step(row.values[i], memory_) : NAN;
      values_[i] = known ? static_cast<float>(row.values[i] - levels_[i].base) : NAN;
    }
    since_ += interval_;
    const float score = model_->step({.at = MonoTime(since_), .values = values_, .deviations = deviations_});
    return std::isfinite(score) ? score : 0;
  }

 private:
  std::unique_ptr<detect::GroupModel> model_;
  Duration interval_, since_{};
  double memory_;
  std::vector<Level> levels_;
  std::vector<float> values_, deviations_;
};

int run(const detect::GroupModelInfo& info, Duration interval, const std::string& in, const std::string& train,
        const std::string& out) {
  auto file = CsvFile::open(in);
  if (!file) return std::fprintf(stderr, "%s\n", file.error().message().c_str()), 1;
  Alone alone(info, interval, file->layout().series.size());
  std::ofstream scores(out);
  scores << "score\n";
  for (const std::string& path : {train, in}) {
    if (path == "-") continue;
    auto rows = CsvFile::open(path);
    CsvRow row;
    while (rows) {
      const auto more = rows->next(row);
      if (!more) return std::fprintf(stderr, "%s\n", more.error().message().c_str()), 1;
      if (!*more) break;
      const float score = alone.step(row);
      if (path == in) scores << score << '\n';
    }
  }
  return scores.flush() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args == std::vector<std::string>{"--list"}) {
    for (const detect::GroupModelInfo* info : detect::all_group_models())
      std::printf("%s\n", std::string(info->name).c_str());
    return 0;
  }
  if (args == std::vector<std::string>{"--shipped"}) {
    const auto scorer = detect::Scorer::make({});
    if (!scorer) return std::fprintf(stderr, "%s\n", scorer.error().message().c_str()), 1;
    for (const detect::ModelHealth& model : (*scorer)->health())
      std::printf("%s %s\n", std::string(model.name).c_str(), std::string(to_string(model.mode)).c_str());
    return 0;
  }
  const auto seconds = args.size() == 5 ? parse_u64(args[1]) : make_error(ErrorCode::malformed, "arguments");
  const detect::GroupModelInfo* info = args.size() == 5 ? detect::find_group_model(args[0]) : nullptr;
  if (!seconds || info == nullptr)
    return std::fprintf(stderr, "group_model_scores --list | --shipped | NAME INTERVAL_SECONDS IN TRAIN|- OUT\n"), 64;
  return run(*info, std::chrono::seconds(*seconds), args[2], args[3], args[4]);
}
