// SPDX-License-Identifier: Apache-2.0
#include "detect/health/checkpoint.h"

#include "agent/base/text.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

namespace {
constexpr std::string_view kMagic = "HMCK";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kMostSections = 64, kMostName = 64;
constexpr std::size_t kChecksum = sizeof(std::uint64_t);
}  // namespace

Result<std::string> encode_checkpoint(const Checkpoint& checkpoint) {
  StateWriter writer;
  for (const char c : kMagic) writer.put(c);
  writer.put(kVersion);
  writer.put(to_ns(checkpoint.written));
  writer.put(static_cast<std::uint32_t>(checkpoint.sections.size()));
  for (const auto& [name, bytes] : checkpoint.sections) {
    writer.put_text(name);
    writer.put_text(bytes);
  }
  writer.put(fnv1a(writer.bytes()));
  if (writer.bytes().size() > kMostCheckpoint.count)
    return make_error(ErrorCode::limit, "the checkpoint would be " + format_bytes(Bytes{writer.bytes().size()}));
  return writer.take();
}

Result<Checkpoint> decode_checkpoint(std::string_view bytes) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + kChecksum)
    return make_error(ErrorCode::malformed, "not a checkpoint");
  StateReader checksum(bytes.substr(bytes.size() - kChecksum));
  bytes.remove_suffix(kChecksum);
  if (checksum.get<std::uint64_t>() != fnv1a(bytes))
    return make_error(ErrorCode::malformed, "the checksum of the checkpoint is wrong");
  StateReader reader(bytes.substr(kMagic.size()));
  const auto version = reader.get<std::uint32_t>();
  if (version != kVersion)
    return make_error(ErrorCode::unsupported, strf("the checkpoint has version %u, expected %u", version, kVersion));
  Checkpoint checkpoint;
  checkpoint.written = wall_from_ns(reader.get<std::int64_t>());
  for (std::uint32_t left = reader.get_count(kMostSections); left > 0 && reader.good(); --left) {
    std::string name = reader.get_text(kMostName);
    checkpoint.sections[std::move(name)] = reader.get_text(static_cast<std::uint32_t>(kMostCheckpoint.count));
  }
  if (!reader.good() || !reader.at_end()) return make_error(ErrorCode::malformed, "the checkpoint is cut");
  return checkpoint;
}

}  // namespace hostmedic::detect
