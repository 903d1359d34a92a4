// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/plan_check.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic {

bool is_clean_path(std::string_view path) {
  if (path.empty() || path.front() != '/' || path.size() > kMostPath) return false;
  if (path == "/") return true;
  if (printable(path, kMostPath) != path) return false;
  const auto parts = split(path.substr(1), '/');
  return std::none_of(parts.begin(), parts.end(),
                      [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
}

bool is_below(std::string_view path, std::string_view root) {
  if (root == "/") return path.size() > 1;
  return path.size() > root.size() + 1 && path.starts_with(root) && path[root.size()] == '/';
}

bool is_journal_path(std::string_view path) {
  return is_below(path, "/var/log/journal") || is_below(path, "/run/log/journal");
}

bool is_system_path(std::string_view path) {
  constexpr std::string_view kSystem[] = {"/bin",   "/boot", "/dev",  "/etc",  "/lib", "/lib32",
                                          "/lib64", "/proc", "/root", "/sbin", "/sys", "/usr"};
  return std::any_of(std::begin(kSystem), std::end(kSystem),
                     [&](std::string_view system) { return path == system || is_below(path, system); });
}

std::string mount_of(std::string_view path, const HostView& host) {
  std::string longest;
  host.each_entity([&](const Entity& entity) {
    if (entity.kind == EntityKind::filesystem && entity.name.size() > longest.size() &&
        (path == entity.name || is_below(path, entity.name)))
      longest = entity.name;
  });
  return longest;
}

bool is_service_unit(std::string_view name) {
  constexpr std::string_view kSuffix = ".service";
  if (name.size() <= kSuffix.size() || name.size() > 255 || !name.ends_with(kSuffix)) return false;
  if (name.front() == '.' || name.front() == '-' || name.front() == '@') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":-_.\\@").find(c) != std::string_view::npos;
  });
}

std::string shell_quote(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%,=";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

namespace {
Status malformed(std::string context) { return make_error(ErrorCode::malformed, std::move(context)); }
}  // namespace

Status check_common(const Plan& plan, const ActionInfo& info, std::span<const std::string_view> known_parameters) {
  constexpr std::size_t kMostText = 4096;
  constexpr std::size_t kMostValue = 1024;
  if (plan.action != info.name) return malformed("the plan is for '" + printable(plan.action, 40) + "'");
  if (!has(info.targets, plan.target.kind))
    return malformed("the target is a " + std::string(to_string(plan.target.kind)) + ", not a " +
                     to_string(info.targets));
  if (plan.target.name.size() > kMostEntityName) return malformed("the target's name is too long");
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    const Attribute& parameter = plan.parameters[i];
    if (std::find(known_parameters.begin(), known_parameters.end(), parameter.key) == known_parameters.end())
      return malformed("unknown parameter '" + printable(parameter.key, 40) + "'");
    for (std::size_t j = 0; j < i; ++j)
      if (plan.parameters[j].key == parameter.key) return malformed("parameter '" + parameter.key + "' is given twice");
    if (printable(parameter.value, kMostValue) != parameter.value)
      return malformed("parameter '" + parameter.key + "' is too long or not printable");
  }
  for (const std::string& text : {plan.what, plan.command, plan.undo})
    if (printable(text, kMostText) != text) return malformed("a text of the plan is too long or not printable");
  if (plan.timeout <= Duration{} || plan.timeout > std::chrono::minutes(15))
    return malformed("the time limit is not within 15m");
  if (plan.lasts < Duration{} || plan.lasts > std::chrono::hours(24 * 31))
    return malformed("it lasts longer than 31 days");
  if (plan.touched < 1 || plan.touched > 10'000) return malformed("the blast radius is out of range");
  return ok();
}

}  // namespace hostmedic
