// SPDX-License-Identifier: Apache-2.0
#include "agent/self/usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "agent/base/file.h"
#include "agent/base/parse.h"

namespace hostmedic {

Result<Usage> own_usage() {
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) != 0) return errno_error(errno, "getrusage");
  const auto duration = [](const timeval& t) {
    return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
  };
  Usage usage;
  usage.cpu = duration(used.ru_utime) + duration(used.ru_stime);
  usage.switches = static_cast<std::uint64_t>(used.ru_nvcsw);
  auto text = read_file("/proc/self/statm", kib(4));
  if (!text) return std::move(text).error();
  TextCursor words(*text);
  (void)words.word();  // total size is of no interest
  const auto pages = words.u64();
  if (!pages) return make_error(ErrorCode::malformed, "statm: " + pages.error().context);
  usage.resident = Bytes{*pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))};
  return usage;
}

}  // namespace hostmedic
