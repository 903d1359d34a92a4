// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/logrotate.h"

#include <fnmatch.h>

#include <algorithm>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::ptrdiff_t kMostStars = 8;
constexpr std::size_t kLongestPath = 4096;

Error malformed(unsigned line, std::string_view what) {
  return make_error(ErrorCode::malformed, strf("line %u: %.*s", line, static_cast<int>(what.size()), what.data()));
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Result<LogrotateConfig> read() {
    while (!rest_.empty()) {
      auto status = line();
      if (!status) return std::move(status).error();
    }
    if (in_script_) return malformed(block_line_, "script without endscript");
    if (in_block_) return malformed(block_line_, "block without an end");
    if (!names_.empty()) return malformed(number_, "names without a block");
    return std::move(config_);
  }

 private:
  Status line() {
    ++number_;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    const std::string_view text = trim(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (in_script_) {
      if (text == "endscript") in_script_ = false;
      return ok();
    }
    return in_block_ ? block_line(text) : outer_line(text);
  }

  Status block_line(std::string_view text) {
    if (text.empty() || text[0] == '#') return ok();
    if (text[0] == '}') {
      in_block_ = false;
      return outer_line(trim(text.substr(1)));
    }
    constexpr std::string_view kScripts[] = {"prerotate", "postrotate", "firstaction", "lastaction", "preremove"};
    const std::string_view word = text.substr(0, text.find_first_of(" \t"));
    in_script_ = std::find(std::begin(kScripts), std::end(kScripts), word) != std::end(kScripts);
    return ok();
  }

  Status outer_line(std::string_view text) {
    if (text.empty() || text[0] == '#') return ok();
    if (text[0] == '}') return malformed(number_, "end without a block");
    const bool names = text[0] == '/' || text[0] == '"' || text[0] == '\'' || text[0] == '~' || text[0] == '{';
    if (names) return names_line(text);
    if (!names_.empty()) return malformed(number_, "names without a block");
    TextCursor words(text);
    if (words.word() != "include") return ok();  // a default for all blocks
    if (config_.includes.size() == kMostLogrotateIncludes) return make_error(ErrorCode::limit, "too many includes");
    config_.includes.emplace_back(trim(words.rest()));
    return ok();
  }

  // Names up to '{', possibly over several lines.
  Status names_line(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
      if (is_blank(text[at])) {
        ++at;
      } else if (text[at] == '#') {
        return ok();
      } else if (text[at] == '{') {
        return begin_block(trim(text.substr(at + 1)));
      } else {
        auto name = take_name(text, at);
        if (!name) return std::move(name).error();
        if (names_.size() + config_.patterns.size() >= kMostLogrotatePatterns) {
          return make_error(ErrorCode::limit, "too many patterns");
        }
        names_.push_back(std::move(*name));
      }
    }
    return ok();
  }

  Result<std::string> take_name(std::string_view text, std::size_t& at) const {
    std::string name;
    char quote = 0;
    for (; at < text.size(); ++at) {
      const char c = text[at];
      if (c == '\\' && at + 1 < text.size() && quote != '\'') {
        name += text[++at];
      } else if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else {
          name += c;
        }
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (is_blank(c) || c == '{') {
        break;
      } else {
        name += c;
      }
    }
    if (quote != 0) return malformed(number_, "quote without an end");
    return name;
  }

  Status begin_block(std::string_view rest) {
    for (std::string& name : names_) {
      // A name that is not absolute covers nothing that we could compare it with.
      if (name.starts_with('/') && name.size() <= kLongestPath) config_.patterns.push_back(std::move(name));
    }
    names_.clear();
    in_block_ = true;
    block_line_ = number_;
    return block_line(rest);
  }

  std::string_view rest_;
  unsigned number_ = 0, block_line_ = 0;
  bool in_block_ = false, in_script_ = false;
  std::vector<std::string> names_;  // read, their block not begun
  LogrotateConfig config_;
};

}  // namespace

Result<LogrotateConfig> parse_logrotate(std::string_view text) { return Reader(text).read(); }

bool logrotate_reads(std::string_view file_name) {
  // The endings of logrotate's manual, "tabooext".
  constexpr std::string_view kLeftBehind[] = {
      ",v",        ".bak",      ".cfsaved",  ".disabled",     ".dpkg-bak", ".dpkg-del", ".dpkg-dist",
      ".dpkg-new", ".dpkg-old", ".dpkg-tmp", ".rhn-cfg-tmp-", ".rpmnew",   ".rpmorig",  ".rpmsave",
      ".swp",      ".ucf-dist", ".ucf-new",  ".ucf-old",      "~"};
  if (file_name.empty() || file_name[0] == '.') return false;
  return std::none_of(std::begin(kLeftBehind), std::end(kLeftBehind),
                      [&](std::string_view ending) { return file_name.ends_with(ending); });
}

bool logrotate_covers(std::string_view pattern, std::string_view path) {
  if (pattern.size() > kLongestPath || path.size() > kLongestPath) return false;
  if (std::count(pattern.begin(), pattern.end(), '*') > kMostStars) return false;
  const std::string text(pattern), name(path);
  return ::fnmatch(text.c_str(), name.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
}

}  // namespace hostmedic
