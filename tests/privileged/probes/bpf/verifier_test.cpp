// SPDX-License-Identifier: Apache-2.0
// How long the kernel's verifier has to look at each program before it lets it in: what makes loading slow on a small
// machine. Its limit is a million instructions.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <memory>
#include <vector>

#include "agent/base/fd.h"
#include "probes/bpf/own_programs.h"
#include "probes/probe.h"
#include "probes/source/roots.h"

using namespace hostmedic;

TEST_CASE("no program keeps the verifier for long") {
  constexpr std::uint32_t kMost = 50'000;
  const auto roots = open_roots("/");
  REQUIRE(roots);
  const ProbeSettings defaults;
  const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::vector<std::unique_ptr<Probe>> made;
  for (const ProbeInfo* info : all_probes()) {
    if (info->needs.find("CAP_BPF") == std::string_view::npos) continue;
    auto one = info->make(ProbeContext{*roots, defaults});
    if (one) made.push_back(std::move(*one));
  }
  for (const bpf::OwnProgram& program : bpf::own_programs(proc.get())) {
    MESSAGE(program.name << ": " << program.verified);
    CHECK(program.verified < kMost);
  }
}
