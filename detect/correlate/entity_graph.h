// SPDX-License-Identifier: Apache-2.0
// Who depends on whom, learnt from events alone: relations that probes tell (unit dependencies, devices, certificates,
// packages), listeners and connections (a client depends on the service that listens where it connects), and writers of
// files. Bounded; what is not told again ages out. Entities are its keys, never ids, so that it outlives a stream of
// frames. Pure; one owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "detect/model/frame.h"

namespace hostmedic::detect {

enum class Dependence : std::uint8_t {
  requires_,    // the unit fails with it (Requires=, BindsTo=, Requisite=)
  wants,        // started with it, lives without it
  after,        // started after it; says little by itself
  part_of,      // stopped and restarted with it
  connects_to,  // a client, and the service or endpoint that it asks
  stored_on,    // a filesystem and its device, a device and the one below it
  writes_to,    // a service and a filesystem
  runs_in,      // a container and the service of its engine
  uses,         // a service and a certificate
  owned_by,     // a service and the package that brought it
};
inline constexpr int kDependenceCount = 10;
std::string_view to_string(Dependence relation);
std::optional<Dependence> dependence_from(std::string_view text);
// How likely a fault of the target is felt by the dependent, 0..1. A judgement; the table in the source has the
// reasons.
double weight_of(Dependence relation);

struct Edge {
  Entity from, to;  // from depends on to
  Dependence relation{};
  MonoTime last;           // when it was told last
  std::uint32_t told = 1;  // how often
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.from, self.to, self.relation, self.last, self.told);
  }
};

// From a dependent to what it depends on.
struct Path {
  std::vector<Entity> entities;  // the dependent first, the other end last
  double weight = 0;             // product of the weights of its edges
  bool carries_failure = true;   // a failure at the end may make each on the way fail; not only slow or unable to write
};
// "service:nginx.service > service:app.service > service:db.service"
std::string to_string(const Path& path);

class EntityGraph {
 public:
  static constexpr std::size_t kMostEdges = 4096;
  static constexpr std::size_t kMostListeners = 1024;
  static constexpr int kMostHops = 4;
  static constexpr Duration kLife = std::chrono::hours(24);  // of what is not told again

  // Takes what an event tells of relations; others are ignored. about: its entity.
  void note(const Entity& about, const Event& event, MonoTime now);
  void relate(const Entity& from, Dependence relation, const Entity& to, MonoTime now);
  void unrelate(const Entity& from, Dependence relation, const Entity& to);
  // Forgets what is older than kLife. Cheap; at most once a minute does it look.
  void age(MonoTime now);

  bool has(const Entity& from, Dependence relation, const Entity& to) const;
  // The likeliest path by which `from` depends on `to`, of at most kMostHops edges.
  std::optional<Path> path(const Entity& from, const Entity& to) const;
  // All that depends on it, directly or not, with the likeliest path of each; nearest first, at most `most`.
  std::vector<Path> dependents(const Entity& of, std::size_t most) const;
  // All that it depends on, likewise; each path ends at the dependency.
  std::vector<Path> dependencies(const Entity& of, std::size_t most) const;

  // It is where this host looks names up: a service that listens on the port of name servers, on the loopback.
  bool answers_names(const Entity& service) const;

  const std::vector<Edge>& edges() const { return edges_; }
  std::size_t size() const { return edges_.size(); }
  std::uint64_t refused() const { return refused_; }
  std::size_t bytes_used() const;
  // For a snapshot.
  bool sane() const {
    return edges_.size() <= kMostEdges && listeners_.size() <= kMostListeners && clients_.size() <= kMostListeners;
  }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.edges_, self.listeners_, self.clients_, self.aged_, self.refused_);
  }

 private:
  struct Listener {
    std::string address;  // "127.0.0.1", "::"; any address: "0.0.0.0" or "::"
    std::string port;
    Entity service;
    MonoTime last;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.address, self.port, self.service, self.last);
    }
  };
  struct Client {  // connections to where nobody is known to listen yet
    Entity service;
    std::string address, port;
    bool here = false;  // an address of this host's own, besides loopback
    MonoTime last;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.service, self.address, self.port, self.here, self.last);
    }
  };
  void listens(const Entity& service, const Event& event, MonoTime now);
  void connects(const Entity& service, const Event& event, MonoTime now);
  void join(MonoTime now);
  static bool reaches(const Client& client, const Listener& listener);

  std::vector<Edge> edges_;
  std::vector<Listener> listeners_;
  std::vector<Client> clients_;
  MonoTime aged_;
  std::uint64_t refused_ = 0;
};

}  // namespace hostmedic::detect
