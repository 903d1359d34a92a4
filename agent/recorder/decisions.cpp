// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/decisions.h"

#include "agent/base/text.h"
#include "agent/record/record.h"
#include "detect/model/state_codec.h"

namespace hostmedic {
namespace {
constexpr std::size_t kMostText = 512;
}

std::string encode_decision(const DecisionNote& note) {
  detect::StateWriter out;
  out.put(static_cast<std::uint8_t>(note.kind));
  out.put_text(note.incident_id);
  out.put_text(note.text);
  out.put(note.hash);
  return out.take();
}

Result<DecisionNote> decode_decision(std::string_view bytes) {
  detect::StateReader in(bytes);
  DecisionNote note;
  const auto kind = in.get<std::uint8_t>();
  note.kind = static_cast<Command::Kind>(kind);
  note.incident_id = printable(in.get_text(kMostText), kMostText);
  note.text = printable(in.get_text(kMostText + 8), kMostText + 8);
  note.hash = in.get<std::uint64_t>();
  if (!in.good() || !in.at_end() || kind > static_cast<std::uint8_t>(Command::Kind::notify))
    return make_error(ErrorCode::malformed, "a decision is cut");
  return note;
}

DecisionNote DecisionHash::note(Command::Kind kind, const std::string& incident_id, std::string text,
                                std::string_view whole) {
  const char mark = static_cast<char>(kind);
  value_ = fnv1a(whole, fnv1a(std::string_view(&mark, 1), value_));
  return {kind, incident_id, printable(text, kMostText), value_};
}

DecisionNote DecisionHash::persist(const Incident& incident) {
  std::string text =
      strf("%s: %s of %s, %s, %.0f%% sure%s", std::string(to_string(incident.state)).c_str(), incident.kind.c_str(),
           to_string(incident.root).c_str(), std::string(to_string(incident.severity)).c_str(),
           100 * incident.confidence, incident.suspicion ? ", a suspicion" : "");
  if (!incident.timeline.empty()) text += "; " + incident.timeline.back().text;
  return note(Command::Kind::persist, incident.id, std::move(text), to_json(incident));
}

DecisionNote DecisionHash::submit(const Order& order) {
  return note(Command::Kind::order, order.incident_id, "order " + order.key + ": " + order.plan.what, to_json(order));
}

DecisionNote DecisionHash::notify(const Incident& incident, const std::string& text) {
  return note(Command::Kind::notify, incident.id, "told: " + text, incident.id + ": " + text);
}

}  // namespace hostmedic
