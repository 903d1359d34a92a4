// SPDX-License-Identifier: Apache-2.0
#include "probes/change/file_rules.h"

#include <sys/stat.h>

#include <algorithm>

#include "agent/base/text.h"
#include "probes/parse/unit_name.h"

namespace hostmedic::change {
namespace {

// The order is that of systemd: what stands first hides the same name below.
constexpr std::string_view kUnitDirectories[] = {"/etc/systemd/system", "/run/systemd/system",
                                                 "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"};

constexpr std::string_view kNoise[] = {
    "*~",        "*.sw?",      ".#*",        "#*#",         "4913",       "*.tmp",   "*.lock",
    "*+",        "*.dpkg-new", "*.dpkg-tmp", "*.dpkg-dist", "*.dpkg-old", "*.ucf-*", "*.rpmnew",
    "*.rpmsave", "*.rpmorig",  "*.bak",      "*.orig",      "*.rej",
};

// In lower case, over the whole path.
constexpr std::string_view kSecret[] = {
    "*/shadow*",
    "*/gshadow*",
    "*/ssh_host_*",
    "*/id_rsa*",
    "*/id_dsa*",
    "*/id_ecdsa*",
    "*/id_ed25519*",
    "*.key",
    "*.pem",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.keytab",
    "*.kdbx",
    "*.ovpn",
    "*private*",
    "*secret*",
    "*passw*",
    "*credential*",
    "*token*",
    "*/.netrc*",
    "*/.pgpass*",
    "*/.my.cnf*",
    "*/tls/*",
    "*/wireguard/*",
    "*/wpa_supplicant*",
    "*/system-connections/*",
    "*/ipsec.d/*",
    "*api?key*",
};

// Directories and files of /etc in which each service has a file of its name.
constexpr std::string_view kByService[] = {"/etc/default/", "/etc/sysconfig/", "/etc/init.d/", "/etc/conf.d/"};
constexpr std::string_view kEndings[] = {".conf.d", ".conf", ".cfg", ".ini", ".toml", ".yaml", ".yml", ".json", ".d"};

std::string_view without_ending(std::string_view name) {
  for (const std::string_view ending : kEndings)
    if (name.size() > ending.size() && name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  return name;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

// "nginx.service", "backup.timer" -> "backup.service".
std::optional<std::string> service_of_unit(std::string_view unit) {
  for (const std::string_view suffix : {".service", ".timer", ".socket", ".path"}) {
    if (!is_unit_name(unit, suffix)) continue;
    std::string service(unit.substr(0, unit.size() - suffix.size()));
    service += ".service";
    if (is_order_unit(service)) return std::nullopt;
    return service;
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> unit_directories() { return {std::begin(kUnitDirectories), std::end(kUnitDirectories)}; }

std::optional<std::string> service_of_unit_file(std::string_view path) {
  const auto* const in = std::ranges::find_if(kUnitDirectories, [&](std::string_view directory) {
    return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
  });
  if (in == std::end(kUnitDirectories)) return std::nullopt;
  const std::string_view below = path.substr(in->size() + 1);
  const auto slash = below.find('/');
  if (slash == std::string_view::npos) return service_of_unit(below);
  const std::string_view directory = below.substr(0, slash), file = below.substr(slash + 1);
  if (!directory.ends_with(".d") || !file.ends_with(".conf") || file.find('/') != std::string_view::npos)
    return std::nullopt;
  return service_of_unit(directory.substr(0, directory.size() - 2));
}

std::vector<std::string> services_of_configuration(std::string_view path) {
  constexpr std::string_view kEtc = "/etc/", kSystemd = "/etc/systemd/";
  std::vector<std::string> names;
  const auto add = [&](std::string_view prefix, std::string_view name) {
    const std::string whole = std::string(prefix) + std::string(name);
    if (is_unit_name(whole)) names.push_back(whole);
  };
  const auto part_of = [&](std::string_view directory) {
    const std::string_view below = path.substr(directory.size());
    return below.substr(0, below.find('/'));
  };
  for (const std::string_view directory : kByService) {
    if (!path.starts_with(directory)) continue;
    add("", part_of(directory));
    return names;
  }
  if (path.starts_with(kSystemd)) {
    add("systemd-", without_ending(part_of(kSystemd)));
    return names;
  }
  if (!path.starts_with(kEtc)) return names;
  const std::string_view part = part_of(kEtc), name = without_ending(part);
  add("", name);
  add("", std::string(name) + "d");
  if (name != part) add("", part);
  return names;
}

bool is_noise(std::string_view name) {
  return std::ranges::any_of(kNoise, [&](std::string_view pattern) { return glob_match(pattern, name); });
}

bool may_be_copied(std::string_view path, unsigned mode) {
  if ((mode & S_IROTH) == 0) return false;
  const std::string whole = lower(path);
  return std::ranges::none_of(kSecret, [&](std::string_view pattern) { return glob_match(pattern, whole); });
}

}  // namespace hostmedic::change
