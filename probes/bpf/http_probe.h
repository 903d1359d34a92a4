// SPDX-License-Identifier: Apache-2.0
// Rate, errors and latency of the HTTP servers on this host, from the first bytes of their TCP packets (http.bpf.c).
// Nothing is said of what is encrypted. Probe thread.
#pragma once

#include "probes/probe.h"

namespace hostmedic {

extern const ProbeInfo http_probe;

}  // namespace hostmedic
