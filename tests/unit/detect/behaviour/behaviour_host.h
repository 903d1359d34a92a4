// SPDX-License-Identifier: Apache-2.0
// A host for the tests of behaviour: time in days, events by what they mean.
#pragma once

#include <string>
#include <vector>

#include "detect/behaviour/behaviour_model.h"
#include "detect/model/names.h"

namespace hostmedic::test {

inline Event started(std::string_view path, std::string_view parent = "systemd", std::string_view user = "33") {
  return {EventKind::process_exec,
          EntityId{1},
          {},
          {{std::string(attr::kProcessPath), std::string(path)},
           {std::string(attr::kProcessParentName), std::string(parent)},
           {std::string(attr::kProcessUser), std::string(user)}}};
}
inline Event connected(std::string_view address, std::string_view port, std::string_view initial = "") {
  Event event{EventKind::destination,
              EntityId{1},
              {},
              {{std::string(attr::kNetworkPeerAddress), std::string(address)},
               {std::string(attr::kNetworkPeerPort), std::string(port)}}};
  if (!initial.empty()) event.attributes.push_back({std::string(attr::kNetworkInitial), std::string(initial)});
  return event;
}
inline Event listens(std::string_view port, std::string_view state = "listening") {
  return {EventKind::listener,
          EntityId{1},
          {},
          {{std::string(attr::kNetworkLocalAddress), "0.0.0.0"},
           {std::string(attr::kNetworkLocalPort), std::string(port)},
           {std::string(attr::kListenerState), std::string(state)}}};
}
inline Event deed(std::string_view kind, std::string_view object, std::string_view name = "x") {
  return {EventKind::behaviour,
          EntityId{1},
          {},
          {{std::string(attr::kBehaviourKind), std::string(kind)},
           {std::string(attr::kBehaviourObject), std::string(object)},
           {std::string(attr::kProcessName), std::string(name)}}};
}
inline Event logged(std::string_view id) {
  return {EventKind::log_template,
          EntityId{1},
          {},
          {{std::string(attr::kLogTemplateId), std::string(id)}, {std::string(attr::kLogSample), std::string(id)}}};
}

struct BehaviourHost {
  detect::BehaviourModel model;
  double second = 0;
  std::vector<detect::BehaviourFinding> found;

  BehaviourHost() { model.advance(at(0)); }
  static MonoTime at(double seconds) { return mono_from_ns(static_cast<std::int64_t>(seconds * 1e9)); }

  void wait(double seconds) {
    const double begin = second, end = second + seconds;
    while (second < end) {
      second = std::min(end, second + (second < begin + 90 ? 10 : 290));
      model.advance(at(second));
      for (const auto& finding : model.ripe()) found.push_back(finding);
    }
  }
  // Every hour nginx does what it always does.
  void days(double count, std::string_view unit = "nginx.service") {
    for (int hour = 0; hour < static_cast<int>(count * 24); ++hour) {
      usual(unit);
      wait(3600);
    }
  }
  void usual(std::string_view unit = "nginx.service") {
    note(unit, started("/usr/sbin/nginx", "nginx"));
    note(unit, connected("10.0.0.7", "5432"));
    note(unit, listens("80"));
    model.load(model.service(unit), unit, 0.3);
  }
  void note(std::string_view unit, const Event& event) { model.note(model.service(unit), unit, event); }
  void intrusion(std::string_view unit = "nginx.service") {
    note(unit, started("/tmp/x", "sh"));
    note(unit, connected("203.0.113.9", "4444"));
    model.load(model.service(unit), unit, 4);
  }
  const detect::BehaviourFinding* strong() const {
    for (const auto& finding : found)
      if (finding.strong) return &finding;
    return nullptr;
  }
};

}  // namespace hostmedic::test
