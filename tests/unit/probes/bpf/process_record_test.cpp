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
std::optional<ProcessEvent> decode(const hm_process_record& record) {
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
  hm_process_record record{};
  record.kind = HM_PROCESS_OOM;
  record.at_ns = 1;
  const auto event = decode(record);
  REQUIRE(event);
  CHECK(event->kind == EventKind::oom_kill);
  CHECK(process_attributes(*event).empty());
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
  record.kind = 3;
  CHECK_FALSE(decode(record));
  record.kind = HM_PROCESS_EXIT;
  record.at_ns = UINT64_MAX;
  CHECK_FALSE(decode(record));
}
