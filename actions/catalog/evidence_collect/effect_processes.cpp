// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <set>

#include "actions/catalog/evidence_collect/effect_package.h"
#include "actions/catalog/evidence_collect/effect_sources.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostOpenFiles = 4096, kMostTree = 4096, kMostHashed = 16;
constexpr std::uint64_t kMostOfFile = 1 << 20, kMostHashedBytes = 256ULL << 20;
// Copied as they are. The environment is not among them: it holds what nobody should keep.
constexpr const char* kFiles[] = {"status", "maps", "limits", "cgroup", "io", "wchan", "stack", "syscall", "mountinfo"};

std::string link_of(const std::string& path) {
  char target[4096];
  const ssize_t n = ::readlink(path.c_str(), target, sizeof target);
  return n < 0 ? "" : printable(std::string_view(target, static_cast<std::size_t>(n)), 1024);
}

std::vector<std::uint32_t> numbers_in(const std::string& directory) {
  std::vector<std::uint32_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
  while (const struct dirent* entry = dir ? ::readdir(dir.get()) : nullptr)
    if (const auto number = parse_u64(entry->d_name)) numbers.push_back(static_cast<std::uint32_t>(*number));
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// "12 (name) S 1 ...": state and parent stand after the last parenthesis, which the name may hold as well.
struct Stat {
  std::string name, state;
  std::uint32_t parent = 0;
};
std::optional<Stat> stat_of(const std::string& proc, std::uint32_t pid) {
  const auto text = read_file(proc + "/" + std::to_string(pid) + "/stat", kib(4));
  const std::size_t open = text ? text->find('(') : std::string::npos, close = text ? text->rfind(')') : open;
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  TextCursor cursor(std::string_view(*text).substr(close + 1));
  Stat stat{printable(std::string_view(*text).substr(open + 1, close - open - 1), 64), "", 0};
  stat.state = cursor.word();
  const auto parent = cursor.u64();
  stat.parent = parent ? static_cast<std::uint32_t>(*parent) : 0;
  return stat;
}

// Every process of the host with its parent; a star before those of the target.
void collect_tree(const EvidenceTarget& target, const std::string& proc, Stage& stage) {
  std::string text = "  pid ppid state name executable\n";
  std::size_t rows = 0;
  for (const std::uint32_t pid : numbers_in(proc)) {
    const auto stat = stat_of(proc, pid);
    if (!stat || ++rows > kMostTree) continue;
    const bool ours = std::binary_search(target.processes.begin(), target.processes.end(), pid);
    text += (ours ? "* " : "  ") + strf("%u %u ", pid, stat->parent) + stat->state + " " + stat->name + " " +
            link_of(proc + "/" + std::to_string(pid) + "/exe") + "\n";
  }
  if (rows > kMostTree) stage.leave_out("process/tree", strf("%zu processes", rows - kMostTree));
  stage.put("process/tree", text);
}

// What the process holds open; its sockets go into `sockets` by their inode.
void collect_open_files(const std::string& proc, std::uint32_t pid, std::set<std::string>& sockets, Stage& stage) {
  constexpr std::string_view kSocket = "socket:[";
  const std::string name = strf("process/%u/open-files", pid), directory = proc + "/" + std::to_string(pid) + "/fd";
  std::string text;
  std::size_t rows = 0;
  for (const std::uint32_t number : numbers_in(directory)) {
    const std::string link = link_of(directory + "/" + std::to_string(number));
    if (link.starts_with(kSocket) && link.ends_with("]"))
      sockets.insert(link.substr(kSocket.size(), link.size() - kSocket.size() - 1));
    if (++rows <= kMostOpenFiles) text += strf("%u ", number) + link + "\n";
  }
  if (rows > kMostOpenFiles) stage.leave_out(name, strf("%zu open files", rows - kMostOpenFiles));
  stage.put(name, text);
}

// The rows of one table of the kernel that are about these sockets; column: of the inode, from 0.
void collect_table(const std::string& name, const std::string& source, int column, const std::set<std::string>& sockets,
                   Stage& stage) {
  std::ifstream file(source);
  std::string text, line;
  for (bool heading = true; stage.goes_on() && text.size() < kMostOfFile && std::getline(file, line); heading = false) {
    TextCursor cursor(line);
    for (int i = 0; i < column && !heading; ++i) (void)cursor.word();
    if (heading || sockets.contains(std::string(cursor.word()))) text += printable(line, 400) + "\n";
  }
  if (text.find('\n') + 1 < text.size()) stage.put(name, text);
}

// Once for each network that the processes live in.
void collect_sockets(const EvidenceTarget& target, const std::string& proc, const std::set<std::string>& sockets,
                     Stage& stage) {
  constexpr std::pair<const char*, int> kTables[] = {{"tcp", 9}, {"tcp6", 9}, {"udp", 9}, {"udp6", 9}, {"unix", 6}};
  std::set<std::string> seen;
  for (const std::uint32_t pid : target.processes) {
    const std::string process = proc + "/" + std::to_string(pid);
    const std::string network = link_of(process + "/ns/net");
    if (!seen.insert(network).second) continue;
    for (const auto& [table, column] : kTables)
      collect_table(strf("network/%u-%s", pid, table), process + "/net/" + table, column, sockets, stage);
  }
}

// What they run, each file once.
void collect_hashes(const EvidenceTarget& target, const std::string& proc, Stage& stage) {
  std::map<std::pair<dev_t, ino_t>, std::string> found;  // where one that runs it links to it
  for (const std::uint32_t pid : target.processes) {
    const std::string path = proc + "/" + std::to_string(pid) + "/exe";
    struct stat seen{};
    if (::stat(path.c_str(), &seen) != 0) continue;
    if (found.size() == kMostHashed || static_cast<std::uint64_t>(seen.st_size) > kMostHashedBytes)
      stage.leave_out("hash of " + link_of(path), "too large, or one of too many");
    else
      found.try_emplace({seen.st_dev, seen.st_ino}, path);
  }
  std::string text;
  for (const auto& [file, path] : found) {
    const auto hash = hashes_of({path}, stage.left());
    if (!hash) stage.leave_out("hash of " + link_of(path), hash.error().message());
    if (hash) text += hash->front() + "  " + link_of(path) + "\n";
  }
  stage.put("process/executables", text);
}

}  // namespace

void collect_processes(const EvidenceTarget& target, const std::string& proc, Stage& stage) {
  collect_tree(target, proc, stage);
  std::set<std::string> sockets;
  for (const std::uint32_t pid : target.processes) {
    const std::string process = proc + "/" + std::to_string(pid), name = strf("process/%u/", pid);
    if (!stage.goes_on()) {
      stage.leave_out(name, "no time or room was left");
      continue;
    }
    if (const auto line = read_file(process + "/cmdline", kib(128)))
      stage.put(name + "cmdline", without_secrets(*line));
    for (const char* file : kFiles) stage.copy(name + file, process + "/" + file, kMostOfFile);
    collect_open_files(proc, pid, sockets, stage);
    stage.put(name + "links", "exe " + link_of(process + "/exe") + "\ncwd " + link_of(process + "/cwd") + "\nroot " +
                                  link_of(process + "/root") + "\n");
  }
  if (target.more_processes) stage.leave_out("process", strf("more than %zu of them", kMostEvidenceProcesses));
  collect_sockets(target, proc, sockets, stage);
  collect_hashes(target, proc, stage);
}

}  // namespace hostmedic
