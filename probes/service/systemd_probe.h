// SPDX-License-Identifier: Apache-2.0
// Units as systemd tells of them over D-Bus: every change of state of a service, every job that ended badly and every
// timer that did not run as an event; restarts as a counter.
// Nothing is polled and no call blocks: signals bring the changes, questions are asynchronous and bounded. One thread.
#pragma once

#include "probes/probe.h"

namespace hostmedic {

extern const ProbeInfo systemd_probe;

}  // namespace hostmedic
