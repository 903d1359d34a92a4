// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/effect_output.h"

#include <fcntl.h>
#include <unistd.h>

#include "actions/catalog/effect.h"
#include "agent/base/file.h"

namespace hostmedic {

std::string effect_output_path(const std::string& dir, const std::string& unit) { return dir + "/" + unit + ".out"; }

std::string read_effect_output(const std::string& dir, const std::string& unit) {
  auto fd = open_at(AT_FDCWD, effect_output_path(dir, unit), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  std::string text(kMostEffectOutput, '\0');
  std::size_t filled = 0;
  while (fd && filled < text.size()) {
    const ssize_t got = ::pread(fd->get(), text.data() + filled, text.size() - filled, static_cast<off_t>(filled));
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

void remove_effect_output(const std::string& dir, const std::string& unit) {
  (void)::unlink(effect_output_path(dir, unit).c_str());  // often there is none
}

}  // namespace hostmedic
