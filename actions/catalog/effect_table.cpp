// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_table.h"

namespace hostmedic {
namespace {
constexpr const EffectInfo* kEffects[] = {
    &kServiceRestartEffect,         //
    &kLogRotateEffect,              //
    &kJournalVacuumEffect,          //
    &kContainerRestartEffect,       //
    &kContainerPauseEffect,         //
    &kContainerStopEffect,          //
    &kScriptRunEffect,              //
    &kDatabaseTerminateIdleEffect,  //
    &kFilesCleanEffect,             //
    &kPackageCacheCleanEffect,      //
    &kDeletedFilesReopenEffect,     //
    &kReserveReleaseEffect,         //
    &kServiceReloadEffect,          //
    &kServiceStartEffect,           //
    &kServiceStopEffect,            //
    &kServiceKillProcessEffect,     //
    &kServiceScaleEffect,           //
    &kServiceLimitEffect,           //
    &kProcessTerminateEffect,       //
    &kProcessFreezeEffect,          //
    &kProcessReniceEffect,          //
    &kMemoryRelieveEffect,          //
    &kZombiesReapEffect,            //
    &kContainerIsolateEffect,       //
    &kPeerBlockEffect,              //
    &kCircuitOpenEffect,            //
    &kConnectionsDropEffect,        //
    &kHostSegmentEffect,            //
    &kEvidenceCollectEffect,        //
    &kConfigRollbackEffect,         //
    &kPackageRollbackEffect,        //
    &kCertificateRenewEffect,       //
};
}

std::span<const EffectInfo* const> all_effects() { return kEffects; }

const EffectInfo* find_effect(std::string_view action) {
  for (const EffectInfo* effect : kEffects)
    if (effect->action == action) return effect;
  return nullptr;
}

}  // namespace hostmedic
