// SPDX-License-Identifier: Apache-2.0
#include "agent/config/value.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "actions/catalog/plan_check.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using Kind = Node::Kind;

Fault fault(const Node& node, std::string message) { return {node.at, std::move(message)}; }

Fault wrong_kind(const Node& node, std::string_view wanted) {
  return fault(node, "expected " + std::string(wanted) + ", found " + std::string(to_string(node.kind)));
}

// Numbers as a human writes them: "30", "0.9", without trailing zeros.
std::string plain(double value) {
  std::string text = strf("%.6f", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::optional<Fault> in_range(const Node& node, double value, const Limits& limits, const std::string& least,
                              const std::string& most) {
  if (value >= limits.least && value <= limits.most) return std::nullopt;
  return fault(node, "expected a value within " + least + " to " + most);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_clock(std::string_view text) {
  return text == "24:00" || (text.size() == 5 && is_digit(text[0]) && is_digit(text[1]) && text[2] == ':' &&
                             is_digit(text[3]) && is_digit(text[4]) && text.substr(0, 2) < "24" && text[3] < '6');
}

constexpr std::array<std::string_view, 7> kWeekdays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

bool is_name(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
  return !text.empty() && text.size() <= 64 && text.find_first_not_of(kLetters) == std::string_view::npos;
}

// A host in brackets may hold colons; nothing else may.
bool is_host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = text.substr(0, colon);
  const auto port = parse_u64(text.substr(colon + 1));
  if (host.empty() || !port || *port == 0 || *port > 65535) return false;
  if (host.front() == '[') return host.size() > 2 && host.find(']') == host.size() - 1;
  return host.find_first_of(":[]/ ") == std::string_view::npos;
}

bool is_url(std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  if (text.empty()) return true;
  if (!text.starts_with(kScheme)) return false;
  text.remove_prefix(kScheme.size());
  return is_host_and_port(text.substr(0, text.find('/')));
}

bool is_address(std::string_view text) {
  constexpr std::string_view kLiteral = "0123456789.:[]abcdefABCDEF";
  if (!is_host_and_port(text) || text.find_first_not_of(kLiteral) != std::string_view::npos) return false;
  return text.front() == '[' || text.find_first_not_of("0123456789.:") == std::string_view::npos;
}

std::string_view form_text(Form form) {
  switch (form) {
    case Form::any: return "a text";
    case Form::path: return "an absolute path such as \"/var/log\", without \"..\" and without a slash at the end";
    case Form::name: return "a name of lower-case letters, digits, '-', '_' and '.'";
    case Form::url: return "\"\" or an address such as \"https://aggregator.example:4318\"";
    case Form::address: return "an address and port such as \"127.0.0.1:4318\" or \"[::1]:4318\"";
    case Form::clock: return "a time of the day such as \"22:00\"";
    case Form::weekday: return "a day: mon, tue, wed, thu, fri, sat or sun";
  }
  return "?";
}

bool has_form(std::string_view text, Form form) {
  if (text.size() > kMostPath || printable(text, kMostPath) != text) return false;
  switch (form) {
    case Form::any: return true;
    case Form::path: return is_clean_path(text);
    case Form::name: return is_name(text);
    case Form::url: return is_url(text);
    case Form::address: return is_address(text);
    case Form::clock: return is_clock(text);
    case Form::weekday: return std::find(kWeekdays.begin(), kWeekdays.end(), text) != kWeekdays.end();
  }
  return false;
}

// Words of an enumeration.
template <class Enum>
struct Words;
template <>
struct Words<Tier> {
  static constexpr std::array kAll = {Tier::observe, Tier::suggest, Tier::approve, Tier::automatic};
  static std::string_view text(Tier value) { return to_string(value); }
};
template <>
struct Words<Severity> {
  static constexpr std::array kAll = {Severity::info, Severity::warning, Severity::error, Severity::critical};
  static std::string_view text(Severity value) { return to_string(value); }
};
template <>
struct Words<OnFailure> {
  static constexpr std::array kAll = {OnFailure::next, OnFailure::stop, OnFailure::escalate};
  static std::string_view text(OnFailure value) { return to_string(value); }
};
template <>
struct Words<Check::Subject> {
  static constexpr std::array kAll = {
      Check::Subject::unit_active, Check::Subject::series_below,   Check::Subject::series_above,
      Check::Subject::series_fell, Check::Subject::incident_quiet, Check::Subject::condition,
      Check::Subject::none};
  static std::string_view text(Check::Subject value) { return to_string(value); }
};
template <>
struct Words<Choice> {
  static constexpr std::array kAll = {Choice::order, Choice::success};
  static std::string_view text(Choice value) { return to_string(value); }
};
template <>
struct Words<detect::ModelMode> {
  static constexpr std::array kAll = {detect::ModelMode::off, detect::ModelMode::shadow, detect::ModelMode::trial,
                                      detect::ModelMode::serving};
  static std::string_view text(detect::ModelMode value) { return to_string(value); }
};
template <>
struct Words<LogLevel> {
  static constexpr std::array kAll = {LogLevel::error, LogLevel::warning, LogLevel::notice, LogLevel::info,
                                      LogLevel::debug};
  static std::string_view text(LogLevel value) {
    switch (value) {
      case LogLevel::error: return "error";
      case LogLevel::warning: return "warning";
      case LogLevel::notice: return "notice";
      case LogLevel::info: return "info";
      case LogLevel::debug: return "debug";
    }
    return "?";
  }
};

template <class Enum>
std::vector<std::string_view> words() {
  std::vector<std::string_view> all;
  for (const Enum value : Words<Enum>::kAll) all.push_back(Words<Enum>::text(value));
  return all;
}

template <class Enum>
std::string words_text() {
  std::string text = "one of ";
  for (const std::string_view word : words<Enum>()) {
    if (text.size() > 7) text += ", ";
    text += word;
  }
  return text;
}

template <class Enum>
std::optional<Fault> read_word(const Node& node, Enum& ret_value) {
  if (node.kind != Kind::text) return wrong_kind(node, words_text<Enum>());
  for (const Enum value : Words<Enum>::kAll)
    if (Words<Enum>::text(value) == node.text) return ret_value = value, std::nullopt;
  const std::string_view close = nearest(node.text, words<Enum>());
  return fault(node, "expected " + words_text<Enum>() + ", found \"" + printable(node.text, 40) + "\"" +
                         (close.empty() ? std::string() : ", did you mean \"" + std::string(close) + "\"?"));
}

template <class Enum>
std::string show_word(Enum value) {
  return "\"" + std::string(Words<Enum>::text(value)) + "\"";
}

std::string show_seconds(double seconds) { return show_value(Duration(std::llround(seconds * 1e9))); }
std::string show_size(double bytes) { return show_value(Bytes{static_cast<std::uint64_t>(bytes)}); }

}  // namespace

std::optional<Fault> read_value(const Node& node, const Limits&, bool& ret_value) {
  if (node.kind != Kind::boolean) return wrong_kind(node, "true or false");
  ret_value = node.boolean;
  return std::nullopt;
}

std::optional<Fault> read_value(const Node& node, const Limits& limits, int& ret_value) {
  if (node.kind != Kind::integer) return wrong_kind(node, "a whole number");
  const double most = std::min(limits.most, 2e9);
  if (auto out =
          in_range(node, static_cast<double>(node.integer), {limits.least, most}, plain(limits.least), plain(most)))
    return out;
  ret_value = static_cast<int>(node.integer);
  return std::nullopt;
}

std::optional<Fault> read_value(const Node& node, const Limits& limits, std::uint64_t& ret_value) {
  if (node.kind != Kind::integer) return wrong_kind(node, "a whole number");
  if (auto out = in_range(node, static_cast<double>(node.integer), limits, plain(limits.least), plain(limits.most)))
    return out;
  ret_value = static_cast<std::uint64_t>(node.integer);
  return std::nullopt;
}

std::optional<Fault> read_value(const Node& node, const Limits& limits, double& ret_value) {
  if (node.kind != Kind::number && node.kind != Kind::integer) return wrong_kind(node, "a number");
  const double value = node.kind == Kind::number ? node.number : static_cast<double>(node.integer);
  if (auto out = in_range(node, value, limits, plain(limits.least), plain(limits.most))) return out;
  ret_value = value;
  return std::nullopt;
}

std::optional<Fault> read_value(const Node& node, const Limits& limits, std::string& ret_value) {
  if (node.kind != Kind::text) return wrong_kind(node, form_text(limits.form));
  if (!has_form(node.text, limits.form))
    return fault(node,
                 "expected " + std::string(form_text(limits.form)) + ", found \"" + printable(node.text, 60) + "\"");
  ret_value = node.text;
  return std::nullopt;
}

std::optional<Fault> read_value(const Node& node, const Limits& limits, std::vector<std::string>& ret_value) {
  if (node.kind != Kind::list) return wrong_kind(node, "a list of texts");
  if (node.items.size() > limits.most_items)
    return fault(node, strf("expected at most %zu entries", limits.most_items));
  std::vector<std::string> values;
  for (const Node& item : node.items) {
    values.emplace_back();
    if (auto wrong = read_value(item, limits, values.back())) return wrong;
  }
  ret_value = std::move(values);
  return std::nullopt;
}

std::optional<Fault> read_value(const Node& node, const Limits& limits, Duration& ret_value) {
  if (node.kind == Kind::integer)
    return fault(node,
                 strf("expected a duration with its unit, such as \"%llds\"", static_cast<long long>(node.integer)));
  if (node.kind != Kind::text) return wrong_kind(node, "a duration such as \"30s\"");
  const auto value = parse_duration(node.text);
  if (!value)
    return fault(
        node, "expected a duration such as \"30s\", \"5m\" or \"1h30m\", found \"" + printable(node.text, 40) + "\"");
  if (auto out = in_range(node, to_seconds(*value), limits, show_seconds(limits.least), show_seconds(limits.most)))
    return out;
  ret_value = *value;
  return std::nullopt;
}

std::optional<Fault> read_value(const Node& node, const Limits& limits, Bytes& ret_value) {
  if (node.kind == Kind::integer)
    return fault(node,
                 strf("expected a size with its unit, such as \"%lldMiB\"", static_cast<long long>(node.integer)));
  if (node.kind != Kind::text) return wrong_kind(node, "a size such as \"64MiB\"");
  const auto value = parse_bytes(node.text);
  if (!value) return fault(node, "expected a size such as \"64MiB\", found \"" + printable(node.text, 40) + "\"");
  if (auto out =
          in_range(node, static_cast<double>(value->count), limits, show_size(limits.least), show_size(limits.most)))
    return out;
  ret_value = *value;
  return std::nullopt;
}

std::optional<Fault> read_value(const Node& node, const Limits&, Tier& ret_value) { return read_word(node, ret_value); }
std::optional<Fault> read_value(const Node& node, const Limits&, Severity& ret_value) {
  return read_word(node, ret_value);
}
std::optional<Fault> read_value(const Node& node, const Limits&, LogLevel& ret_value) {
  return read_word(node, ret_value);
}
std::optional<Fault> read_value(const Node& node, const Limits&, detect::ModelMode& ret_value) {
  return read_word(node, ret_value);
}
std::optional<Fault> read_value(const Node& node, const Limits&, OnFailure& ret_value) {
  return read_word(node, ret_value);
}
std::optional<Fault> read_value(const Node& node, const Limits&, Check::Subject& ret_value) {
  return read_word(node, ret_value);
}
std::optional<Fault> read_value(const Node& node, const Limits&, Choice& ret_value) {
  return read_word(node, ret_value);
}

std::string show_value(bool value) { return value ? "true" : "false"; }
std::string show_value(int value) { return strf("%d", value); }
std::string show_value(std::uint64_t value) { return strf("%llu", static_cast<unsigned long long>(value)); }
std::string show_value(double value) {
  const std::string text = plain(value);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}
std::string show_value(const std::string& value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}
std::string show_value(const std::vector<std::string>& value) {
  std::string text = "[";
  for (const std::string& item : value) text += (text.size() > 1 ? ", " : "") + show_value(item);
  return text + "]";
}
std::string show_value(Duration value) {
  struct Scale {
    std::int64_t ns;
    const char* unit;
  };
  constexpr Scale kScales[] = {{86400'000'000'000, "d"}, {3600'000'000'000, "h"}, {60'000'000'000, "m"},
                               {1'000'000'000, "s"},     {1'000'000, "ms"},       {1'000, "us"}};
  for (const Scale& scale : kScales)
    if (value.count() != 0 && value.count() % scale.ns == 0)
      return strf("\"%lld%s\"", static_cast<long long>(value.count() / scale.ns), scale.unit);
  return value.count() == 0 ? "\"0s\"" : strf("\"%lldns\"", static_cast<long long>(value.count()));
}
std::string show_value(Bytes value) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  std::uint64_t count = value.count;
  while (count != 0 && count % 1024 == 0 && unit + 1 < std::size(kUnits)) count /= 1024, ++unit;
  return strf("\"%llu%s\"", static_cast<unsigned long long>(count), kUnits[unit]);
}
std::string show_value(Tier value) { return show_word(value); }
std::string show_value(Severity value) { return show_word(value); }
std::string show_value(LogLevel value) { return show_word(value); }
std::string show_value(OnFailure value) { return show_word(value); }
std::string show_value(Check::Subject value) { return show_word(value); }
std::string show_value(Choice value) { return show_word(value); }

std::string type_text(const bool*, const Limits&) { return "true or false"; }
std::string type_text(const int*, const Limits& limits) {
  return "whole number, " + plain(limits.least) + " to " + plain(limits.most);
}
std::string type_text(const std::uint64_t*, const Limits& limits) {
  return type_text(static_cast<const int*>(nullptr), limits);
}
std::string type_text(const double*, const Limits& limits) {
  return "number, " + plain(limits.least) + " to " + plain(limits.most);
}
std::string type_text(const std::string*, const Limits& limits) {
  switch (limits.form) {
    case Form::any: return "text";
    case Form::path: return "absolute path";
    case Form::name: return "name";
    case Form::url: return "https address, or empty";
    case Form::address: return "address and port";
    case Form::clock: return "time of the day";
    case Form::weekday: return "day of the week";
  }
  return "?";
}
std::string type_text(const std::vector<std::string>*, const Limits& limits) {
  return "list: " + type_text(static_cast<const std::string*>(nullptr), limits);
}
std::string type_text(const Duration*, const Limits& limits) {
  return "duration, " + show_seconds(limits.least) + " to " + show_seconds(limits.most);
}
std::string type_text(const Bytes*, const Limits& limits) {
  return "size, " + show_size(limits.least) + " to " + show_size(limits.most);
}
std::string type_text(const Tier*, const Limits&) { return words_text<Tier>(); }
std::string type_text(const Severity*, const Limits&) { return words_text<Severity>(); }
std::string type_text(const LogLevel*, const Limits&) { return words_text<LogLevel>(); }
std::string type_text(const OnFailure*, const Limits&) { return words_text<OnFailure>(); }
std::string type_text(const Check::Subject*, const Limits&) { return words_text<Check::Subject>(); }
std::string type_text(const Choice*, const Limits&) { return words_text<Choice>(); }

std::string unknown_text(std::string_view what, std::string_view name, const std::vector<std::string_view>& known) {
  std::string text = "unknown " + std::string(what) + " '" + printable(name, 60) + "'";
  // A very long word is near to nothing, and the distance costs its length.
  const std::string_view close = name.size() > 64 ? std::string_view() : nearest(name, known);
  if (!close.empty()) text += ", did you mean '" + std::string(close) + "'?";
  return text;
}

int clock_minutes(std::string_view text) {
  const auto hours = parse_u64(text.substr(0, 2)), minutes = parse_u64(text.substr(3));
  return static_cast<int>(hours.value_or(0) * 60 + minutes.value_or(0));
}

}  // namespace hostmedic
