// SPDX-License-Identifier: Apache-2.0
#include "agent/score/run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <memory>
#include <thread>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/score/csv_file.h"

namespace hostmedic {
namespace {

constexpr std::size_t kBuffer = 1 << 16;

// The rows written. Removes what it wrote unless it was finished.
class Output {
 public:
  static Result<Output> open(const std::string& path, std::span<const std::string> inputs) {
    struct stat there{};
    for (const std::string& input : inputs) {
      struct stat read{};
      if (::stat(path.c_str(), &there) == 0 && ::stat(input.c_str(), &read) == 0 && there.st_dev == read.st_dev &&
          there.st_ino == read.st_ino)
        return make_error(ErrorCode::conflict, path + ": is the input");
    }
    auto fd = open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0644);
    if (!fd) return std::move(fd.error()).in(path);
    return Output(path, std::move(*fd));
  }
  Output(Output&&) = default;
  ~Output() {
    struct stat there{};
    if (fd_ && ::fstat(fd_.get(), &there) == 0 && S_ISREG(there.st_mode)) (void)::unlink(path_.c_str());
  }

  void text(std::string_view cell) { separate(), buffer_ += cell; }
  void number(float value) {
    char digits[32];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    text({digits, static_cast<std::size_t>(end - digits)});
  }
  Status end_row() {
    buffer_ += '\n';
    first_ = true;
    return buffer_.size() < kBuffer ? ok() : flush();
  }
  Status finish() {
    auto flushed = flush();
    if (flushed) fd_.reset();
    return flushed;
  }

