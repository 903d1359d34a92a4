// SPDX-License-Identifier: Apache-2.0
// A question to a container engine, for a worker's thread: over its socket where we may, else from its files on disk,
// for which CAP_DAC_READ_SEARCH is enough (membership of the docker group would be as good as root). Bounded in
// containers, bytes and time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "probes/container/container_table.h"
#include "probes/container/facts.h"

namespace hostmedic::container {

// Where an engine is. Paths are absolute; empty: it has none.
struct EnginePlace {
  std::string runtime;  // "docker", "podman"
  std::string socket;
  // The socket is used only while this control group is there: asking through it would start the service. Below sys.
  int sys = -1;
  std::string only_with_group = {};
  std::string docker_root = {};         // holds containers/ID/config.v2.json
  std::string docker_config = {};       // daemon.json, which may name another root
  std::vector<std::string> lists = {};  // directories that may hold a containers.json
};

struct EngineAnswer {
  std::optional<Error> error;
  Source source = Source::disk;
  bool all = false;  // facts are of all containers that there are
  std::vector<ContainerFacts> facts;
  std::vector<std::string> gone;  // asked for and not there
  Fd stream;                      // of all questions about all: the events from now on
  std::string begun;
  std::vector<std::pair<int, std::string>> watches;  // of inotify, with the id; an empty one: the directory of all
};

struct EngineJob {
  EnginePlace place;
  std::shared_ptr<const Fd> inotify;
  std::vector<std::string> ids;  // empty: all
  Source source = Source::disk;  // of a question about some: where the last answer came from
  Duration limit{};

  EngineAnswer run() const;

 private:
  EngineAnswer ask_all(MonoTime deadline) const;
  std::optional<Error> ask_socket(MonoTime deadline, EngineAnswer& answer) const;
  std::optional<Error> read_docker(EngineAnswer& answer) const;
  std::optional<Error> read_lists(EngineAnswer& answer) const;
  void inspect(const std::string& id, MonoTime deadline, EngineAnswer& answer) const;
  void read_config(const std::string& containers, const std::string& id, EngineAnswer& answer) const;
  std::string docker_containers() const;
  void watch(const std::string& path, const std::string& id, std::uint32_t mask, EngineAnswer& answer) const;
};

}  // namespace hostmedic::container
