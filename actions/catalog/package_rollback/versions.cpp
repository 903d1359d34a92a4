// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/package_rollback/versions.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

bool is_made_of(std::string_view text, std::string_view more) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos;
  });
}

}  // namespace

bool is_apt_package(std::string_view text) {
  return is_made_of(text, "+-.") && text.front() != '-' && text.front() != '.' && text.front() != '+';
}

bool is_apt_version(std::string_view text) {
  return is_made_of(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ.+-~:") && text.front() >= '0' && text.front() <= '9';
}

bool is_vital_package(std::string_view name) {
  constexpr std::string_view kVital[] = {
      "apt*",     "base-files", "bash",  "coreutils", "dash",     "dbus*",  "dnf*",        "dpkg*",      "grub*",
      "glibc*",   "hostmedic*", "init*", "kernel*",   "libapt*",  "libc-*", "libc6*",      "linux-*",    "login",
      "openssh*", "rpm*",       "shim*", "sudo*",     "systemd*", "udev*",  "libsystemd*", "util-linux*"};
  return std::any_of(std::begin(kVital), std::end(kVital),
                     [&](std::string_view glob) { return glob_match(glob, name); });
}

std::optional<Upgrade> upgrade_from(std::string_view text) {
  const auto words = split(text, ' ');
  for (std::size_t i = 0; i + 7 < words.size(); ++i) {
    if (words[i] != "package" || words[i + 2] != "was" || words[i + 3] != "upgraded" || words[i + 4] != "from" ||
        words[i + 6] != "to")
      continue;
    std::string_view to = words[i + 7];
    if (to.ends_with(',')) to.remove_suffix(1);
    if (is_apt_package(words[i + 1]) && is_apt_version(words[i + 5]) && is_apt_version(to))
      return Upgrade{std::string(words[i + 1]), std::string(words[i + 5]), std::string(to)};
  }
  return std::nullopt;
}

std::string why_held_back(std::string_view simulated, std::string_view package, std::string_view version) {
  bool found = false;
  for (const std::string_view line : split(simulated, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() < 2) continue;
    const std::string name(printable(words[1], 100));
    if (words[0] == "Remv" || words[0] == "Purg") return name + " would be removed";
    if (words[0] != "Inst") continue;
    if (words[1].substr(0, words[1].find(':')) != package) return name + " would be changed too";
    // "Inst hm-demo [2.0] (1.0 local [all])"
    if (line.find("(" + std::string(version) + " ") == std::string_view::npos)
      return "another version of " + name + " would be installed";
    found = true;
  }
  return found ? std::string() : "nothing would be changed";
}

}  // namespace hostmedic
