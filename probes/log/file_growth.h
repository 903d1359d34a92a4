// SPDX-License-Identifier: Apache-2.0
// Finds which file fills a filesystem and who writes it. While nothing fills, it asks each filesystem that holds a log
// root for its space once a second, and that is all. When one would be full within the hour it looks into the log roots
// there, half a second apart at first and about once a second after that, and reports the files that grow. The looks
// run in a worker. One thread.
#pragma once

#include "probes/log/hunt.h"
#include "probes/probe.h"

namespace hostmedic {

extern const ProbeInfo file_growth_probe;

struct FileGrowthOptions {
  log::ReadSpace read_space;
  Duration first_pause;  // between the first two looks
};
// For tests that bring a disk of their own.
Result<std::unique_ptr<Probe>> make_file_growth_probe(const ProbeContext& context, const FileGrowthOptions& options);

}  // namespace hostmedic
