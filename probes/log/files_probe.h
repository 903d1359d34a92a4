// SPDX-License-Identifier: Apache-2.0
// Log files by their lines: records by severity and by kind of message, requests of access logs by status, with how
// long they took. Looks once a second which files grew, and once in five seconds which there are. One thread; who
// writes a file is found out in a worker when the file first grows.
#pragma once

#include "probes/probe.h"

namespace hostmedic {

extern const ProbeInfo log_files_probe;

}  // namespace hostmedic
