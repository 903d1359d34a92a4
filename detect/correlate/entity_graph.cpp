// SPDX-License-Identifier: Apache-2.0
#include "detect/correlate/entity_graph.h"

#include <algorithm>
#include <iterator>

#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

constexpr Duration kAgeEvery = std::chrono::minutes(1);
constexpr double kLeastWeight = 0.05;  // a path weaker than this says nothing

struct RelationInfo {
  std::string_view name;
  double weight;         // how likely the dependent feels a fault of the other
  bool carries_failure;  // and may fail of it
};
constexpr std::array<RelationInfo, kDependenceCount> kRelations{{
    {"requires", 0.9, true},     // systemd itself stops the dependent, or never starts it
    {"wants", 0.3, false},       // started together; most programs live without the other
    {"after", 0.1, false},       // an order of starting is hardly a dependence
    {"part_of", 0.5, true},      // stops and restarts are passed on, failures are not
    {"connects_to", 0.8, true},  // requests fail; a cache may hide it
    {"stored_on", 0.95, true},   // nothing hides a broken device
    {"writes_to", 0.7, false},   // until the write fails, all is well
    {"runs_in", 0.9, true},      // without its engine a container cannot be restarted, and often not reached
    {"uses", 0.6, false},        // felt when the certificate ends, or is loaded again
    {"owned_by", 0.5, false},    // felt only when the package was changed
}};

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}
bool is_any(std::string_view address) { return address == "0.0.0.0" || address == "::" || address == "*"; }

// What lies at the other end of the likeliest path to each entity that can be reached, in steps of one edge.
struct Reached {
  double weight = 0;
  int hops = 0;
  bool carries_failure = true;
  Entity next;  // the neighbour on the way back to the start
};
template <class Ends>
std::map<Entity, Reached> reach(const std::vector<Edge>& edges, const Entity& start, int most_hops, Ends ends) {
  std::map<Entity, Reached> all{{start, {1, 0, true, start}}};
  for (int hops = 1; hops <= most_hops; ++hops) {
    bool grew = false;
    for (const Edge& edge : edges) {
      const auto& [near, far] = ends(edge);
      const auto known = all.find(near);
      if (known == all.end() || known->second.hops != hops - 1) continue;
      const double weight = known->second.weight * weight_of(edge.relation);
      if (weight < kLeastWeight) continue;
      const auto [place, fresh] = all.try_emplace(far);
      if (!fresh && place->second.weight >= weight) continue;
      const bool carries =
          known->second.carries_failure && kRelations[static_cast<std::size_t>(edge.relation)].carries_failure;
      place->second = {weight, hops, carries, near};
      grew = true;
    }
    if (!grew) break;
  }
  return all;
}
std::pair<const Entity&, const Entity&> downwards(const Edge& edge) { return {edge.from, edge.to}; }
std::pair<const Entity&, const Entity&> upwards(const Edge& edge) { return {edge.to, edge.from}; }

std::vector<Entity> way_back(const std::map<Entity, Reached>& all, const Entity& end) {
  std::vector<Entity> way{end};
  while (static_cast<int>(way.size()) <= EntityGraph::kMostHops) {
    const Reached& here = all.at(way.back());
    if (here.hops == 0) break;
    way.push_back(here.next);
  }
  return way;
}

std::vector<Path> paths(const std::map<Entity, Reached>& all, const Entity& start, std::size_t most, bool reversed) {
  std::vector<std::pair<const Entity*, const Reached*>> ends;
  for (const auto& [entity, reached] : all)
    if (entity != start) ends.emplace_back(&entity, &reached);
  std::ranges::stable_sort(ends, [](const auto& a, const auto& b) {
    return a.second->hops != b.second->hops ? a.second->hops < b.second->hops : a.second->weight > b.second->weight;
  });
  if (ends.size() > most) ends.resize(most);
  std::vector<Path> found;
  for (const auto& [entity, reached] : ends) {
    Path path{way_back(all, *entity), reached->weight, reached->carries_failure};
    if (reversed) std::ranges::reverse(path.entities);
    found.push_back(std::move(path));
  }
  return found;
}

}  // namespace

std::string_view to_string(Dependence relation) { return kRelations[static_cast<std::size_t>(relation)].name; }
std::optional<Dependence> dependence_from(std::string_view text) {
  const auto found = std::ranges::find(kRelations, text, &RelationInfo::name);
  if (found == kRelations.end()) return std::nullopt;
  return static_cast<Dependence>(found - kRelations.begin());
}
double weight_of(Dependence relation) { return kRelations[static_cast<std::size_t>(relation)].weight; }

std::string to_string(const Path& path) {
  std::string text;
  for (const Entity& entity : path.entities) text += (text.empty() ? "" : " > ") + to_string(entity);
  return text;
}

void EntityGraph::relate(const Entity& from, Dependence relation, const Entity& to, MonoTime now) {
  if (from == to) return;
  const auto known = std::ranges::find_if(
      edges_, [&](const Edge& edge) { return edge.relation == relation && edge.from == from && edge.to == to; });
  if (known != edges_.end()) {
    known->last = now;
    ++known->told;
  } else if (edges_.size() < kMostEdges) {
    edges_.push_back({from, to, relation, now});
  } else {
    ++refused_;
  }
}

bool EntityGraph::has(const Entity& from, Dependence relation, const Entity& to) const {
  return std::ranges::any_of(
      edges_, [&](const Edge& edge) { return edge.relation == relation && edge.from == from && edge.to == to; });
}

void EntityGraph::unrelate(const Entity& from, Dependence relation, const Entity& to) {
  std::erase_if(edges_,
                [&](const Edge& edge) { return edge.relation == relation && edge.from == from && edge.to == to; });
}

