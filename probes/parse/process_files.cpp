// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/process_files.h"

#include "probes/parse/lines.h"

namespace hostmedic {
namespace {

// For each line "name: value ..." of the text, call(name, the rest).
template <class Call>
Status each_line(std::string_view text, Call call) {
  if (auto whole = require_whole_lines(text); !whole) return whole;
  TextCursor lines(text);
  unsigned number = 0;
  while (!lines.at_end()) {
    const std::string_view line = lines.line();
    ++number;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (auto status = call(line.substr(0, colon), Columns(line.substr(colon + 1), number)); !status) return status;
  }
  return ok();
}

}  // namespace

Result<ProcessStat> parse_process_stat(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  ProcessStat stat;
  // "PID (NAME) S ...": the name may itself hold brackets and blanks, what follows cannot.
  const std::size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return make_error(ErrorCode::malformed, "no name in brackets");
  Columns front(text.substr(0, open), 1);
  const std::uint64_t pid = front.need("pid");
  if (front.failed()) return std::move(front).error();
  stat.name = text.substr(open + 1, close - open - 1);
  TextCursor rest(text.substr(close + 1));
  const std::string_view state = rest.word();
  if (state.size() != 1) return make_error(ErrorCode::malformed, "no state");
  stat.state = state[0];
  Columns columns(rest.rest(), 1);
  const auto skip = [&](int count) {  // some may be negative
    while (count-- > 0) (void)columns.word();
  };
  const std::uint64_t parent = columns.need("ppid");
  skip(4);  // group, session, terminal, its group
  stat.flags = static_cast<std::uint32_t>(columns.need("flags"));
  stat.minor_faults = columns.need("minflt");
  skip(1);
  stat.major_faults = columns.need("majflt");
  skip(1);
  stat.user_ticks = columns.need("utime");
  stat.system_ticks = columns.need("stime");
  skip(4);  // of children, priority, nice
  stat.threads = columns.need("num_threads");
  skip(1);
  stat.start_ticks = columns.need("starttime");
  skip(1);
  stat.rss_pages = columns.need("rss");
  if (columns.failed()) return std::move(columns).error();
  if (pid > UINT32_MAX || parent > UINT32_MAX) return make_error(ErrorCode::malformed, "pid is too large");
  stat.pid = static_cast<std::uint32_t>(pid);
  stat.parent_pid = static_cast<std::uint32_t>(parent);
  return stat;
}

Result<ProcessStatus> parse_process_status(std::string_view text) {
  ProcessStatus status;
  auto read = each_line(text, [&](std::string_view name, Columns columns) -> Status {
    if (name == "Uid") {
      const std::uint64_t uid = columns.need("Uid");
      if (!columns.failed() && uid > UINT32_MAX) return make_error(ErrorCode::malformed, "Uid is too large");
      status.uid = static_cast<std::uint32_t>(uid);
    } else if (name == "VmSwap") {
      status.swap_bytes = columns.need("VmSwap", 1024);
    } else if (name == "voluntary_ctxt_switches") {
      status.voluntary_switches = columns.need(name);
    } else if (name == "nonvoluntary_ctxt_switches") {
      status.involuntary_switches = columns.need(name);
    }
    if (columns.failed()) return std::move(columns).error();
    return ok();
  });
  if (!read) return std::move(read).error();
  return status;
}

Result<ProcessIo> parse_process_io(std::string_view text) {
  std::optional<std::uint64_t> in, out;
  auto read = each_line(text, [&](std::string_view name, Columns columns) -> Status {
    if (name == "read_bytes") in = columns.need(name);
    if (name == "write_bytes") out = columns.need(name);
    if (columns.failed()) return std::move(columns).error();
    return ok();
  });
  if (!read) return std::move(read).error();
  if (!in || !out) return make_error(ErrorCode::malformed, "no read_bytes or write_bytes");
  return ProcessIo{*in, *out};
}

Result<std::uint64_t> parse_process_run_delay(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  Columns columns(text, 1);
  columns.skip("time on a CPU");
  const std::uint64_t delay = columns.need("run delay");
  if (columns.failed()) return std::move(columns).error();
  return delay;
}

}  // namespace hostmedic
