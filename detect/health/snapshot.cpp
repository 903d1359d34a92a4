// SPDX-License-Identifier: Apache-2.0
#include "detect/health/snapshot.h"

#include "agent/base/text.h"

namespace hostmedic::detect {

namespace {
constexpr std::uint32_t kMostPrints = 64;
}

// Eight bytes at a time: a snapshot is megabytes.
std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ bytes.size();
  for (; bytes.size() >= sizeof hash; bytes.remove_prefix(sizeof hash)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    hash = (hash ^ word) * 0x100000001b3ULL;
    hash ^= hash >> 32;
  }
  return fnv1a(bytes, hash);
}

Result<std::string> seal_snapshot(const SnapshotKind& kind, std::span<const Print> prints, std::string_view payload) {
  StateWriter writer;
  for (const char c : kind.magic) writer.put(c);
  writer.put(kind.version);
  writer.put(static_cast<std::uint32_t>(prints.size()));
  for (const Print& print : prints) writer.put(print.hash);
  writer.put_raw(std::span<const char>(payload));
  writer.put(hash_of(writer.bytes()));
  if (writer.bytes().size() > kMostSnapshot.count)
    return make_error(ErrorCode::limit, "the snapshot of the " + std::string(kind.what) + " would be " +
                                            format_bytes(Bytes{writer.bytes().size()}));
  return writer.take();
}

Result<std::string_view> open_snapshot(const SnapshotKind& kind, std::span<const Print> prints,
                                       std::string_view bytes) {
  const std::string what = "snapshot of the " + std::string(kind.what);
  if (!bytes.starts_with(kind.magic) || bytes.size() < kind.magic.size() + sizeof(std::uint64_t))
    return make_error(ErrorCode::malformed, "not a " + what);
  StateReader checksum(bytes.substr(bytes.size() - sizeof(std::uint64_t)));
  bytes.remove_suffix(sizeof(std::uint64_t));
  if (checksum.get<std::uint64_t>() != hash_of(bytes))
    return make_error(ErrorCode::malformed, "the " + what + " is damaged: its checksum is wrong");
  StateReader reader(bytes.substr(kind.magic.size()));
  const auto version = reader.get<std::uint32_t>();
  if (version != kind.version)
    return make_error(ErrorCode::unsupported,
                      "the " + what + strf(" has version %u, this program reads %u", version, kind.version));
  if (reader.get_count(kMostPrints) != prints.size())
    return make_error(ErrorCode::malformed, "the " + what + " is cut");
  for (const Print& print : prints)
    if (reader.get<std::uint64_t>() != print.hash)
      return make_error(ErrorCode::conflict,
                        "the " + what + " was taken under another configuration: " + std::string(print.part));
  if (!reader.good()) return make_error(ErrorCode::malformed, "the " + what + " is cut");
  return bytes.substr(bytes.size() - reader.left());
}

}  // namespace hostmedic::detect
