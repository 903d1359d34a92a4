// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/process_record.h"

#include <doctest/doctest.h>

#include <cstring>

#include "detect/model/names.h"
#include "probes/bpf/record/process.h"

using namespace hostmedic;
using namespace hostmedic::bpf;

namespace {

hm_process_record exited(std::uint32_t status) {
  hm_process_record record{};
  record.at_ns = 5'000;
  record.start_ns = 3'000;
  record.kind = HM_PROCESS_EXIT;
  record.pid = 42;
  record.parent_pid = 1;
  record.status = status;
  std::strcpy(record.comm, "nginx");
  std::strcpy(record.unit, "nginx.service");
  return record;
}
hm_caused_record caused(std::uint32_t kind) {
  hm_caused_record record{};
  record.process.kind = kind;
  record.process.at_ns = 1;
  return record;
}
template <class Record>
std::optional<ProcessEvent> decode(const Record& record) {
  return decode_process_record(std::as_bytes(std::span(&record, 1)));
}
std::string value(const std::vector<Attribute>& attributes, std::string_view key) {
  for (const Attribute& attribute : attributes) {
    if (attribute.key == key) return attribute.value;
  }
  return "absent";
}

}  // namespace

TEST_CASE("a status is an exit code or a signal, never both") {
  struct Row {
    std::uint32_t status;
    const char *code, *signal;
  };
  const Row rows[] = {{3 << 8, "3", "absent"},
                      {255 << 8, "255", "absent"},
                      {9, "absent", "9"},
                      {0x80 | 11, "absent", "11"},
                      {0, "0", "absent"}};
  for (const Row& row : rows) {
    CAPTURE(row.status);
    const auto event = decode(exited(row.status));
    REQUIRE(event);
    const auto attributes = process_attributes(*event);
    CHECK(value(attributes, attr::kProcessExitCode) == row.code);
    CHECK(value(attributes, attr::kProcessExitSignal) == row.signal);
    CHECK(value(attributes, attr::kProcessUnit) == "nginx.service");
    CHECK(value(attributes, attr::kProcessPid) == "42");
    CHECK(value(attributes, attr::kProcessParentPid) == "1");
    CHECK(value(attributes, attr::kProcessName) == "nginx");
    CHECK(event->at == mono_from_ns(5'000));
    CHECK(event->started == mono_from_ns(3'000));
  }
}

TEST_CASE("an OOM kill has no status, and what is unknown is absent") {
  const auto event = decode(caused(HM_PROCESS_OOM));
  REQUIRE(event);
  CHECK(event->kind == EventKind::oom_kill);
  CHECK(process_attributes(*event).empty());
}

TEST_CASE("an OOM kill names the limit and who asked; a fatal signal its number, cause and sender") {
  hm_caused_record record = caused(HM_PROCESS_OOM);
  record.limit_bytes = 1 << 20;
  std::strcpy(record.limited, "db.service");
  record.by_pid = 7;
  std::strcpy(record.by_comm, "dd");
  std::strcpy(record.by_unit, "backup.service");
  auto attributes = process_attributes(*decode(record));
  CHECK(value(attributes, attr::kOomGroup) == "db.service");
  CHECK(value(attributes, attr::kOomLimit) == "1048576");
  CHECK(value(attributes, attr::kOomRequesterPid) == "7");
  CHECK(value(attributes, attr::kOomRequesterName) == "dd");
  CHECK(value(attributes, attr::kOomRequesterUnit) == "backup.service");
  CHECK(value(attributes, attr::kSignalNumber) == "absent");

  record.process.kind = HM_PROCESS_SIGNAL;
  record.process.status = 15;
  CHECK_FALSE(decode(record));  // a signal has a cause
  record.cause = 4;
  CHECK_FALSE(decode(record));
  record.cause = HM_CAUSE_PROCESS;
  attributes = process_attributes(*decode(record));
  CHECK(value(attributes, attr::kSignalNumber) == "15");
  CHECK(value(attributes, attr::kSignalCause) == "process");
  CHECK(value(attributes, attr::kSignalSenderPid) == "7");
  CHECK(value(attributes, attr::kSignalSenderName) == "dd");
  CHECK(value(attributes, attr::kSignalSenderUnit) == "backup.service");
  CHECK(value(attributes, attr::kOomGroup) == "absent");
}

TEST_CASE("how long a process lived is told when it is known") {
  hm_process_record record = exited(256);
  record.start_ns = 1'000'000'000;
  record.at_ns = 3'500'400'000;
  CHECK(value(process_attributes(*decode(record)), attr::kProcessUptime) == "2.500");
  record.start_ns = record.at_ns + 1;
  CHECK(value(process_attributes(*decode(record)), attr::kProcessUptime) == "absent");
  record.start_ns = 0;
  CHECK(value(process_attributes(*decode(record)), attr::kProcessUptime) == "absent");
}

TEST_CASE("names are made harmless, and a control group that is no unit is none") {
  hm_process_record record = exited(256);
  std::memcpy(record.comm, "\x1b[31m;rm -rf /xy", 16);  // no end within the field
  std::strcpy(record.unit, "docker");
  auto event = decode(record);
  REQUIRE(event);
  CHECK(event->name == "?[31m;rm -rf /xy");
  CHECK(event->unit.empty());
  std::strcpy(record.unit, "a\nb.service");
  CHECK(decode(record)->unit.empty());
  std::memset(record.unit, 'a', sizeof record.unit);
  CHECK(decode(record)->unit.empty());
  std::strcpy(record.unit, "session-3.scope");
  CHECK(decode(record)->unit == "session-3.scope");
}

TEST_CASE("a record that the program cannot have written is refused") {
  hm_process_record record = exited(256);
  const auto bytes = std::as_bytes(std::span(&record, 1));
  CHECK_FALSE(decode_process_record(bytes.first(bytes.size() - 1)));
  CHECK_FALSE(decode_process_record({}));
  for (const std::uint32_t kind : {HM_PROCESS_OOM, HM_PROCESS_SIGNAL}) {  // too short for these
    record.kind = kind;
    CHECK_FALSE(decode(record));
  }
  CHECK_FALSE(decode(caused(HM_PROCESS_EXIT)));
  CHECK_FALSE(decode(caused(4)));
  record.kind = HM_PROCESS_EXIT;
  record.at_ns = UINT64_MAX;
  CHECK_FALSE(decode(record));
}

TEST_CASE("a start names the program as it was called, its parent and its user") {
  hm_exec_record record{};
  record.process = exited(0);
  record.process.kind = HM_PROCESS_EXEC;
  record.uid = 33;
  std::strcpy(record.parent_comm, "systemd");
  std::strcpy(record.path, "/usr/sbin/nginx");
  const auto event = decode(record);
  REQUIRE(event);
  CHECK(event->kind == EventKind::process_exec);
  const auto attributes = process_attributes(*event);
  CHECK(value(attributes, attr::kProcessPath) == "/usr/sbin/nginx");
  CHECK(value(attributes, attr::kProcessParentName) == "systemd");
  CHECK(value(attributes, attr::kProcessUser) == "33");
  CHECK(value(attributes, attr::kProcessUnit) == "nginx.service");
  CHECK(value(attributes, attr::kProcessExitCode) == "absent");
  // A path that fills its room has no final zero.
  std::memset(record.path, 'x', sizeof record.path);
  REQUIRE(decode(record));
  CHECK(decode(record)->path.size() <= sizeof record.path);
  CHECK_FALSE(decode(record.process));
}
