// SPDX-License-Identifier: Apache-2.0
#include "detect/model/names.h"

namespace hostmedic::metric {

namespace {
constexpr const MetricInfo* kAll[] = {
    &kCpuTime,
    &kCpuCount,
    &kLoad1,
    &kLoad5,
    &kProcessesRunning,
    &kProcessesCreated,
    &kContextSwitches,
    &kMemoryUsage,
    &kMemoryAvailable,
    &kMemoryLimit,
    &kMemoryUtilization,
    &kSwapUtilization,
    &kPagingFaults,
    &kPressureStall,
    &kFilesystemUsage,
    &kFilesystemLimit,
    &kFilesystemUtilization,
    &kFilesystemInodesUtilization,
    &kFilesystemReadOnly,
    &kDiskIo,
    &kDiskOperations,
    &kDiskOperationTime,
    &kDiskIoTime,
    &kDiskPending,
    &kNetworkIo,
    &kNetworkPackets,
    &kNetworkErrors,
    &kNetworkDropped,
    &kServiceCpuTime,
    &kServiceMemoryUsage,
    &kServiceTasks,
    &kServiceRestarts,
    &kAgentCpuTime,
    &kAgentMemory,
    &kProbeCpuTime,
    &kAgentBudgetLevel,
    &kBpfSeen,
    &kBpfDropped,
    &kKernelMessages,
    &kKernelLogLines,
    &kKernelMessagesDropped,
};
}  // namespace

std::span<const MetricInfo* const> all() { return kAll; }

}  // namespace hostmedic::metric
