// SPDX-License-Identifier: Apache-2.0
// Rate, errors and latency of the HTTP servers on this host, from the first bytes of their TCP packets (http.bpf.c,
// http_cgroup.bpf.c). Nothing is said of what is encrypted. Probe thread.
#pragma once

#include "probes/bpf/http_programs.h"
#include "probes/probe.h"

namespace hostmedic {

// The probe over programs that are loaded; http_probe takes what this kernel allows.
std::unique_ptr<Probe> make_http_probe(bpf::HttpPrograms programs);

extern const ProbeInfo http_probe;

}  // namespace hostmedic
