// SPDX-License-Identifier: Apache-2.0
// The whole state of a pipeline as bytes, and back: that of its engine, as a snapshot of its own, and the rest.
#include <array>

#include "actions/action_state.h"
#include "agent/pipeline/pipeline.h"
#include "detect/calendar/calendar_state.h"
#include "detect/health/snapshot.h"

namespace hostmedic::detect {

template <>
struct Members<Brakes> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.halted, self.halted_by, self.halted_at, self.maintenance, self.silences);
  }
};
template <>
struct Members<ProbeStatus> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.state, self.reason, self.attributes, self.since);
  }
};

}  // namespace hostmedic::detect

namespace hostmedic {
namespace {

// A new version with every change of what is kept, or of how it is acted upon.
constexpr detect::SnapshotKind kKind{"pipeline", "HMPS", 2};

std::array<detect::Print, 2> prints_of(const std::vector<Runbook>& runbooks, const guard::Policy& policy) {
  return {{{"runbooks", detect::print_of(runbooks)}, {"policy", detect::print_of(policy)}}};
}

}  // namespace

void Pipeline::save_own(detect::StateWriter& writer) const {
  detect::put_whole(writer, brakes_);
  detect::put_whole(writer, expected_);
  detect::put_whole(writer, feedback_);
  detect::put_whole(writer, now_);
  detect::put_whole(writer, history_);
  detect::put_whole(writer, probes_);
  detect::put_whole(writer, frames_);
  detect::put_whole(writer, notices_);
  conditions_.save_whole(writer);
  response_.save_whole(writer);
  if (lease_) detect::put_whole(writer, *lease_);
}

void Pipeline::load_own(detect::StateReader& reader) {
  detect::get_whole(reader, brakes_);
  detect::get_whole(reader, expected_);
  detect::get_whole(reader, feedback_);
  detect::get_whole(reader, now_);
  detect::get_whole(reader, history_);
  detect::get_whole(reader, probes_);
  detect::get_whole(reader, frames_);
  detect::get_whole(reader, notices_);
  conditions_.load_whole(reader);
  response_.load_whole(reader);
  lease_.reset();
  if (reader.good() && !reader.at_end()) detect::get_whole(reader, lease_.emplace(Lease{}));
}

Result<std::string> Pipeline::snapshot() const {
  auto engine = engine_->snapshot();
  if (!engine) return engine;
  detect::StateWriter writer;
  writer.put_text(*engine);
  save_own(writer);
  return detect::seal_snapshot(kKind, prints_of(runbooks_, policy_), writer.bytes());
}

Status Pipeline::restore_snapshot(std::string_view snapshot) {
  const auto payload = detect::open_snapshot(kKind, prints_of(runbooks_, policy_), snapshot);
  if (!payload) return payload.error();
  const auto engine_before = engine_->snapshot();
  if (!engine_before) return engine_before.error();
  detect::StateWriter before;
  save_own(before);
  detect::Literals none;  // the response keeps no literals
  detect::StateReader reader = detect::StateReader::exact(*payload, none);
  const std::string_view engine = reader.get_view(static_cast<std::uint32_t>(detect::kMostSnapshot.count));
  if (Status restored = engine_->restore_snapshot(engine); !restored) return restored;
  load_own(reader);
  if (reader.good() && reader.at_end()) return ok();
  detect::StateReader back = detect::StateReader::exact(before.bytes(), none);
  load_own(back);
  (void)engine_->restore_snapshot(*engine_before);  // it was this engine's own
  return make_error(ErrorCode::malformed, "the snapshot of the pipeline holds what cannot be");
}

}  // namespace hostmedic
