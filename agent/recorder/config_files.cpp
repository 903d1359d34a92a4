// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/config_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/config/files.h"
#include "agent/config/policy_config.h"
#include "agent/config/runbook_config.h"
#include "detect/model/state_codec.h"

namespace hostmedic {
namespace {

constexpr std::uint32_t kMostFiles = 1024, kMostName = 4096;

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void collect(const std::string& path, const std::string& name, std::vector<ConfigFile>& ret_files) {
  auto text = read_file(path, Bytes{kMostConfigBytes});
  if (text && ret_files.size() < kMostFiles) ret_files.push_back({name, *std::move(text), path});
}

void collect_dir(const std::string& dir, const std::string& name, std::vector<ConfigFile>& ret_files) {
  Diagnostics unread;  // a directory that is not there has none
  for (const std::string& path : toml_files(dir, unread)) collect(path, name + "/" + base_name(path), ret_files);
}

// A directory that goes with its content.
class TemporaryDir {
 public:
  static Result<TemporaryDir> make() {
    const char* below = std::getenv("TMPDIR");
    std::string path = std::string(below == nullptr || *below == '\0' ? "/tmp" : below) + "/hostmedic-replay-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return errno_error(errno, path);
    return TemporaryDir(std::move(path));
  }
  TemporaryDir(TemporaryDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDir& operator=(TemporaryDir&&) = delete;
  ~TemporaryDir() {
    std::error_code ignored;  // what stays is small and in a place for such things
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// A name of a recording stays below the directory.
bool safe_name(const std::string& name) {
  return !name.empty() && name[0] != '/' && name.find("..") == std::string::npos &&
         name.find('\0') == std::string::npos;
}

Status write_below(const std::string& dir, const ConfigFile& file) {
  if (!safe_name(file.name)) return make_error(ErrorCode::malformed, "a file of the configuration has no good name");
  const std::string path = dir + "/" + file.name;
  std::error_code failed;
  std::filesystem::create_directories(path.substr(0, path.rfind('/')), failed);
  if (failed) return errno_error(failed.value(), path);
  return write_file_atomic(path, file.text, 0600);
}

// A runbook says where it came from, which is not this directory.
void name_source(const std::string& dir, const std::vector<ConfigFile>& files, std::string& ret_source) {
  for (const ConfigFile& file : files) {
    const std::string here = dir + "/" + file.name;
    if (ret_source.starts_with(here)) return void(ret_source.replace(0, here.size(), file.from));
  }
}

Status first_fault(const std::vector<Diagnostic>& diagnostics) {
  for (const Diagnostic& one : diagnostics)
    if (one.error) return make_error(ErrorCode::malformed, to_string(one));
  return ok();
}

}  // namespace

std::vector<ConfigFile> collect_config(const ConfigPlaces& places) {
  std::vector<ConfigFile> files;
  collect(places.agent.file, "hostmedic.toml", files);
  collect_dir(places.agent.drop_ins, "conf.d", files);
  collect(places.policy, "policy.toml", files);
  for (std::size_t i = 0; i < places.runbook_dirs.size(); ++i)
    collect_dir(places.runbook_dirs[i], strf("runbooks/%03zu", i), files);
  return files;
}

std::string encode_config(const std::vector<ConfigFile>& files) {
  detect::StateWriter out;
  out.put(static_cast<std::uint32_t>(files.size()));
  for (const ConfigFile& file : files) {
    out.put_text(file.name);
    out.put_text(file.text);
    out.put_text(file.from);
  }
  return out.take();
}

Result<std::vector<ConfigFile>> decode_config(std::string_view bytes) {
  detect::StateReader in(bytes);
  std::vector<ConfigFile> files;
  for (std::uint32_t left = in.get_count(kMostFiles); left > 0 && in.good(); --left) {
    ConfigFile& file = files.emplace_back();
    file.name = in.get_text(kMostName);
    file.text = in.get_text(kMostConfigBytes);
    file.from = in.get_text(kMostName);
  }
  if (!in.good() || !in.at_end()) return make_error(ErrorCode::malformed, "the configuration is cut");
  return files;
}

Result<DecidingConfig> load_config(const std::vector<ConfigFile>& files) {
  auto dir = TemporaryDir::make();
  if (!dir) return std::move(dir).error();
  std::vector<std::string> runbook_dirs;
  bool main_file = false;
  for (const ConfigFile& file : files) {
    if (Status written = write_below(dir->path(), file); !written) return std::move(written).error();
    main_file |= file.name == "hostmedic.toml";
    const std::string parent = dir->path() + "/" + file.name.substr(0, file.name.rfind('/'));
    const bool runbook = file.name.starts_with("runbooks/");
    if (runbook && (runbook_dirs.empty() || runbook_dirs.back() != parent)) runbook_dirs.push_back(parent);
  }
  // Where there was none, an empty one says the same: all at its defaults.
  if (!main_file)
    if (Status written = write_below(dir->path(), {"hostmedic.toml", ""}); !written) return std::move(written).error();
  auto agent = load_agent_config({.file = dir->path() + "/hostmedic.toml", .drop_ins = dir->path() + "/conf.d"});
  if (Status good = first_fault(agent.diagnostics); !good) return std::move(good).error();
  auto policy = load_policy(dir->path() + "/policy.toml", false);
  if (Status good = first_fault(policy.diagnostics); !good) return std::move(good).error();
  auto runbooks = load_runbooks(runbook_dirs);
  if (Status good = first_fault(runbooks.diagnostics); !good) return std::move(good).error();
  for (Runbook& runbook : runbooks.config) name_source(dir->path(), files, runbook.source);
  return DecidingConfig{std::move(agent.config), std::move(policy.config), std::move(runbooks.config)};
}

}  // namespace hostmedic
