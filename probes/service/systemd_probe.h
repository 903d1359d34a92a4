// SPDX-License-Identifier: Apache-2.0
// Service units as systemd tells of them over D-Bus: every change of state as an event, and restarts as a counter.
// Nothing is polled and no call blocks: signals bring the changes, questions are asynchronous and bounded. One thread.
#pragma once

#include "probes/probe.h"

namespace hostmedic {

extern const ProbeInfo systemd_probe;

}  // namespace hostmedic
