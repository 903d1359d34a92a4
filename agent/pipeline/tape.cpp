// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/tape.h"

namespace hostmedic {
namespace {

// What the pipeline answers was answered when it was told first.
struct Teller {
  Pipeline& pipeline;
  void operator()(const TickInput& in) const { pipeline.tick(in.now); }
  void operator()(const SilenceInput& in) const { pipeline.silence(in.now); }
  void operator()(const OutcomeInput& in) const { pipeline.outcome(in.outcome, in.now); }
  void operator()(const ApproveInput& in) const { (void)pipeline.approve(in.incident_id, in.by, in.key, in.now); }
  void operator()(const RejectInput& in) const { (void)pipeline.reject(in.incident_id, in.by, in.reason, in.now); }
  void operator()(const BrakesInput& in) const { pipeline.set_brakes(in.brakes); }
  void operator()(const RelearnInput& in) const { (void)pipeline.relearn(in.entity_pattern); }
  void operator()(const AcknowledgeInput& in) const {
    (void)pipeline.acknowledge(in.incident_id, in.by, in.reason, in.now);
  }
  void operator()(const ExpectedInput& in) const { pipeline.set_expected(in.entries); }
  void operator()(const FeedbackInput& in) const { pipeline.set_feedback(in.all); }
  void operator()(const LeaseInput& in) const { pipeline.lease(in.answer, in.now); }
};

}  // namespace

void apply(Pipeline& pipeline, const PipelineInput& input) { std::visit(Teller{pipeline}, input); }

}  // namespace hostmedic
