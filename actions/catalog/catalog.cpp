// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"

namespace hostmedic {
namespace {
constexpr const ActionInfo* kActions[] = {
    &kServiceRestart,         //
    &kLogRotate,              //
    &kJournalVacuum,          //
    &kContainerRestart,       //
    &kContainerPause,         //
    &kContainerStop,          //
    &kScriptRun,              //
    &kDatabaseTerminateIdle,  //
    &kFilesClean,             //
    &kPackageCacheClean,      //
    &kDeletedFilesReopen,     //
    &kReserveRelease,         //
    &kServiceReload,          //
    &kServiceStart,           //
    &kServiceStop,            //
    &kServiceKillProcess,     //
    &kServiceScale,           //
    &kServiceLimit,           //
    &kProcessTerminate,       //
    &kProcessFreeze,          //
    &kProcessRenice,          //
    &kMemoryRelieve,          //
    &kZombiesReap,            //
    &kContainerIsolate,       //
    &kPeerBlock,              //
    &kCircuitOpen,            //
    &kConnectionsDrop,        //
    &kHostSegment,            //
    &kEvidenceCollect,        //
    &kConfigRollback,         //
    &kPackageRollback,        //
    &kCertificateRenew,       //
};
}

std::span<const ActionInfo* const> all_actions() { return kActions; }

const ActionInfo* find_action(std::string_view name) {
  for (const ActionInfo* action : kActions)
    if (action->name == name) return action;
  return nullptr;
}

}  // namespace hostmedic
