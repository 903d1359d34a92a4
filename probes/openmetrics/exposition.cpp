// SPDX-License-Identifier: Apache-2.0
#include "probes/openmetrics/exposition.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostLabels = 16;

bool name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; }
bool name_part(char c) { return name_start(c) || (c >= '0' && c <= '9'); }

std::string_view take_name(std::string_view& text) {
  if (text.empty() || !name_start(text.front())) return {};
  std::size_t end = 1;
  while (end < text.size() && name_part(text[end])) ++end;
  return std::exchange(text, text.substr(end)).substr(0, end);
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// Where the brace closes: one inside a quoted value does not count. npos if it never does.
std::size_t closing_brace(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '}' && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

bool parse_value(std::string_view text, double& ret_value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ret_value);
  return error == std::errc() && end == text.data() + text.size();
}

// One quoted value; text begins after the opening quote and is left after the closing one.
bool take_quoted(std::string_view& text, std::string& ret_value) {
  while (!text.empty()) {
    char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return true;
    if (c == '\\') {
      if (text.empty()) return false;
      c = text.front() == 'n' ? ' ' : text.front();
      text.remove_prefix(1);
    }
    ret_value += c == ',' ? ';' : c == '=' ? ':' : c;
  }
  return false;
}

}  // namespace

bool ExpositionReader::take_type(std::string_view line) {
  constexpr std::string_view kType = "# TYPE ";
  if (!line.starts_with(kType)) return false;
  line.remove_prefix(kType.size());
  const std::string_view name = take_name(line);
  skip_blanks(line);
  family_ = line == "counter" ? name : std::string_view();
  return true;
}

bool ExpositionReader::parse(std::string_view line, ExposedSample& ret_sample) const {
  ret_sample = {};
  ret_sample.name = take_name(line);
  if (ret_sample.name.empty()) return false;
  if (line.starts_with('{')) {
    line.remove_prefix(1);
    const std::size_t end = closing_brace(line);
    if (end == std::string_view::npos) return false;
    ret_sample.labels = line.substr(0, end);
    line.remove_prefix(end + 1);
  }
  skip_blanks(line);
  // What follows the value is a time or an exemplar.
  if (!parse_value(line.substr(0, std::min(line.find_first_of(" \t"), line.size())), ret_sample.value)) return false;
  // OpenMetrics declares "x" and samples "x_total"; the older format declares "x_total".
  const bool same = ret_sample.name == family_;
  const bool total = ret_sample.name.size() == family_.size() + 6 && ret_sample.name.starts_with(family_) &&
                     ret_sample.name.ends_with("_total");
  ret_sample.counter = !family_.empty() && (same || total);
  return true;
}

bool ExpositionReader::next(ExposedSample& ret_sample) {
  while (!rest_.empty()) {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    skip_blanks(line);
    if (line.empty() || take_type(line) || line.starts_with('#')) continue;
    if (parse(line, ret_sample)) return true;
    ++malformed_;
  }
  return false;
}

Result<std::string> labels_to_attributes(std::string_view labels) {
  std::vector<std::pair<std::string_view, std::string>> pairs;
  for (;;) {
    skip_blanks(labels);
    if (labels.empty()) break;
    const std::string_view key = take_name(labels);
    if (key.empty() || !labels.starts_with("=\"") || pairs.size() == kMostLabels)
      return make_error(ErrorCode::malformed, "labels");
    labels.remove_prefix(2);
    std::string value;
    if (!take_quoted(labels, value)) return make_error(ErrorCode::malformed, "labels: no closing quote");
    pairs.emplace_back(key, printable(value, 128));
    skip_blanks(labels);
    if (labels.empty()) break;
    if (!labels.starts_with(',')) return make_error(ErrorCode::malformed, "labels: expected a comma");
    labels.remove_prefix(1);
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const auto& [key, value] : pairs) {
    if (!out.empty()) out += ',';
    out += key;
    out += '=';
    out += value;
  }
  return out;
}

}  // namespace hostmedic
