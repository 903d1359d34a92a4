// SPDX-License-Identifier: Apache-2.0
// Small file operations with bounds. Any thread. All descriptors are O_CLOEXEC.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic {

// path is relative to dir; pass AT_FDCWD for the working directory.
Result<Fd> open_at(int dir, const std::string& path, int flags, unsigned mode = 0);
Result<Fd> open_dir(const std::string& path);

// The whole file, at most `most`; a longer file is an error of code limit, never cut silently.
Result<std::string> read_file_at(int dir, const std::string& path, Bytes most);
Result<std::string> read_file(const std::string& path, Bytes most);
// Reads an open descriptor from offset 0 into buffer without allocating (for /proc files kept open).
// Returns the part filled; a file that fills the buffer completely is an error of code limit.
Result<std::string_view> pread_all(int fd, std::span<char> buffer);

// Writes a temporary file beside path, syncs it, renames it over path and syncs the directory.
Status write_file_atomic(const std::string& path, std::string_view content, unsigned mode);

}  // namespace hostmedic
