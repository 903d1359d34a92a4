// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/input_codec.h"

#include "agent/base/text.h"
#include "agent/pipeline/brakes_json.h"
#include "agent/record/record.h"
#include "detect/model/state_codec.h"

namespace hostmedic {
namespace {

using detect::StateReader;
using detect::StateWriter;

// The numbers are in recordings: they stay what they are.
enum class InputKind : std::uint8_t {
  tick = 1,
  silence,
  outcome,
  approve,
  reject,
  brakes,
  relearn,
  acknowledge,
  expected,
  feedback,
  lease
};

struct Encoder {
  StateWriter& out;
  void kind(InputKind kind) const { out.put(static_cast<std::uint8_t>(kind)); }
  void now(Now now) const {
    out.put(to_ns(now.mono));
    out.put(to_ns(now.wall));
  }
  void operator()(const TickInput& in) const { kind(InputKind::tick), now(in.now); }
  void operator()(const SilenceInput& in) const { kind(InputKind::silence), now(in.now); }
  void operator()(const OutcomeInput& in) const {
    kind(InputKind::outcome), now(in.now);
    out.put_text(to_json(in.outcome));
  }
  void operator()(const ApproveInput& in) const {
    kind(InputKind::approve), now(in.now);
    out.put_text(in.incident_id);
    out.put_text(in.by);
    out.put_text(in.key);
  }
  void operator()(const RejectInput& in) const {
    kind(InputKind::reject), now(in.now);
    out.put_text(in.incident_id);
    out.put_text(in.by);
    out.put_text(in.reason);
  }
  void operator()(const BrakesInput& in) const {
    kind(InputKind::brakes);
    out.put_text(brakes_to_json(in.brakes));
  }
  void operator()(const RelearnInput& in) const {
    kind(InputKind::relearn);
    out.put_text(in.entity_pattern);
  }
  void operator()(const AcknowledgeInput& in) const {
    kind(InputKind::acknowledge), now(in.now);
    out.put_text(in.incident_id);
    out.put_text(in.by);
    out.put_text(in.reason);
  }
  void operator()(const ExpectedInput& in) const {
    kind(InputKind::expected);
    out.put_text(expected_to_json(in.entries));
  }
  void operator()(const FeedbackInput& in) const {
    kind(InputKind::feedback);
    out.put_text(feedback_to_json(in.all));
  }
  void operator()(const LeaseInput& in) const {
    kind(InputKind::lease), now(in.now);
    out.put(static_cast<std::uint8_t>(in.answer.granted));
    out.put(static_cast<std::int64_t>(in.answer.lasts.count()));
    out.put_text(in.answer.text);
  }
};

constexpr std::uint32_t kMostText = 4096;

Now get_now(StateReader& in) {
  const auto mono = in.get<std::int64_t>();
  return {mono_from_ns(mono), wall_from_ns(in.get<std::int64_t>())};
}

}  // namespace

std::string encode_input(const PipelineInput& input) {
  StateWriter out;
  std::visit(Encoder{out}, input);
  return out.take();
}

Result<PipelineInput> decode_input(std::string_view bytes) {
  StateReader in(bytes);
  const auto whole = [&in](PipelineInput input) -> Result<PipelineInput> {
    if (!in.good() || !in.at_end()) return make_error(ErrorCode::malformed, "an input of the pipeline is cut");
    return input;
  };
  const auto kind = in.get<std::uint8_t>();
  switch (static_cast<InputKind>(kind)) {
    case InputKind::tick: return whole(TickInput{get_now(in)});
    case InputKind::silence: return whole(SilenceInput{get_now(in)});
    case InputKind::outcome: {
      const Now now = get_now(in);
      auto outcome = outcome_from_json(in.get_text(kMostRecordBytes));
      if (!outcome) return std::move(outcome).error().in("outcome");
      return whole(OutcomeInput{*std::move(outcome), now});
    }
    case InputKind::approve: {
      ApproveInput input;
      input.now = get_now(in);
      input.incident_id = in.get_text(kMostText);
      input.by = in.get_text(kMostText);
      input.key = in.get_text(kMostText);
      return whole(std::move(input));
    }
    case InputKind::reject: {
      RejectInput input;
      input.now = get_now(in);
      input.incident_id = in.get_text(kMostText);
      input.by = in.get_text(kMostText);
      input.reason = in.get_text(kMostText);
      return whole(std::move(input));
    }
    case InputKind::brakes: {
      auto brakes = brakes_from_json(in.get_text(kMostRecordBytes));
      if (!brakes) return std::move(brakes).error();
      return whole(BrakesInput{*std::move(brakes)});
    }
    case InputKind::acknowledge: {
      AcknowledgeInput input;
      input.now = get_now(in);
      input.incident_id = in.get_text(kMostText);
      input.by = in.get_text(kMostText);
      input.reason = in.get_text(kMostText);
      return whole(std::move(input));
    }
    case InputKind::expected: {
      auto entries = expected_from_json(in.get_text(kMostRecordBytes));
      if (!entries) return std::move(entries).error();
      return whole(ExpectedInput{*std::move(entries)});
    }
    case InputKind::feedback: {
      auto all = feedback_from_json(in.get_text(kMostRecordBytes));
      if (!all) return std::move(all).error();
      return whole(FeedbackInput{*std::move(all)});
    }
    case InputKind::lease: {
      LeaseInput input;
      input.now = get_now(in);
      input.answer.granted = in.get<std::uint8_t>() != 0;
      input.answer.lasts = Duration(in.get<std::int64_t>());
      input.answer.text = in.get_text(kMostText);
      return whole(std::move(input));
    }
    case InputKind::relearn: return whole(RelearnInput{in.get_text(kMostText)});
  }
  return make_error(ErrorCode::unsupported, strf("an input of kind %u, which this version does not know", kind));
}

}  // namespace hostmedic
