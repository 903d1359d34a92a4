// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_processes.h"

#include <dirent.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>

#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostProcesses = 65'536;
constexpr std::size_t kMostName = 64;
constexpr Bytes kMostStat = kib(8);

std::string base_of(const std::string& proc, int pid) { return proc + "/" + std::to_string(pid); }

std::string_view unit_of_path(std::string_view path) {
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name.ends_with(".slice")) continue;
    return name.ends_with(".service") || name.ends_with(".scope") ? name : std::string_view();
  }
  return {};
}

// Waits for the end of the process. False: it lives on.
bool ended_within(const Fd& process, Duration most) {
  const MonoTime end = mono_now() + most;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - mono_now()).count();
    struct pollfd wait{process.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
    if (ready > 0) return true;
    if (left <= 0) return false;
  }
}

Status send(const Fd& process, int signal) {
  if (::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0) return ok();
  return errno_error(errno, "signal " + std::to_string(signal));
}

// Frees its memory now, where the kernel can (5.15 on); else it does so as the process gets to run.
void release_memory(const Fd& process) {
#ifdef SYS_process_mrelease
  (void)::syscall(SYS_process_mrelease, process.get(), 0);
#else
  (void)process;
#endif
}

}  // namespace

bool is_dead(const ProcessSeen& process) { return process.state == 'Z' || process.state == 'X'; }

std::optional<ProcessSeen> read_process(const std::string& proc, int pid) {
  constexpr std::uint64_t kKernelThread = 0x00200000;
  const auto text = read_file(base_of(proc, pid) + "/stat", kMostStat);
  if (!text) return std::nullopt;
  // "312 (name) S parent ...": the name may hold blanks and brackets.
  const std::size_t open = text->find('('), close = text->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  ProcessSeen seen;
  seen.pid = pid;
  seen.name = printable(std::string_view(*text).substr(open + 1, close - open - 1), kMostName);
  TextCursor rest(std::string_view(*text).substr(close + 1));
  const std::string_view state = rest.word();
  std::int64_t fields[20] = {};  // fields 4 to 22 of proc(5)
  for (std::size_t i = 0; i < 19; ++i) {
    const auto number = parse_i64(rest.word());
    if (!number) return std::nullopt;
    fields[i + 1] = *number;
  }
  if (state.size() != 1 || (static_cast<std::uint64_t>(fields[6]) & kKernelThread) != 0) return std::nullopt;
  seen.state = state.front();
  seen.parent = static_cast<int>(fields[1]);
  seen.cpu_ticks = static_cast<std::uint64_t>(fields[11] + fields[12]);
  seen.nice = static_cast<int>(fields[16]);
  seen.threads = static_cast<std::uint64_t>(fields[17]);
  seen.started = static_cast<std::uint64_t>(fields[19]);
  return seen;
}

std::vector<ProcessSeen> list_processes(const std::string& proc) {
  std::vector<ProcessSeen> processes;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(proc.c_str()), ::closedir);
  while (dir && processes.size() < kMostProcesses) {
    const struct dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const auto pid = parse_u64(entry->d_name);
    if (!pid || *pid == 0 || *pid > 0x7fffffff) continue;
    if (auto process = read_process(proc, static_cast<int>(*pid))) processes.push_back(std::move(*process));
  }
  std::ranges::sort(processes, {}, &ProcessSeen::pid);
  return processes;
}

std::string unit_of_process(const std::string& proc, int pid) {
  const auto text = read_file(base_of(proc, pid) + "/cgroup", kib(64));
  if (!text) return {};
  // "hierarchy:controllers:path". Version 2, and systemd's own hierarchy where version 1 is mounted too.
  TextCursor lines(*text);
  while (!lines.at_end()) {
    const std::string_view line = lines.line();
    const std::size_t first = line.find(':'), second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    if (!line.starts_with("0::") && line.substr(first + 1, second - first - 1) != "name=systemd") continue;
    if (const std::string_view unit = unit_of_path(line.substr(second + 1)); !unit.empty()) return printable(unit, 255);
  }
  return {};
}

std::optional<std::uint64_t> memory_of(const std::string& proc, int pid) {
  const auto text = read_file(base_of(proc, pid) + "/status", kib(64));
  if (!text) return std::nullopt;
  std::uint64_t sum = 0;
  bool known = false;
  TextCursor lines(*text);
  while (!lines.at_end()) {
    const std::string_view line = lines.line();
    if (!line.starts_with("RssAnon:") && !line.starts_with("VmSwap:")) continue;
    TextCursor value(line.substr(line.find(':') + 1));
    const auto kibibytes = value.u64();
    if (!kibibytes) return std::nullopt;
    sum += *kibibytes << 10;
    known = true;
  }
  return known ? std::optional(sum) : std::nullopt;
}

std::optional<std::uint64_t> descriptors_of(const std::string& proc, int pid) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir((base_of(proc, pid) + "/fd").c_str()), ::closedir);
  if (!dir) return std::nullopt;
  std::uint64_t count = 0;
  while (const struct dirent* entry = ::readdir(dir.get()))
    if (entry->d_name[0] != '.') ++count;
  return count;
}

std::string words_of(const ProcessSeen& process) {
  return "pid " + std::to_string(process.pid) + " (" + process.name + ")";
}

Result<Fd> open_process(const std::string& proc, const ProcessSeen& process) {
  Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!handle && errno == ESRCH) return make_error(ErrorCode::not_found, words_of(process) + " is gone");
  if (!handle) return errno_error(errno, words_of(process));
  // Opened first, compared afterwards: what is compared is what the handle stands for.
  const auto now = read_process(proc, process.pid);
  if (!now || now->started != process.started || now->name != process.name)
    return make_error(ErrorCode::not_found, words_of(process) + " is gone, or its number is another's now");
  return handle;
}

Result<EndedProcess> end_process(const std::string& proc, const ProcessSeen& process, Duration grace, Duration most) {
  const MonoTime begin = mono_now();
  const auto handle = open_process(proc, process);
  if (!handle) return handle.error();
  EndedProcess ended;
  if (Status asked = send(*handle, SIGTERM); !asked) return Error(asked.error()).in(words_of(process));
  if (!ended_within(*handle, std::min(grace, most))) {
    if (Status killed = send(*handle, SIGKILL); !killed) return Error(killed.error()).in(words_of(process));
    ended.killed = true;
    release_memory(*handle);
    if (!ended_within(*handle, most - std::min(most, mono_now() - begin)))
      return make_error(ErrorCode::timeout, words_of(process) + " does not end, not even by SIGKILL");
  }
  ended.took = mono_now() - begin;
  return ended;
}

}  // namespace hostmedic
