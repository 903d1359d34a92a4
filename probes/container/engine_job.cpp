// SPDX-License-Identifier: Apache-2.0
#include "probes/container/engine_job.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "probes/container/engine_http.h"
#include "probes/container/engine_json.h"

namespace hostmedic::container {
namespace {

// {"type":["container"],"event":[...]}: without those of commands run inside, which every health check makes.
constexpr std::string_view kEvents =
    "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22create%22%2C%22start%22%2C%22die%22%2C"
    "%22died%22%2C%22oom%22%2C%22health_status%22%2C%22destroy%22%2C%22remove%22%2C%22rename%22%2C%22pause%22%2C"
    "%22unpause%22%5D%7D";
constexpr Bytes kMostFile = mib(1);

std::vector<std::string> ids_in(const std::string& directory) {
  struct CloseDir {
    void operator()(DIR* dir) const { (void)::closedir(dir); }
  };
  std::vector<std::string> ids;
  const std::unique_ptr<DIR, CloseDir> dir(::opendir(directory.c_str()));
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
    if (is_container_id(entry->d_name) && ids.size() < kMostContainers) ids.emplace_back(entry->d_name);
  }
  return ids;
}

}  // namespace

EngineAnswer EngineJob::run() const {
  const MonoTime deadline = mono_now() + limit;
  if (ids.empty()) return ask_all(deadline);
  EngineAnswer answer;
  answer.source = source;
  const std::string containers = source == Source::disk ? docker_containers() : "";
  for (const std::string& id : ids) {
    if (answer.error) break;
    if (source == Source::socket) {
      inspect(id, deadline, answer);
    } else {
      read_config(containers, id, answer);
    }
  }
  return answer;
}

EngineAnswer EngineJob::ask_all(MonoTime deadline) const {
  EngineAnswer answer;
  answer.all = true;
  const auto no_socket = ask_socket(deadline, answer);
  if (!no_socket) return answer;
  answer = {};
  answer.all = true;
  auto no_files = place.lists.empty() ? read_docker(answer) : read_lists(answer);
  if (!no_files) return answer;
  // An engine that is not installed, or that has not been started yet, has nothing to tell.
  if (no_files->code == ErrorCode::not_found && no_socket->code == ErrorCode::not_found) return answer;
  answer.all = false;  // but what could be read counts
  answer.error = no_files->code == ErrorCode::not_found ? *no_socket : *no_files;
  return answer;
}

std::optional<Error> EngineJob::ask_socket(MonoTime deadline, EngineAnswer& answer) const {
  const bool started =
      place.only_with_group.empty() || ::faccessat(place.sys, place.only_with_group.c_str(), F_OK, 0) == 0;
  if (place.socket.empty() || !started) return make_error(ErrorCode::not_found, "no socket");
  answer.source = Source::socket;
  // First the events from now on, so that nothing falls between.
  auto stream = http_stream(place.socket, std::string(kEvents), deadline);
  if (!stream) return std::move(stream).error().in(place.socket);
  auto list = http_get(place.socket, "/containers/json?all=1&limit=256", deadline);
  if (!list) return std::move(list).error().in(place.socket);
  auto listed = parse_id_list(*list);
  if (!listed) return std::move(listed).error().in(place.socket);
  for (const std::string& id : *listed) inspect(id, deadline, answer);
  if (answer.error) return answer.error;
  answer.gone.clear();
  answer.stream = std::move(stream->fd);
  answer.begun = std::move(stream->begun);
  return std::nullopt;
}

void EngineJob::inspect(const std::string& id, MonoTime deadline, EngineAnswer& answer) const {
  if (answer.error) return;
  auto text = http_get(place.socket, "/containers/" + id + "/json", deadline);
  if (!text && text.error().code == ErrorCode::not_found) {
    answer.gone.push_back(id);
    return;
  }
  auto facts = text ? parse_inspect(*text) : Result<ContainerFacts>(std::move(text).error());
  if (facts && facts->id == id) {
    answer.facts.push_back(std::move(*facts));
  } else if (!facts) {
    answer.error = std::move(facts).error().in(place.socket);
  }
}

std::string EngineJob::docker_containers() const {
  const auto config = read_file(place.docker_config, kMostFile);
  if (config) {
    // A file that cannot be read so is Docker's to complain about.
    const auto root = parse_data_root(*config);
    if (root && !root->empty()) return *root + "/containers";
  }
  return place.docker_root + "/containers";
}

void EngineJob::watch(const std::string& path, const std::string& id, std::uint32_t mask, EngineAnswer& answer) const {
  if (!inotify) return;
  const int wd = ::inotify_add_watch(inotify->get(), path.c_str(), mask | IN_ONLYDIR);
  if (wd >= 0) answer.watches.emplace_back(wd, id);
}

std::optional<Error> EngineJob::read_docker(EngineAnswer& answer) const {
  const std::string containers = docker_containers();
  const auto opened = open_dir(containers);
  if (!opened) return opened.error();
  watch(containers, "", IN_CREATE | IN_DELETE | IN_MOVED_TO, answer);
  for (const std::string& id : ids_in(containers)) read_config(containers, id, answer);
  answer.gone.clear();
  return answer.error;
}

void EngineJob::read_config(const std::string& containers, const std::string& id, EngineAnswer& answer) const {
  const std::string directory = containers + "/" + id;
  // Before it is read, so that no change falls between. The engine puts a new file in place of the old one.
  watch(directory, id, IN_MOVED_TO, answer);
  const auto text = read_file(directory + "/config.v2.json", kMostFile);
  if (!text && text.error().code == ErrorCode::not_found) {
    answer.gone.push_back(id);
    return;
  }
  auto facts = text ? parse_docker_config(*text) : Result<ContainerFacts>(text.error());
  if (facts && facts->id == id) {
    answer.facts.push_back(std::move(*facts));
  } else if (!facts && !answer.error) {
    answer.error = std::move(facts).error().in(directory);
  }
}

std::optional<Error> EngineJob::read_lists(EngineAnswer& answer) const {
  std::optional<Error> failed;
  bool any = false;
  for (const std::string& directory : place.lists) {
    watch(directory, "", IN_MOVED_TO | IN_CLOSE_WRITE, answer);
    for (const char* name : {"/containers.json", "/volatile-containers.json"}) {
      const auto text = read_file(directory + name, kMostFile);
      if (!text && text.error().code == ErrorCode::not_found) continue;
      auto rows = text ? parse_storage_list(*text) : Result<std::vector<ContainerFacts>>(text.error());
      if (!rows) {
        failed = std::move(rows).error().in(directory + name);
        continue;
      }
      any = true;
      for (ContainerFacts& row : *rows) {
        if (answer.facts.size() < kMostContainers) answer.facts.push_back(std::move(row));
      }
    }
  }
  if (failed) return failed;
  if (!any) return make_error(ErrorCode::not_found, "no list of containers");
  return std::nullopt;
}

}  // namespace hostmedic::container
