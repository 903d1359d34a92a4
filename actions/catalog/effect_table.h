// SPDX-License-Identifier: Apache-2.0
// The acting side of each catalogue entry. Adding one is a line here and one in effect_table.cpp.
#pragma once

#include "actions/catalog/effect.h"

namespace hostmedic {

extern const EffectInfo kServiceRestartEffect;
extern const EffectInfo kLogRotateEffect;
extern const EffectInfo kJournalVacuumEffect;
extern const EffectInfo kContainerRestartEffect;
extern const EffectInfo kContainerPauseEffect;
extern const EffectInfo kContainerStopEffect;
extern const EffectInfo kScriptRunEffect;
extern const EffectInfo kDatabaseTerminateIdleEffect;
extern const EffectInfo kFilesCleanEffect;
extern const EffectInfo kPackageCacheCleanEffect;
extern const EffectInfo kDeletedFilesReopenEffect;
extern const EffectInfo kReserveReleaseEffect;
extern const EffectInfo kServiceReloadEffect;
extern const EffectInfo kServiceStartEffect;
extern const EffectInfo kServiceStopEffect;
extern const EffectInfo kServiceKillProcessEffect;
extern const EffectInfo kServiceScaleEffect;
extern const EffectInfo kServiceLimitEffect;
extern const EffectInfo kProcessTerminateEffect;
extern const EffectInfo kProcessFreezeEffect;
extern const EffectInfo kProcessReniceEffect;
extern const EffectInfo kMemoryRelieveEffect;
extern const EffectInfo kZombiesReapEffect;
extern const EffectInfo kContainerIsolateEffect;
extern const EffectInfo kPeerBlockEffect;
extern const EffectInfo kCircuitOpenEffect;
extern const EffectInfo kConnectionsDropEffect;
extern const EffectInfo kHostSegmentEffect;
extern const EffectInfo kEvidenceCollectEffect;
extern const EffectInfo kConfigRollbackEffect;
extern const EffectInfo kPackageRollbackEffect;
extern const EffectInfo kCertificateRenewEffect;

const EffectInfo* find_effect(std::string_view action);

}  // namespace hostmedic
