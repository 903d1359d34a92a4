// SPDX-License-Identifier: Apache-2.0
// What the pipeline is told besides frames, as values, and who listens to both and to what it decides: enough to play
// it again. Called from the io thread only.
#pragma once

#include <string>
#include <variant>

#include "agent/pipeline/pipeline.h"

namespace hostmedic {

struct TickInput {
  Now now;
};
struct SilenceInput {
  Now now;
};
struct OutcomeInput {
  Outcome outcome;
  Now now;
};
struct ApproveInput {
  std::string incident_id, by, key;
  Now now;
};
struct RejectInput {
  std::string incident_id, by, reason;
  Now now;
};
struct BrakesInput {
  Brakes brakes;
};
struct RelearnInput {
  std::string entity_pattern;
};
struct AcknowledgeInput {
  std::string incident_id, by, reason;
  Now now;
};
struct ExpectedInput {
  std::vector<detect::ExpectedEntry> entries;
};
struct FeedbackInput {
  std::vector<Feedback> all;
};
struct LeaseInput {
  LeaseAnswer answer;
  Now now;
};
using PipelineInput = std::variant<TickInput, SilenceInput, OutcomeInput, ApproveInput, RejectInput, BrakesInput,
                                   RelearnInput, AcknowledgeInput, ExpectedInput, FeedbackInput, LeaseInput>;

// Tells the pipeline the same again.
void apply(Pipeline& pipeline, const PipelineInput& input);

// Hears each input before the pipeline takes it, so that the pipeline's state is still the one before, and each
// decision before its output does.
class PipelineTape : public PipelineOutput {
 public:
  virtual void frame(const Frame& frame) = 0;
  virtual void input(const PipelineInput& input) = 0;
  // What follows is decided by another configuration.
  virtual void reconfigured() = 0;
};

}  // namespace hostmedic
