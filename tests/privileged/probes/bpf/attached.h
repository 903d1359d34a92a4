// SPDX-License-Identifier: Apache-2.0
// A probe of BPF programs attached to the running kernel, or the reason why not.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "agent/base/clock.h"
#include "probes/source/roots.h"
#include "tests/unit/probes/recording_sink.h"

namespace hostmedic::test {

struct AttachedProbe {
  explicit AttachedProbe(const ProbeInfo& info) : roots(std::move(*open_roots("/"))) {
    static const ProbeSettings kDefaults;
    auto made = info.make(ProbeContext{roots, kDefaults});
    if (made) {
      probe = std::move(*made);
      REQUIRE(probe->read(mono_now(), sink));
    } else {
      MESSAGE("skipped: " << made.error().message());
      CHECK(made.error().code == ErrorCode::unsupported);
      CHECK(made.error().message().starts_with("not here, because "));
    }
  }
  // What a series says after a new reading; -1 when it is not there or unknown.
  double value(const std::string& series) {
    REQUIRE(probe->read(mono_now(), sink));
    return last(series);
  }
  double last(const std::string& series) const {
    const auto found = sink.values.find(series);
    return found == sink.values.end() ? -1 : found->second.value_or(-1);
  }

  Roots roots;
  RecordingSink sink;
  std::unique_ptr<Probe> probe;
};

}  // namespace hostmedic::test
