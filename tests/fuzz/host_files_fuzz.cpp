// SPDX-License-Identifier: Apache-2.0
// Every probe over the files of a captured host (tests/fixtures/hosts) of which some are not what they were: /proc,
// /sys, control groups, hardware. Input: byte 0 selects the host; then edits: which file (two bytes), how (put over its
// bytes, cut, or be all of it), where, how long, and the bytes. What must hold: no crash, no hang, a probe reads or
// says why not, and what it says fits into frames.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "agent/probe/frame_builder.h"
#include "detect/model/codec.h"
#include "probes/probe.h"
#include "probes/source/roots.h"
#include "support.h"

using namespace hostmedic;
using fuzz::check;
namespace fs = std::filesystem;

namespace {

constexpr const char* kHosts[] = {"bare-metal", "cgroup-v1", "container-host", "debian12-vm"};
constexpr WallTime kWall = wall_from_ns(1'790'000'000'000'000'000);

// One captured host, copied to where it may be changed.
struct Host {
  fuzz::Directory directory;
  std::vector<std::string> files;  // in the same order everywhere
  std::vector<std::string> texts;
  std::string root() const { return directory / "root"; }

  explicit Host(const char* name) {
    const auto as_they_are = fs::copy_options::recursive | fs::copy_options::copy_symlinks;
    fs::copy(std::string(HM_HOSTS "/") + name, root(), as_they_are);
    for (const auto& entry : fs::recursive_directory_iterator(root()))
      if (entry.is_regular_file() && !entry.is_symlink()) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
      std::ifstream in(file, std::ios::binary);
      texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
  }
};

class Reading {
 public:
  Reading(const Roots& roots, const ProbeSettings& settings) {
    for (const ProbeInfo* info : all_probes()) {
      auto made = info->make(ProbeContext{roots, settings});
      probes_.push_back(made ? std::move(*made) : nullptr);
    }
  }
  void read(int second) {
    const MonoTime now = mono_from_ns(second * 1'000'000'000LL);
    builder_.begin_tick(now, kWall);
    for (std::size_t i = 0; i < probes_.size(); ++i) {
      if (!probes_[i]) continue;
      const Status status = probes_[i]->read(now, builder_.sink(i));
      check(status || !status.error().message().empty());
    }
    for (int frames = 0; builder_.pending(); ++frames) {
      check(frames < 1000);
      bytes_.clear();
      encode_frame(builder_.next(now, kWall), bytes_);
      check(decode_frame(bytes_, again_).has_value());
      builder_.sent();
    }
  }

 private:
  FrameBuilder builder_;
  std::vector<std::unique_ptr<Probe>> probes_;
  std::string bytes_;
  Frame again_;
};

std::size_t edit(const Host& host, fuzz::Input& input) {
  const std::size_t file = input.number() % host.files.size();
  std::string text = host.texts[file];
  const std::size_t way = input.byte() % 3;
  const std::size_t at = text.empty() ? 0 : input.number() % text.size();
  const std::string_view bytes = input.take(input.number() % 4096);
  if (way == 0) text.replace(at, std::min(bytes.size(), text.size() - at), bytes);
  if (way == 1) text.resize(at);
  if (way == 2) text = bytes;
  fuzz::write_file(host.files[file], text);
  return file;
}

ProbeSettings nothing_of_this_machine() {
  ProbeSettings settings;  // these are absolute
  settings.log_roots.clear();
  settings.log_files.clear();
  settings.certificates.clear();
  settings.change_trees.clear();
  return settings;
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  using namespace std::string_literals;
  std::vector<std::string> seeds;
  for (char host = 0; host < 4; ++host) {
    seeds.push_back(std::string(1, host));
    for (int file = 1; file < 4; ++file)
      seeds.push_back(std::string(1, host) + "\0"s + static_cast<char>(file * 40) + "\0\0\x10\0\x03 -1"s);
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<Host> hosts[std::size(kHosts)];
  static const ProbeSettings settings = nothing_of_this_machine();
  fuzz::Input input(data, size);
  const std::size_t which = input.byte() % std::size(kHosts);
  if (!hosts[which]) hosts[which] = std::make_unique<Host>(kHosts[which]);
  const Host& host = *hosts[which];
  const auto roots = open_roots(host.root());
  check(roots.has_value());
  Reading reading(*roots, settings);
  reading.read(1);  // what it learns of the sound files meets the others next
  std::vector<std::size_t> changed;
  while (!input.empty() && changed.size() < 8) changed.push_back(edit(host, input));
  reading.read(2);
  Reading(*roots, settings).read(3);
  for (const std::size_t file : changed) fuzz::write_file(host.files[file], host.texts[file]);
  reading.read(4);
  return 0;
}
