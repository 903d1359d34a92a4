// SPDX-License-Identifier: Apache-2.0
#include "probes/log/template_miner.h"

#include <algorithm>

#include "probes/log/mask.h"

namespace hostmedic::log {
namespace {

// With this many templates of one length, new first tokens no longer open branches of their own (Drain's maxChild).
constexpr unsigned kMostBranches = 48;
constexpr std::string_view kAnyText = "<*>";
constexpr std::string_view kCutText = "...";

class TokenCursor {
 public:
  explicit TokenCursor(std::string_view text) : rest_(text) {}
  std::string_view next() {  // empty at the end
    const std::size_t begin = rest_.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    const std::size_t end = std::min(rest_.find_first_of(kBlanks, begin), rest_.size());
    const std::string_view token = rest_.substr(begin, end - begin);
    rest_.remove_prefix(end);
    return token;
  }

 private:
  static constexpr std::string_view kBlanks{" \t\r\n\v\f\0", 7};
  std::string_view rest_;
};

std::uint32_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325ULL;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  const auto folded = static_cast<std::uint32_t>(value ^ (value >> 32));
  return folded == 0 ? 1 : folded;
}

// Whether masking could change the token; most tokens are plain words.
bool is_plain(std::string_view token) {
  if (token.size() > kLongestToken) return false;
  for (const char c : token) {
    if ((c >= '0' && c <= '9') || c == '/' || c == ':') return false;
  }
  return true;
}

}  // namespace

TemplateMiner::Line TemplateMiner::read(std::string_view message) {
  Line line;
  TokenCursor cursor(message);
  for (std::string_view token = cursor.next(); !token.empty(); token = cursor.next()) {
    if (line.count == kMostTokens) {
      line.cut = true;
      break;
    }
    line.tokens[line.count++] = is_plain(token) ? hash(token) : hash(MaskedToken(token).text());
  }
  return line;
}

std::uint32_t TemplateMiner::path_of(const Line& line) const {
  std::uint32_t path = (line.count + 1u) * 0x9e3779b1u;
  const std::size_t depth = std::min<std::size_t>(line.count, 2);
  for (std::size_t i = 0; i < depth; ++i) path = (path ^ line.tokens[i]) * 0x85ebca6bu + (path >> 15);
  return path;
}

TemplateMiner::Index TemplateMiner::most_similar(const Line& line, std::uint32_t path) const {
  Index best = kNone;
  unsigned best_equal = 0;
  for (Index index = buckets_[path % kBuckets]; index != kNone; index = templates_[index].next) {
    const Template& known = templates_[index];
    if (known.path != path || known.count != line.count) continue;
    unsigned equal = 0, any = 0;
    for (std::size_t i = 0; i < line.count; ++i) {
      any += known.tokens[i] == kAny ? 1 : 0;
      equal += known.tokens[i] == line.tokens[i] ? 1 : 0;
    }
    // Half of the tokens; those that vary count half, so that a template that grew wide still takes its lines.
    if (2 * equal + any < line.count || (best != kNone && equal <= best_equal)) continue;
    best = index;
    best_equal = equal;
  }
  return best;
}

void TemplateMiner::widen(Template& known, const Line& line) {
  bool changed = false;
  for (std::size_t i = 0; i < line.count; ++i) {
    if (known.tokens[i] == kAny || known.tokens[i] == line.tokens[i]) continue;
    known.tokens[i] = kAny;
    changed = true;
  }
  if (!changed) return;
  std::string text;
  TokenCursor cursor(known.text);
  for (std::size_t i = 0; i < line.count; ++i) {
    const std::string_view token = cursor.next();
    if (i > 0) text += ' ';
    text += known.tokens[i] == kAny ? kAnyText : token;
  }
  if (const std::string_view rest = cursor.next(); !rest.empty()) (text += ' ') += rest;
  known.text = std::move(text);
}

void TemplateMiner::unlink(Index index) {
  const Template& gone = templates_[index];
  Index* link = &buckets_[gone.path % kBuckets];
  while (*link != index) link = &templates_[*link].next;
  *link = gone.next;
  --leaves_[gone.count];
}

TemplateMiner::Index TemplateMiner::found(const Line& line, std::uint32_t path, std::string_view message) {
  Index index = kNone;
  if (templates_.size() < kMostTemplates) {
    index = static_cast<Index>(templates_.size());
    templates_.emplace_back();
  } else {
    for (Index i = 0; i < templates_.size(); ++i) {
      if (!templates_[i].pinned && (index == kNone || templates_[i].last < templates_[index].last)) index = i;
    }
    if (index == kNone) return kNone;
    unlink(index);
    ++evicted_;
  }
  Template& made = templates_[index];
  made = {};
  made.tokens = line.tokens;
  made.count = line.count;
  made.path = path;
  made.next = buckets_[path % kBuckets];
  buckets_[path % kBuckets] = index;
  ++leaves_[line.count];
  TokenCursor cursor(message);
  for (std::size_t i = 0; i < line.count; ++i) {
    if (i > 0) made.text += ' ';
    made.text += MaskedToken(cursor.next()).text();
  }
  if (line.cut) (made.text += ' ') += kCutText;
  return index;
}

TemplateMiner::Match TemplateMiner::take(std::string_view message) {
  const Line line = read(message);
  ++clock_;
  std::uint32_t path = path_of(line);
  Index index = most_similar(line, path);
  bool is_new = false;
  if (index == kNone && leaves_[line.count] >= kMostBranches) {  // the branch that all further tokens share
    path = line.count;
    index = most_similar(line, path);
  }
  if (index == kNone) {
    index = found(line, path, message);
    if (index == kNone) return {kNone, false};
    is_new = true;
  } else {
    widen(templates_[index], line);
  }
  Template& taken = templates_[index];
  ++taken.lines;
  taken.last = clock_;
  return {index, is_new};
}

}  // namespace hostmedic::log
