// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/script_run/effect_script.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "actions/catalog/effect_child.h"
#include "actions/catalog/effect_root_file.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/script_run/script_args.h"
#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::string_view kMark = "# hostmedic:";
constexpr std::size_t kHeaderLines = 20, kMostPaths = 8;
constexpr std::size_t kHeaderBytes = 8 << 10, kMostOutput = 4 << 10;

bool is_user(std::string_view name) {
  return !name.empty() && name.size() <= 32 && name.front() != '-' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// Where a script could make itself another guard.
bool is_ours(std::string_view path) {
  constexpr std::string_view kOurs[] = {"/etc/hostmedic", "/usr/lib/hostmedic", "/usr/share/hostmedic",
                                        "/var/lib/hostmedic-actuator", "/run/hostmedic-effects"};
  return std::any_of(std::begin(kOurs), std::end(kOurs), [&](std::string_view ours) {
    return path == ours || is_below(path, ours) || is_below(ours, path);
  });
}

bool take_paths(std::string_view value, ScriptHeader& header) {
  for (const std::string_view path : split(value, ',')) {
    if (!is_clean_path(path) || path == "/" || is_ours(path) || header.paths.size() == kMostPaths) return false;
    header.paths.emplace_back(path);
  }
  return true;
}

// False: the value is none of this key.
bool take(std::string_view key, std::string_view value, ScriptHeader& header) {
  if (key == "network") {
    header.network = value == "yes";
    return value == "yes" || value == "no";
  }
  if (key == "paths") return take_paths(value, header);
  if (key == "user") {
    header.user = value;
    return is_user(value);
  }
  if (key == "timeout") {
    const auto length = parse_duration(value);
    header.timeout = length ? *length : Duration{};
    return header.timeout > Duration{};
  }
  if (key != "check") return false;
  header.check = value;
  return is_script_name(value);
}

// On one line, as a detail is.
std::string one_line(const ProgramEnd& end) {
  std::string text(trim(end.output));
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 3) text.replace(at, 1, " | ");
  return text + (end.cut ? " ..." : "");
}

Result<ProgramEnd> run(const Script& script, const std::string& name, const std::vector<std::string>& arguments,
                       Duration most) {
  Program program{.argv = {name}, .executable = script.file.get(), .most_output = kMostOutput};
  program.argv.insert(program.argv.end(), arguments.begin(), arguments.end());
  return capture_program(program, script.header.timeout > Duration{} ? std::min(script.header.timeout, most) : most);
}

int failed(const std::string& text) {
  print_detail("text", text);
  return kEffectFailed;
}

// The exit status for hostmedic-effect if nothing more is to be done.
std::optional<int> ask_check(const std::string& directory, const std::string& name,
                             const std::vector<std::string>& arguments, Duration most) {
  const auto check = open_script(directory, name);
  if (!check) return failed("its check: " + check.error().message());
  const auto end = run(*check, name, arguments, most);
  if (!end) return failed("its check: " + end.error().message());
  print_detail("check_status", strf("%d", end->status));
  if (!end->output.empty()) print_detail("check_output", one_line(*end));
  if (end->status == 0) return std::nullopt;
  if (end->status != kEffectUnnecessary) return failed(strf("its check %s ended with %d", name.c_str(), end->status));
  print_detail("text", "its check " + name + " says that nothing is to be done");
  return kEffectUnnecessary;
}

}  // namespace

Result<ScriptHeader> parse_script_header(std::string_view text) {
  ScriptHeader header;
  bool seen = false;
  TextCursor cursor(text);
  for (std::size_t line = 1; line <= kHeaderLines && !cursor.at_end(); ++line) {
    std::string_view rest = cursor.line();
    if (!rest.starts_with(kMark)) continue;
    const std::string where = strf("line %zu: ", line);
    if (seen) return make_error(ErrorCode::malformed, where + "a second header");
    seen = true;
    rest.remove_prefix(kMark.size());
    for (const std::string_view word : split(trim(rest), ' ')) {
      if (word.empty()) continue;
      const std::size_t equals = word.find('=');
      const std::string_view key = word.substr(0, equals);
      if (equals == std::string_view::npos || !take(key, word.substr(equals + 1), header))
        return make_error(ErrorCode::malformed, where + "'" + printable(word, 80) + "' is not understood");
    }
  }
  return header;
}

Result<Script> open_script(const std::string& directory, const std::string& name) {
  auto file = open_root_file(directory, name);
  if (!file) return file.error();
  struct stat seen{};
  if (::fstat(file->get(), &seen) != 0) return errno_error(errno, name);
  if ((seen.st_mode & S_IXUSR) == 0) return make_error(ErrorCode::denied, name + " is not executable");
  std::string begin(kHeaderBytes, '\0');
  const ssize_t n = ::pread(file->get(), begin.data(), begin.size(), 0);
  if (n < 0) return errno_error(errno, name);
  begin.resize(static_cast<std::size_t>(n));
  auto header = parse_script_header(begin);
  if (!header) return std::move(header.error()).in(name);
  return Script{std::move(*file), std::move(*header)};
}

Openings openings_of(const ScriptHeader& header) {
  return {.read_write_paths = header.paths, .network = header.network, .confined = true, .user = header.user};
}

int run_script(const std::string& directory, const std::string& name, const std::vector<std::string>& arguments,
               Duration most) {
  const MonoTime begin = mono_now();
  const auto script = open_script(directory, name);
  if (!script) return failed(script.error().message());
  if (!script->header.check.empty())
    if (const auto end = ask_check(directory, script->header.check, arguments, most)) return *end;
  const auto end = run(*script, name, arguments, most - (mono_now() - begin));
  if (!end) return failed(name + ": " + end.error().message());
  print_detail("status", strf("%d", end->status));
  if (!end->output.empty()) print_detail("output", one_line(*end));
  print_detail("took_ms", strf("%lld", static_cast<long long>((mono_now() - begin) / std::chrono::milliseconds(1))));
  print_detail("text", strf("%s ended with %d", name.c_str(), end->status));
  if (end->status == 0) return kEffectDone;
  return end->status == kEffectUnnecessary ? kEffectUnnecessary : kEffectFailed;
}

}  // namespace hostmedic
