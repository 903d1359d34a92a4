// SPDX-License-Identifier: Apache-2.0
// Who has a file open for writing, as far as the kernel lets us see. Any thread.
#pragma once

#include <sys/stat.h>

#include <string>

namespace hostmedic {

struct WritersSeen {
  int append = 0;  // descriptors that write with O_APPEND
  int other = 0;   // descriptors that write at an offset of their own
};
// Looks at every descriptor below proc that we may look at; those of other users may be hidden from us, so a zero
// proves nothing. Bounded.
WritersSeen look_for_writers(const std::string& proc, const struct stat& file);

}  // namespace hostmedic
