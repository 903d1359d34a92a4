// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/behaviour_record.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstring>

#include "detect/model/names.h"
#include "probes/bpf/record/behaviour.h"

using namespace hostmedic;
using namespace hostmedic::bpf;

namespace {

hm_behaviour_record record_of(std::uint32_t kind) {
  hm_behaviour_record record{};
  record.at_ns = 5'000;
  record.kind = kind;
  record.pid = 42;
  record.parent_pid = 1;
  record.uid = 1000;
  std::strcpy(record.comm, "sudo");
  std::strcpy(record.unit, "cron.service");
  std::strcpy(record.text, "/usr/bin/sudo");
  record.other_pid = 77;
  return record;
}
std::optional<BehaviourEvent> decode(const hm_behaviour_record& record) {
  return decode_behaviour_record(std::as_bytes(std::span(&record, 1)));
}
Event event_of(const hm_behaviour_record& record) {
  const auto decoded = decode(record);
  REQUIRE(decoded);
  return {decoded->kind, EntityId{}, decoded->at, behaviour_attributes(*decoded)};
}

}  // namespace

TEST_CASE("behaviour says who, what and to whom") {
  const Event event = event_of(record_of(HM_SETUID_EXEC));
  CHECK(event.kind == EventKind::behaviour);
  CHECK(event.at == mono_from_ns(5'000));
  CHECK(event.get(attr::kBehaviourKind) == "setuid_exec");
  CHECK(event.get(attr::kProcessPid) == "42");
  CHECK(event.get(attr::kProcessUser) == "1000");
  CHECK(event.get(attr::kProcessName) == "sudo");
  CHECK(event.get(attr::kProcessUnit) == "cron.service");
  CHECK(event.get(attr::kBehaviourObject) == "/usr/bin/sudo");
  CHECK(event.get(attr::kBehaviourObjectPid) == "77");
  CHECK(event.get(attr::kFilesystemErrorKind).empty());
  CHECK(event_of(record_of(HM_MODULE_UNLOAD)).get(attr::kBehaviourKind) == "module_unload");
}

TEST_CASE("an error of a filesystem names the device and nobody") {
  hm_behaviour_record record = record_of(HM_FS_DAMAGE);
  record.device = 8u << 20 | 1;
  record.line = 1700;
  std::strcpy(record.text, "ext4_lookup");
  std::strcpy(record.fs_type, "ext4");
  std::strcpy(record.fs_device, "sda1");
  Event event = event_of(record);
  CHECK(event.kind == EventKind::filesystem_error);
  CHECK(event.get(attr::kFilesystemErrorKind) == "damage");
  CHECK(event.get(attr::kFilesystemDevice) == "8:1");
  CHECK(event.get(attr::kFilesystemErrorPlace) == "ext4_lookup:1700");
  CHECK(event.get(attr::kErrorType).empty());
  CHECK(event.get(attr::kProcessPid).empty());

  record.kind = HM_FS_WRITEBACK;
  record.text[0] = 0;
  record.error = ENOSPC;
  event = event_of(record);
  CHECK(event.get(attr::kErrorType) == "ENOSPC");
  CHECK(event.get(attr::kFilesystemErrorPlace).empty());
  for (const std::uint32_t nonsense : {4000u, 70'000u}) {
    record.error = nonsense;
    CHECK(event_of(record).get(attr::kErrorType).empty());
  }
  record.device = 0;
  record.fs_device[0] = record.fs_type[0] = 0;
  CHECK(event_of(record).get(attr::kFilesystemDevice).empty());
}

TEST_CASE("texts without an end are cut and made harmless; what cannot be is refused") {
  hm_behaviour_record record = record_of(HM_MEMFD_EXEC);
  std::memset(record.text, '\n', sizeof record.text);
  std::memset(record.unit, 'u', sizeof record.unit);
  const auto event = decode(record);
  REQUIRE(event);
  CHECK(event->object == std::string(sizeof record.text, '?'));
  CHECK(event->unit.empty());
  const auto bytes = std::as_bytes(std::span(&record, 1));
  CHECK_FALSE(decode_behaviour_record(bytes.first(bytes.size() - 1)));
  CHECK_FALSE(decode_behaviour_record({}));
  record.kind = HM_BEHAVIOUR_KINDS;
  CHECK_FALSE(decode(record));
  record.kind = HM_MEMFD_EXEC;
  record.at_ns = UINT64_MAX;
  CHECK_FALSE(decode(record));
}
