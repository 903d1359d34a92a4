// SPDX-License-Identifier: Apache-2.0
// Events of processes and filesystems as sentences.
#include <doctest/doctest.h>

#include "detect/correlate/explain.h"
#include "detect/model/names.h"

using namespace hostmedic;
using namespace hostmedic::detect;

namespace {

using Attributes = std::vector<std::pair<std::string_view, std::string>>;

std::string sentence(EventKind kind, const Attributes& attributes, const Entity& about = {EntityKind::host, ""}) {
  Event event;
  event.kind = kind;
  for (const auto& [key, value] : attributes) event.attributes.push_back({std::string(key), value});
  return explain_event(about, event);
}

const Attributes kSudo{
    {attr::kProcessPid, "42"},    {attr::kProcessName, "sudo"},      {attr::kProcessUnit, "cron.service"},
    {attr::kProcessUser, "1000"}, {attr::kBehaviourObject, "thing"}, {attr::kBehaviourObjectPid, "77"}};

Attributes with(Attributes attributes, std::string_view key, std::string value) {
  attributes.emplace_back(key, std::move(value));
  return attributes;
}

}  // namespace

TEST_CASE("behaviour reads as a sentence") {
  const std::string who = "process 42 (sudo) of cron.service ";
  const std::pair<const char*, const char*> rows[] = {
      {"setuid_exec", "runs thing with other rights than those of user 1000, who called it"},
      {"memfd_exec", "runs a program that is only in memory, thing"},
      {"traced_exec", "was started while traced by process 77 (thing)"},
      {"ptrace_attach", "began to trace process 77 (thing)"},
      {"module_load", "loaded the kernel module thing"},
      {"module_unload", "removed the kernel module thing"},
      {"other", "did something unusual: other"}};
  for (const auto& [kind, words] : rows)
    CHECK(sentence(EventKind::behaviour, with(kSudo, attr::kBehaviourKind, kind)) == who + words);
}

TEST_CASE("a fatal signal says who sent it") {
  const Attributes term = with(kSudo, attr::kSignalNumber, "15");
  const std::string sent = "process 42 (sudo) of cron.service was sent signal 15 ";
  CHECK(sentence(EventKind::fatal_signal, with(term, attr::kSignalCause, "kernel")) == sent + "by the kernel");
  CHECK(sentence(EventKind::fatal_signal, with(term, attr::kSignalCause, "itself")) == sent + "by itself");
  const Attributes by_process = with(term, attr::kSignalCause, "process");
  CHECK(sentence(EventKind::fatal_signal, by_process) == sent + "from outside");
  CHECK(sentence(EventKind::fatal_signal, with(with(by_process, attr::kSignalSenderPid, "1"), attr::kSignalSenderName,
                                               "systemd")) == sent + "by process 1 (systemd)");
}

TEST_CASE("an OOM kill says which limit was reached, when one was") {
  const std::string killed = "the kernel killed process 42 (sudo) of cron.service for want of memory";
  CHECK(sentence(EventKind::oom_kill, kSudo) == killed);
  const Attributes limited = with(kSudo, attr::kOomGroup, "db.service");
  CHECK(sentence(EventKind::oom_kill, limited) == killed + ": db.service reached its limit");
  CHECK(sentence(EventKind::oom_kill, with(limited, attr::kOomLimit, "1073741824")) ==
        killed + ": db.service reached its limit of 1.0GiB");
}

TEST_CASE("an error of a filesystem says which one and what is wrong") {
  const Attributes damage{{attr::kFilesystemErrorKind, "damage"},
                          {attr::kFilesystemType, "ext4"},
                          {attr::kFilesystemDevice, "8:1"},
                          {attr::kFilesystemErrorPlace, "ext4_lookup:1700"}};
  CHECK(sentence(EventKind::filesystem_error, damage, {EntityKind::filesystem, "/srv"}) ==
        "filesystem:/srv (ext4) is damaged, found by ext4_lookup:1700");
  CHECK(sentence(EventKind::filesystem_error, damage) ==
        "the filesystem on 8:1 (ext4) is damaged, found by ext4_lookup:1700");
  CHECK(sentence(EventKind::filesystem_error, {{attr::kFilesystemErrorKind, "writeback"},
                                               {attr::kFilesystemDeviceName, "sda1"},
                                               {attr::kErrorType, "EIO"}}) ==
        "the filesystem on sda1 could not write data to its device: EIO");
}
