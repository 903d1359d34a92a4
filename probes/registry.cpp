// SPDX-License-Identifier: Apache-2.0
// The probes that are compiled in. Adding one is a declaration and a line here, and the linker checks it.
#include "probes/probe.h"

namespace hostmedic {

extern const ProbeInfo behaviour_probe;
extern const ProbeInfo block_probe;
extern const ProbeInfo certificate_probe;
extern const ProbeInfo change_probe;
extern const ProbeInfo clock_probe;
extern const ProbeInfo containers_probe;
extern const ProbeInfo cpu_probe;
extern const ProbeInfo disk_probe;
extern const ProbeInfo file_growth_probe;
extern const ProbeInfo filesystem_probe;
extern const ProbeInfo gateway_probe;
extern const ProbeInfo hardware_probe;
extern const ProbeInfo http_probe;
extern const ProbeInfo journal_probe;
extern const ProbeInfo kernel_log_probe;
extern const ProbeInfo kernel_probe;
extern const ProbeInfo limits_probe;
extern const ProbeInfo load_probe;
extern const ProbeInfo log_files_probe;
extern const ProbeInfo memory_probe;
extern const ProbeInfo network_probe;
extern const ProbeInfo numa_probe;
extern const ProbeInfo paging_probe;
extern const ProbeInfo pressure_probe;
extern const ProbeInfo process_probe;
extern const ProbeInfo processes_probe;
extern const ProbeInfo protocols_probe;
extern const ProbeInfo run_queue_probe;
extern const ProbeInfo services_probe;
extern const ProbeInfo sockets_probe;
extern const ProbeInfo syscall_errors_probe;
extern const ProbeInfo systemd_probe;
extern const ProbeInfo tcp_sockets_probe;
extern const ProbeInfo tcp_probe;
extern const ProbeInfo unix_sockets_probe;

std::span<const ProbeInfo* const> all_probes() {
  // In the order in which they are read. filesystem first: its worker answers while the others are read.
  // One to a line, so that additions do not meet.
  // clang-format off
  static constexpr const ProbeInfo* kProbes[] = {
      &filesystem_probe,
      &cpu_probe,
      &memory_probe,
      &pressure_probe,
      &load_probe,
      &run_queue_probe,
      &paging_probe,
      &clock_probe,
      &hardware_probe,
      &tcp_sockets_probe,
      &gateway_probe,
      &certificate_probe,
      &change_probe,
      &disk_probe,
      &network_probe,
      &protocols_probe,
      &sockets_probe,
      &limits_probe,
      &numa_probe,
      &kernel_probe,
      &services_probe,
      &systemd_probe,
      &containers_probe,
      &process_probe,
      &syscall_errors_probe,
      &processes_probe,
      &behaviour_probe,
      &file_growth_probe,
      &http_probe,
      &kernel_log_probe,
      &block_probe,
      &journal_probe,
      &log_files_probe,
      &tcp_probe,
      &unix_sockets_probe,
  };
  // clang-format on
  return kProbes;
}

}  // namespace hostmedic
