// SPDX-License-Identifier: Apache-2.0
// Records of the system's journal by severity and by kind of message, for the host and for its services. One thread.
#pragma once

#include "probes/probe.h"

namespace hostmedic {

extern const ProbeInfo journal_probe;

}  // namespace hostmedic
