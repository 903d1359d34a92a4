// SPDX-License-Identifier: Apache-2.0
// The planning side of each catalogue entry. Constants; any thread. Adding an entry is one line here and one in
// catalog.cpp; its effect is listed in effect.h.
#pragma once

#include "actions/action.h"

namespace hostmedic {

extern const ActionInfo kServiceRestart;         // "service.restart"
extern const ActionInfo kLogRotate;              // "log.rotate"
extern const ActionInfo kJournalVacuum;          // "journal.vacuum"
extern const ActionInfo kContainerRestart;       // "container.restart"
extern const ActionInfo kContainerPause;         // "container.pause"
extern const ActionInfo kContainerStop;          // "container.stop"
extern const ActionInfo kScriptRun;              // "script.run"
extern const ActionInfo kDatabaseTerminateIdle;  // "database.terminate_idle"
extern const ActionInfo kFilesClean;             // "files.clean"
extern const ActionInfo kPackageCacheClean;      // "package_cache.clean"
extern const ActionInfo kDeletedFilesReopen;     // "deleted_files.reopen"
extern const ActionInfo kReserveRelease;         // "reserve.release"
extern const ActionInfo kServiceReload;          // "service.reload"
extern const ActionInfo kServiceStart;           // "service.start"
extern const ActionInfo kServiceStop;            // "service.stop"
extern const ActionInfo kServiceKillProcess;     // "service.kill_process"
extern const ActionInfo kServiceScale;           // "service.scale"
extern const ActionInfo kServiceLimit;           // "service.limit"
extern const ActionInfo kProcessTerminate;       // "process.terminate"
extern const ActionInfo kProcessFreeze;          // "process.freeze"
extern const ActionInfo kProcessRenice;          // "process.renice"
extern const ActionInfo kMemoryRelieve;          // "memory.relieve"
extern const ActionInfo kZombiesReap;            // "zombies.reap"
extern const ActionInfo kContainerIsolate;       // "container.isolate"
extern const ActionInfo kPeerBlock;              // "peer.block"
extern const ActionInfo kCircuitOpen;            // "circuit.open"
extern const ActionInfo kConnectionsDrop;        // "connections.drop"
extern const ActionInfo kHostSegment;            // "host.segment"
extern const ActionInfo kEvidenceCollect;        // "evidence.collect"
extern const ActionInfo kConfigRollback;         // "config.rollback"
extern const ActionInfo kPackageRollback;        // "package.rollback"
extern const ActionInfo kCertificateRenew;       // "certificate.renew"

}  // namespace hostmedic
