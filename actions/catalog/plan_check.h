// SPDX-License-Identifier: Apache-2.0
// Checks of the texts in a plan that came from outside: the border between an unprivileged daemon and the actuator.
// Pure; any thread. Nothing here looks at the file system: that links point nowhere else is the effect's to check.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "actions/action.h"

namespace hostmedic {

inline constexpr std::size_t kMostPath = 1024;

// Absolute, at most kMostPath bytes, printable UTF-8, no empty, "." or ".." part, no slash at the end. "/" is one.
bool is_clean_path(std::string_view path);
// After what a file's path was, as the kernel writes it, when the file is deleted and still open.
inline constexpr std::string_view kDeletedMark = " (deleted)";
// path lies strictly below root. Both are clean paths.
bool is_below(std::string_view path, std::string_view root);
// Below one of the directories that belong to journald.
bool is_journal_path(std::string_view path);
// One of the system's own directories, or below it: nothing there is a log or old for its age.
bool is_system_path(std::string_view path);
// The mount point, among those that the host view knows, that the path is on; empty: none is known.
std::string mount_of(std::string_view path, const HostView& host);
// A name that systemd accepts for a service: "nginx.service", "getty@tty1.service".
bool is_service_unit(std::string_view name);

// Ready to be pasted into a shell.
std::string shell_quote(std::string_view text);

// What holds for the plans of all entries: it is this entry, the kind of target is right, names are known and not
// repeated, texts are printable and short, the time limit and the blast radius are in range.
Status check_common(const Plan& plan, const ActionInfo& info, std::span<const std::string_view> known_parameters);

}  // namespace hostmedic
