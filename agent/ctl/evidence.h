// SPDX-License-Identifier: Apache-2.0
// What evidence.collect left in its directory, as far as it can be read. One thread.
#pragma once

#include <string>
#include <vector>

#include "actions/catalog/evidence_collect/manifest.h"

namespace hostmedic {

struct KeptEvidence {
  std::string id;  // the package's name without its ending
  EvidenceManifest manifest;
  std::string sha256;  // of the manifest
};
struct EvidenceStock {
  std::vector<KeptEvidence> kept;   // newest first
  std::vector<std::string> faults;  // manifests that cannot be read
};
// No directory: nothing was ever collected.
Result<EvidenceStock> read_evidence(const std::string& directory);

// What shows that something was changed or removed. That the oldest are gone is no fault: they are thinned out.
std::vector<std::string> faults_of(const EvidenceStock& stock, const std::string& directory);

}  // namespace hostmedic