 private:
  Output(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  void separate() {
    if (!std::exchange(first_, false)) buffer_ += ',';
  }
  Status flush() {
    std::string_view left = buffer_;
    while (!left.empty()) {
      const ssize_t n = ::write(fd_.get(), left.data(), left.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error(errno, path_);
      left.remove_prefix(static_cast<std::size_t>(n));
    }
    buffer_.clear();
    return ok();
  }

  std::string path_;
  Fd fd_;
  std::string buffer_;
  bool first_ = true;
};

// One group with a series per column.
class Pipeline {
 public:
  static Result<Pipeline> make(const CsvLayout& layout, const ScoreSettings& settings) {
    detect::ScorerConfig config = settings.scorer;
    config.interval = settings.interval.value_or(layout.step.value_or(kDefaultScoreInterval));
    auto scorer = detect::Scorer::make(config);
    if (!scorer) return std::move(scorer).error();
    Pipeline pipeline(std::move(*scorer), config.interval);
    for (std::size_t i = 0; i < layout.series.size(); ++i) {
      const auto slot = pipeline.scorer_->add(pipeline.group_, Unit::count, Instrument::gauge);
      if (!slot) return make_error(ErrorCode::limit, "more series than the scorer takes");
      pipeline.slots_.push_back(*slot);
    }
    return pipeline;
  }

  void step(const CsvRow& row, bool timed) {
    for (std::size_t i = 0; i < slots_.size(); ++i)
      scorer_->set(slots_[i], std::isfinite(row.values[i]) ? std::optional(row.values[i]) : std::nullopt);
    // Time as the models know it goes on by the interval, whatever the file's clock did.
    since_ += interval_;
    scorer_->step(MonoTime(since_), timed ? row.at : WallTime(since_));
  }
  void write(Output& ret_output, bool per_series) const {
    for (std::size_t i = 0; per_series && i < slots_.size(); ++i) ret_output.number(scorer_->evidence(slots_[i]));
    const detect::GroupScore& score = scorer_->group(group_);
    ret_output.number(score.onset);
    ret_output.text(score.suspicious ? "1" : "0");
    for (const float value : {score.page, score.rank, score.probability}) ret_output.number(value);
  }
  std::size_t series() const { return slots_.size(); }
  Duration interval() const { return interval_; }

 private:
  Pipeline(std::unique_ptr<detect::Scorer> scorer, Duration interval)
      : scorer_(std::move(scorer)), group_(scorer_->add_group()), interval_(interval) {}

  std::unique_ptr<detect::Scorer> scorer_;
  detect::GroupSlot group_;
  std::vector<detect::Slot> slots_;
  Duration interval_, since_{};
};

void write_header(const CsvLayout& layout, bool per_series, Output& ret_output) {
  if (layout.time != TimeForm::none) ret_output.text("timestamp");
  for (std::size_t i = 0; per_series && i < layout.series.size(); ++i) ret_output.text(csv_cell(layout.series[i]));
  for (const char* name : {"anomaly_score", "suspicious", "page", "rank", "probability"}) ret_output.text(name);
}

Result<std::uint64_t> train(CsvFile& file, Pipeline& pipeline) {
  CsvRow row;
  for (std::uint64_t rows = 0;; ++rows) {
    const auto more = file.next(row);
    if (!more) return more.error();
    if (!*more) return rows;
    pipeline.step(row, file.layout().time != TimeForm::none);
  }
}

Result<std::uint64_t> score(CsvFile& file, Pipeline& pipeline, bool per_series, Output& output) {
  const bool timed = file.layout().time != TimeForm::none;
  write_header(file.layout(), per_series, output);
  CsvRow row;
  for (std::uint64_t rows = 0;; ++rows) {
    if (auto written = output.end_row(); !written) return std::move(written).error();
    const auto more = file.next(row);
    if (!more) return more.error();
    if (!*more) return rows;
    pipeline.step(row, timed);
    if (timed) output.text(csv_cell(row.timestamp));
    pipeline.write(output, per_series);
  }
}

Status same_series(const CsvFile& train, const CsvFile& in) {
  const CsvLayout &a = train.layout(), &b = in.layout();
  if (a.series.size() != b.series.size())
    return make_error(ErrorCode::malformed, strf("%s: %zu series, but %zu in %s", train.path().c_str(), a.series.size(),
                                                 b.series.size(), in.path().c_str()));
  if (a.header && b.header && a.series != b.series)
    return make_error(ErrorCode::malformed, train.path() + ": its columns are not those of " + in.path());
  return ok();
}

}  // namespace

Result<ScoreSummary> score_file(const ScoreFile& file, const ScoreSettings& settings) {
  auto in = CsvFile::open(file.in);
  if (!in) return std::move(in).error();
  std::optional<CsvFile> before;
  if (!file.train.empty()) {
    auto opened = CsvFile::open(file.train);
    if (!opened) return std::move(opened).error();
    before = std::move(*opened);
    if (auto same = same_series(*before, *in); !same) return std::move(same).error();
  }
  // The first rows of all that is seen say how far apart rows are.
  auto pipeline = Pipeline::make(before ? before->layout() : in->layout(), settings);
  if (!pipeline) return std::move(pipeline).error();
  auto output = Output::open(file.out, std::vector<std::string>{file.in, file.train});
  if (!output) return std::move(output).error();

  ScoreSummary summary{
      .series = pipeline->series(), .interval = pipeline->interval(), .left_out = in->layout().left_out};
  if (before) {
    const auto trained = train(*before, *pipeline);
    if (!trained) return trained.error();
    summary.trained = *trained;
  }
  const auto rows = score(*in, *pipeline, settings.per_series, *output);
  if (!rows) return rows.error();
  summary.rows = *rows;
  if (auto finished = output->finish(); !finished) return std::move(finished).error();
  return summary;
}

std::vector<Result<ScoreSummary>> score_files(std::span<const ScoreFile> files, const ScoreSettings& settings,
                                              unsigned jobs) {
  std::vector<Result<ScoreSummary>> results(files.size(), ScoreSummary{});
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < files.size(); i = next++) results[i] = score_file(files[i], settings);
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < jobs && i < files.size(); ++i) others.emplace_back(work);
  work();
  others.clear();
  return results;
}

}  // namespace hostmedic
