// SPDX-License-Identifier: Apache-2.0
// What a watched file is by its path: a unit file, noise, a secret, the configuration of a service. Tables; pure; any
// thread. Paths are absolute, as the host names them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hostmedic::change {

// Where systemd looks for unit files. What is generated or made for a moment (/run/systemd/transient) is not watched.
std::vector<std::string> unit_directories();

// Of a file in one of these directories, drop-ins included, the service it is about; nullopt for links of .wants, for
// targets and the like. What belongs to a timer, a socket or a path is about the service that it starts.
std::optional<std::string> service_of_unit_file(std::string_view path);

// Names of services, without ".service", whose configuration the path may be, the likeliest first:
// "/etc/nginx/sites/a" is nginx's if there is such a unit.
std::vector<std::string> services_of_configuration(std::string_view path);

// What editors and package managers leave beside a file for a moment or for people, by the file's name.
bool is_noise(std::string_view name);

// Whether the content may be kept elsewhere: nothing that not everybody may read, and nothing whose path says that it
// holds keys or passwords. mode: of struct stat.
bool may_be_copied(std::string_view path, unsigned mode);

}  // namespace hostmedic::change
