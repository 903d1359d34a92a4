// SPDX-License-Identifier: Apache-2.0
// `hostmedic score`: files of measurements through the statistical half of detection, as it is shipped.
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/config/agent_config.h"
#include "agent/ctl/verbs.h"
#include "agent/score/run.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

bool is_directory(const std::string& path) {
  struct stat there{};
  return ::stat(path.c_str(), &there) == 0 && S_ISDIR(there.st_mode);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// "dir/machine-1-2.txt.gz" gives "machine-1-2.csv".
std::string output_name(const std::string& input) {
  std::string name = base_name(input);
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  const auto dot = name.rfind('.');
  if (dot != std::string::npos && dot > 0) name.resize(dot);
  return name + ".csv";
}

// Which file is read for which; or what is wrong with the wish.
std::optional<Failure> plan(const ScoreWish& wish, std::vector<ScoreFile>& ret_files) {
  const bool into_directory = is_directory(wish.out);
  if (!into_directory && wish.in.size() > 1)
    return Failure{Exit::usage, wish.out + " is not a directory", "several inputs need --out DIRECTORY"};
  if (!wish.train.empty() && wish.in.size() > 1)
    return Failure{Exit::usage, "--train is for one input", "--train-dir DIRECTORY, with files of the same names"};
  std::set<std::string> outputs;
  for (const std::string& in : wish.in) {
    ScoreFile file{in, wish.train, into_directory ? wish.out + "/" + output_name(in) : wish.out};
    if (!wish.train_dir.empty()) file.train = wish.train_dir + "/" + base_name(in);
    if (!outputs.insert(file.out).second)
      return Failure{Exit::usage, "two inputs would be written to " + file.out, "score them into two directories"};
    ret_files.push_back(std::move(file));
  }
  return std::nullopt;
}

std::optional<Failure> read_settings(const ScoreWish& wish, ScoreSettings& ret_settings) {
  ret_settings.per_series = wish.per_series;
  ret_settings.scorer = detect::default_engine_config().scoring;
  if (!wish.interval.empty()) {
    const auto interval = parse_duration(wish.interval);
    if (!interval || *interval <= Duration{})
      return Failure{Exit::usage, "'" + printable(wish.interval, 40) + "' is not a duration", "for example: 60s"};
    ret_settings.interval = *interval;
  }
  if (wish.config.empty()) return std::nullopt;
  const auto loaded = load_agent_config({.file = wish.config, .drop_ins = ""});
  for (const Diagnostic& one : loaded.diagnostics)
    if (one.error) return Failure{Exit::config, to_string(one), "hostmedic check " + wish.config};
  ret_settings.scorer = loaded.config.engine.scoring;
  return std::nullopt;
}

std::string text_of(const ScoreFile& file, const ScoreSummary& summary) {
  std::string text =
      strf("%s: %llu rows of %zu series, one each %s", file.out.c_str(), static_cast<unsigned long long>(summary.rows),
           summary.series, format_duration(summary.interval).c_str());
  if (!file.train.empty())
    text += strf(", after %llu rows to learn from", static_cast<unsigned long long>(summary.trained));
  if (!summary.left_out.empty()) text += "; left out: " + join(summary.left_out, ", ");
  return text;
}

json::object json_of(const ScoreFile& file, const ScoreSummary& summary) {
  json::array left_out;
  for (const std::string& name : summary.left_out) left_out.push_back(json::string(name));
  return {{"in", printable(file.in, 4096)}, {"out", printable(file.out, 4096)},
          {"rows", summary.rows},           {"trained", summary.trained},
          {"series", summary.series},       {"interval_seconds", to_seconds(summary.interval)},
          {"left_out", std::move(left_out)}};
}

}  // namespace

Exit score(Context& context, const ScoreWish& wish) {
  std::vector<ScoreFile> files;
  ScoreSettings settings;
  auto wrong = plan(wish, files);
  if (!wrong) wrong = read_settings(wish, settings);
  if (wrong) return fail(context, *wrong);

  const auto results = score_files(files, settings, wish.jobs);
  json::array rows;
  bool good = true;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!results[i]) {
      context.err << printable(results[i].error().message(), 4096) << '\n';
      good = false;
    } else if (context.json) {
      rows.push_back(json_of(files[i], *results[i]));
    } else {
      say(context, printable(text_of(files[i], *results[i]), 4096));
    }
  }
  if (context.json) write_json(context, rows);
  return good ? Exit::fine : Exit::negative;
}

}  // namespace hostmedic
