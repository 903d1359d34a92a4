// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/evidence_collect/effect_package.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "actions/catalog/effect_child.h"
#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr Duration kPackTime = std::chrono::seconds(60);  // the unit's own limit ends it sooner
constexpr const char* kZstd = "/usr/bin/zstd";

std::uint64_t size_of(const std::string& path) {
  struct stat seen{};
  return ::stat(path.c_str(), &seen) == 0 ? static_cast<std::uint64_t>(seen.st_size) : 0;
}

// Every member's hash, also into the package itself, as `sha256sum --check` reads it.
Status hash_members(Stage& stage) {
  std::vector<std::string> paths;
  for (const EvidenceMember& member : stage.members()) paths.push_back(stage.directory() + "/" + member.name);
  const auto hashes = hashes_of(paths, kPackTime);
  if (!hashes) return hashes.error();
  std::string list;
  for (std::size_t i = 0; i < hashes->size(); ++i) {
    stage.members()[i].sha256 = (*hashes)[i];
    list += (*hashes)[i] + "  " + stage.members()[i].name + "\n";
  }
  return write_file_atomic(stage.directory() + "/SHA256SUMS", list, 0600);
}

Status make_archive(const Stage& stage, const std::string& path, bool zstd) {
  const auto ended =
      run_program({"/usr/bin/tar", "--create", "--file=" + path, "--directory=" + stage.directory(), "--sort=name",
                   "--owner=0", "--group=0", "--numeric-owner", zstd ? "--zstd" : "--gzip", "."},
                  kPackTime);
  if (!ended) return ended.error();
  if (*ended != 0) return make_error(ErrorCode::io, strf("tar ended with status %d", *ended));
  const auto file = open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW);
  if (!file) return file.error();
  if (::fsync(file->get()) != 0) return errno_error(errno, "fsync " + path);
  return ok();
}

std::string head_of(const std::string& directory) {
  const auto text = read_file(directory + "/" + kEvidenceHead, Bytes{128});
  return text && is_sha256(trim(*text)) ? std::string(trim(*text)) : "-";
}

// First the manifest, then the head that names it.
Result<std::string> chain(const std::string& directory, const std::string& name, const EvidenceManifest& manifest) {
  const std::string path = directory + "/" + name + std::string(kManifestEnding);
  if (Status written = write_file_atomic(path, to_text(manifest), 0600); !written) return written.error();
  const auto hash = hashes_of({path}, kPackTime);
  if (!hash) return hash.error();
  const std::string head = directory + "/" + kEvidenceHead;
  if (Status written = write_file_atomic(head, hash->front() + "\n", 0600); !written) return written.error();
  return hash->front();
}

}  // namespace

Result<std::vector<std::string>> hashes_of(const std::vector<std::string>& paths, Duration most) {
  Program program{.argv = {"/usr/bin/sha256sum", "--"}, .most_output = 4 << 20};
  program.argv.insert(program.argv.end(), paths.begin(), paths.end());
  std::vector<std::string> hashes;
  if (paths.empty()) return hashes;
  const auto end = capture_program(program, most);
  if (!end) return end.error();
  for (const std::string_view line : split(end->output, '\n'))
    if (is_sha256(line.substr(0, 64))) hashes.emplace_back(line.substr(0, 64));
  if (end->status != 0 || hashes.size() != paths.size())
    return make_error(ErrorCode::io, strf("sha256sum ended with status %d", end->status));
  return hashes;
}

Result<Packed> pack(Stage& stage, const std::string& directory, const std::string& name, const std::string& target) {
  if (Status hashed = hash_members(stage); !hashed) return hashed.error();
  const bool zstd = ::access(kZstd, X_OK) == 0;
  Packed packed;
  packed.manifest.package = name + (zstd ? ".tar.zst" : ".tar.gz");
  packed.path = directory + "/" + packed.manifest.package;
  std::error_code ignored;
  if (Status made = make_archive(stage, packed.path, zstd); !made) {
    std::filesystem::remove(packed.path, ignored);
    return made.error();
  }
  const auto hash = hashes_of({packed.path}, kPackTime);
  if (!hash) return hash.error();
  packed.manifest.sha256 = hash->front();
  packed.manifest.bytes = size_of(packed.path);
  packed.manifest.previous = head_of(directory);
  packed.manifest.target = target;
  packed.manifest.members = stage.members();
  packed.manifest.left_out = stage.left_out();
  auto chained = chain(directory, name, packed.manifest);
  if (!chained) return chained.error();
  packed.manifest_sha256 = std::move(*chained);
  std::filesystem::remove_all(stage.directory(), ignored);
  thin_out(directory, kMostPackages, kMostPackageBytes);
  return packed;
}

std::size_t thin_out(const std::string& directory, std::size_t most, std::uint64_t most_bytes) {
  std::vector<std::string> names;  // of packages, oldest first: they begin with their time
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(directory, failed)) {
    const std::string name = entry.path().filename().string();
    const std::size_t dot = name.find('.');
    if (dot != std::string::npos && is_package_name(name.substr(0, dot)) && !name.ends_with(kManifestEnding))
      names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  std::uint64_t bytes = 0;
  for (const std::string& name : names) bytes += size_of(directory + "/" + name);
  std::size_t removed = 0;
  for (; removed + 1 < names.size() && (names.size() - removed > most || bytes > most_bytes); ++removed) {
    const std::string path = directory + "/" + names[removed];
    bytes -= size_of(path);
    std::filesystem::remove(path, failed);
    std::filesystem::remove(
        directory + "/" + names[removed].substr(0, names[removed].find('.')) + std::string(kManifestEnding), failed);
  }
  return removed;
}

}  // namespace hostmedic
