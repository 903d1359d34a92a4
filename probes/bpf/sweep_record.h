// SPDX-License-Identifier: Apache-2.0
// Checks and translates what sweep.bpf.c hands over. Pure; any thread.
#pragma once

#include <cstddef>
#include <span>

#include "probes/bpf/record/sweep.h"
#include "probes/process/source.h"

namespace hostmedic::bpf {

// As /proc has it: the sum is what the scheduler measured, its parts are as the clock tick found them.
struct CpuSplit {
  std::uint64_t user_ns = 0, system_ns = 0;
};
CpuSplit split_runtime(std::uint64_t runtime_ns, std::uint64_t user_ns, std::uint64_t system_ns);
// The letter of the kernel's state bits.
char state_letter(std::uint32_t bits);
process::ProcessRecord decode_process(const hm_sweep_process& record, std::uint64_t page_bytes);

// Tells the whole records at the front of the bytes and returns how many bytes they were; what follows is the start of
// a record that goes on in the next read. malformed: our program cannot have written it.
Result<std::size_t> decode_sweep(std::span<const std::byte> bytes, std::uint64_t page_bytes,
                                 process::ProcessVisitor& visitor);
process::HostTasks decode_answer(const hm_sweep_answer& answer);

}  // namespace hostmedic::bpf
