// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/syscall_kinds.h"

#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <set>

using namespace hostmedic::bpf;

TEST_CASE("errors that mean trouble are told by name, answers are not counted") {
  const auto kinds = error_kinds();
  CHECK(error_name(kinds[ENOSPC]) == "ENOSPC");
  CHECK(error_name(kinds[EMFILE]) == "EMFILE");
  CHECK(error_name(kinds[EDQUOT]) == "EDQUOT");
  CHECK(error_name(kinds[ECONNRESET]) == "ECONNRESET");
  CHECK(error_name(kinds[ENETUNREACH]) == "other");
  CHECK(error_name(kinds[EPIPE]) == "other");
  for (const int everyday : {0, EAGAIN, EINTR, EINPROGRESS, ENOENT, ENOTTY, EBADF}) CHECK(kinds[everyday] == 0);
  std::set<std::string_view> names;
  for (const auto kind : kinds) {
    if (kind != 0) CHECK_FALSE(error_name(kind).empty());
    if (kind != 0) names.insert(error_name(kind));
  }
  CHECK(names.size() == 13);
  CHECK(error_name(0).empty());
  CHECK(error_name(14).empty());
  CHECK(error_name(UINT32_MAX).empty());
}

TEST_CASE("calls are told by kind, and those that wait are not counted") {
  const auto kinds = call_kinds();
  CHECK(call_name(kinds[SYS_openat]) == "open");
  CHECK(call_name(kinds[SYS_connect]) == "connect");
  CHECK(call_name(kinds[SYS_fsync]) == "write");
  CHECK(call_name(kinds[SYS_execve]) == "process");
  CHECK(call_name(kinds[SYS_getppid]) == "other");
  CHECK(kinds[SYS_futex] == HM_CALL_IGNORED);
  for (const auto kind : kinds) CHECK((kind == HM_CALL_IGNORED || !call_name(kind).empty()));
  CHECK(call_name(HM_CALLS).empty());
}
