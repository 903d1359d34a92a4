// SPDX-License-Identifier: Apache-2.0
// What pipelines say they deployed, as frames of a source of its own for FrameMerge: so a mark is in the one stream
// that is detected on and recorded. Owned by the daemon; io thread only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "detect/model/frame.h"
#include "detect/model/host_view.h"

namespace hostmedic {

struct DeploymentMark {
  std::string name;             // of what was deployed
  std::string version;          // empty: not said
  std::string entity = "host";  // an entity, or a pattern of those that are known
  std::string by;               // who says so, in the kernel's word
};

class DeploymentMarks {
 public:
  static constexpr std::size_t kMostEntities = 64;  // of one mark

  // A frame with one event per entity. An entity named in full need not be known: a deployment may bring it.
  // malformed: no name, or no entity. not_found: the pattern fits nothing. limit: it fits more than kMostEntities.
  Result<Frame> mark(const DeploymentMark& mark, const HostView& host, MonoTime mono, WallTime wall);

 private:
  std::uint64_t sequence_ = 0;
  std::uint32_t marked_ = 0;  // entities of the last mark; given back with the next
};

}  // namespace hostmedic
