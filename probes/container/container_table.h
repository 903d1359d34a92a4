// SPDX-License-Identifier: Apache-2.0
// What is known of each container, from its engine and from its control group, and which event follows from a change.
// The entity is named as people name the container; by its short id where no name is known. One owner, the probe; not
// synchronised.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "probes/cgroup/layout.h"
#include "probes/container/facts.h"
#include "probes/probe.h"

namespace hostmedic::container {

// Who told of a container. A stream tells every death by itself; facts that were asked for along with it add the rest.
enum class Source : std::uint8_t { socket, disk };

class ContainerTable {
 public:
  explicit ContainerTable(std::size_t most = 2 * kMostContainers) : most_(most) {}

  // All containers that the engine knows. The first one tells what was found, later ones what changed meanwhile.
  void on_snapshot(std::string_view runtime, std::span<const ContainerFacts> containers, MonoTime now, Sink& sink);
  // One container, asked about.
  void on_facts(std::string_view runtime, const ContainerFacts& facts, Source source, MonoTime now, Sink& sink);
  void on_gone(std::string_view id, MonoTime now, Sink& sink);
  // A line of the stream. True: what it did not say has to be asked for.
  bool on_news(std::string_view runtime, const ContainerNews& news, MonoTime now, Sink& sink);

  // All containers that have a control group. Returns those that had one and whose engine does not tell how they ended.
  std::vector<std::string> on_groups(std::span<const GroupRow> groups, MonoTime now, Sink& sink);
  void on_ended(std::string_view id, std::optional<std::int64_t> exit_code, MonoTime now, Sink& sink);

  EntityId entity(std::string_view id, Sink& sink);  // kNoEntity if it is not in the table
  std::string entity_name(std::string_view id) const;
  // each(name of the entity, runtime) for all that have a control group.
  template <class Each>
  void running(Each each) const {
    for (const auto& [id, row] : rows_) {
      if (row.in_groups) each(name_of(row), row.runtime);
    }
  }
  void sample(Sink& sink);  // restarts of each
  std::size_t size() const { return rows_.size(); }
  // True once after the entity of a container got another name.
  bool take_renamed() { return std::exchange(renamed_, false); }
  std::uint64_t take_refused() { return std::exchange(refused_, 0); }

 private:
  struct Row {
    std::string runtime;
    ContainerFacts facts;
    bool in_engine = false, in_groups = false;
    std::optional<std::uint64_t> ran_with;  // the count of restarts when it was last seen to run
    std::optional<EntityId> entity;
    SeriesId restarts = kNoSeries;
  };
  struct Image {  // of the last container of a name
    std::string container, image, image_id;
  };
  using Rows = std::map<std::string, Row, std::less<>>;

  Row* add(std::string_view id, std::string_view runtime);
  void learn(Row& row, const ContainerFacts& facts, Sink& sink);
  void note_image(Row& row, MonoTime now, Sink& sink);
  void compare(Row& row, const ContainerFacts& before, bool deaths_too, MonoTime now, Sink& sink);
  void forget_if_unused(Rows::iterator at, Sink& sink);
  void tell(Row& row, std::string_view what, MonoTime now, Sink& sink);
  EntityId entity_of(Row& row, Sink& sink);
  std::string name_of(const Row& row) const;

  const std::size_t most_;
  Rows rows_;                            // by id
  std::map<std::string, Image> images_;  // by runtime and name, also of containers that are gone; at most most_
  std::vector<std::string> listed_;      // runtimes whose first snapshot was told
  bool grouped_ = false, renamed_ = false;
  std::uint64_t refused_ = 0;
};

}  // namespace hostmedic::container
