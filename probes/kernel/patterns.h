// SPDX-License-Identifier: Apache-2.0
// Which lines of the kernel's log mean trouble, and what they name. Pure; any thread.
//
// The text is what the kernel wrote, without time stamp and level ("EXT4-fs error (device sda1): ..."). Only lines of
// the facility "kern" may be given: whoever may write to /dev/kmsg can otherwise say anything. Some lines quote text
// that a program chose (its name, at most 15 bytes); a pattern is never made of so little.
#pragma once

#include <cstddef>
#include <string_view>

namespace hostmedic {

// What a line says. The parts lie inside the text and are empty where the line does not name them.
struct KernelMatch {
  std::size_t pattern = 0;   // index of kernel_pattern()
  std::string_view device;   // as the kernel spells it: "sda1", "nvme0", "eth0", "usb 1-1" without the "usb"
  std::string_view process;  // comm
  std::string_view pid;      // digits
  std::string_view port;     // digits
};

inline constexpr std::size_t kKernelPatternCount = 37;
// The value of kernel.pattern, "io_error". index < kKernelPatternCount.
std::string_view kernel_pattern(std::size_t index);

// False: a line of no interest, and ret_match is as it was.
bool match_kernel_message(std::string_view text, KernelMatch& ret_match);

// "sda" of "sda1", "nvme0n1" of "nvme0n1p2", "mmcblk0" of "mmcblk0p1"; others as they are ("dm-0", "md127").
std::string_view whole_disk(std::string_view device);

}  // namespace hostmedic