void EntityGraph::note(const Entity& about, const Event& event, MonoTime now) {
  // Scopes are sessions and containers, which have ports of their own.
  const auto service_of = [&](std::string_view key) {
    const std::string_view unit = event.get(key);
    if (unit.ends_with(".service") && unit.size() <= kMostEntityName)
      return Entity{EntityKind::service, std::string(unit)};
    return about;
  };
  switch (event.kind) {
    case EventKind::relation: {
      const auto relation = dependence_from(event.get(attr::kRelationType));
      const auto target = entity_from(event.get(attr::kRelationTarget));
      if (!relation || !target) return;
      if (event.get(attr::kRelationState) == "gone") return unrelate(about, *relation, *target);
      return relate(about, *relation, *target, now);
    }
    case EventKind::file_growth:
      if (about.kind == EntityKind::filesystem && event.get(attr::kWriterUnit).ends_with(".service"))
        relate(service_of(attr::kWriterUnit), Dependence::writes_to, about, now);
      return;
    case EventKind::listener: return listens(service_of(attr::kProcessUnit), event, now);
    case EventKind::destination: return connects(service_of(attr::kProcessUnit), event, now);
    default: return;
  }
}

void EntityGraph::listens(const Entity& service, const Event& event, MonoTime now) {
  if (service.kind != EntityKind::service) return;
  const std::string_view address = event.get(attr::kNetworkLocalAddress), port = event.get(attr::kNetworkLocalPort);
  const auto known = std::ranges::find_if(listeners_, [&](const Listener& one) {
    return one.port == port && one.address == address && one.service == service;
  });
  // A listener that closes is what is seen of a server that dies: who depends on it still does.
  if (event.get(attr::kListenerState) == "closed") return;
  if (known != listeners_.end()) {
    known->last = now;
    return;
  }
  // Another service took the port over.
  std::erase_if(listeners_, [&](const Listener& one) { return one.port == port && one.address == address; });
  if (listeners_.size() >= kMostListeners) {
    ++refused_;
    return;
  }
  listeners_.push_back({std::string(address), std::string(port), service, now});
  join(now);
}

void EntityGraph::connects(const Entity& service, const Event& event, MonoTime now) {
  if (service.kind != EntityKind::service) return;
  const std::string_view address = event.get(attr::kNetworkPeerAddress), port = event.get(attr::kNetworkPeerPort);
  // Both ends have one address: it is this host's.
  const bool here = event.get(attr::kNetworkLocalAddress) == address;
  const auto known = std::ranges::find_if(clients_, [&](const Client& one) {
    return one.port == port && one.address == address && one.service == service;
  });
  if (known != clients_.end()) {
    known->last = now;
    known->here = known->here || here;
  } else if (clients_.size() < kMostListeners) {
    clients_.push_back({service, std::string(address), std::string(port), here, now});
  } else {
    ++refused_;
    return;
  }
  join(now);
}

// Who connects where somebody listens depends on who listens; where nobody of this host does, on what is there.
bool EntityGraph::reaches(const Client& client, const Listener& listener) {
  if (client.port != listener.port) return false;
  if (client.address == listener.address) return true;
  const bool loopback = is_loopback(client.address);
  return ((loopback || client.here) && is_any(listener.address)) || (loopback && is_loopback(listener.address));
}

void EntityGraph::join(MonoTime now) {
  for (const Client& client : clients_) {
    if (client.last != now && (listeners_.empty() || listeners_.back().last != now)) continue;
    const auto server = std::ranges::find_if(listeners_, [&](const Listener& one) { return reaches(client, one); });
    if (server != listeners_.end()) {
      relate(client.service, Dependence::connects_to, server->service, now);
    } else if (!client.here && !is_loopback(client.address)) {
      const bool six = client.address.find(':') != std::string::npos;
      relate(client.service, Dependence::connects_to,
             {EntityKind::endpoint, "tcp://" + (six ? "[" + client.address + "]" : client.address) + ":" + client.port},
             now);
    }
  }
}

void EntityGraph::age(MonoTime now) {
  if (now - aged_ < kAgeEvery) return;
  aged_ = now;
  const auto old = [now](const auto& one) { return now - one.last > kLife; };
  std::erase_if(edges_, old);
  std::erase_if(listeners_, old);
  std::erase_if(clients_, old);
}

std::optional<Path> EntityGraph::path(const Entity& from, const Entity& to) const {
  const auto all = reach(edges_, from, kMostHops, downwards);
  const auto found = all.find(to);
  if (found == all.end() || from == to) return std::nullopt;
  Path path{way_back(all, to), found->second.weight, found->second.carries_failure};
  std::ranges::reverse(path.entities);
  return path;
}

std::vector<Path> EntityGraph::dependents(const Entity& of, std::size_t most) const {
  return paths(reach(edges_, of, kMostHops, upwards), of, most, false);
}

std::vector<Path> EntityGraph::dependencies(const Entity& of, std::size_t most) const {
  return paths(reach(edges_, of, kMostHops, downwards), of, most, true);
}

bool EntityGraph::answers_names(const Entity& service) const {
  return std::ranges::any_of(listeners_, [&](const Listener& one) {
    return one.port == "53" && one.service == service && (is_loopback(one.address) || is_any(one.address));
  });
}

std::size_t EntityGraph::bytes_used() const {
  std::size_t bytes = edges_.capacity() * sizeof(Edge) + listeners_.capacity() * sizeof(Listener) +
                      clients_.capacity() * sizeof(Client);
  for (const Edge& edge : edges_) bytes += edge.from.name.size() + edge.to.name.size();
  return bytes;
}

}  // namespace hostmedic::detect
