// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/unix_links.h"

#include <cstring>

#include "probes/bpf/record/unix_sockets.h"
#include "probes/bpf/text.h"
#include "probes/parse/unit_name.h"

namespace hostmedic::bpf {

std::size_t UnixLinks::take(std::span<const std::byte> bytes) {
  std::size_t at = 0;
  for (; bytes.size() - at >= sizeof(hm_unix_socket); at += sizeof(hm_unix_socket)) {
    hm_unix_socket record;
    std::memcpy(&record, bytes.data() + at, sizeof record);
    const auto unit = text_of(record.unit);
    if (!is_followed_service(unit)) continue;
    if (servers_.size() >= kMost || clients_.size() >= kMost) {
      ++left_out_;
    } else if (record.serves != 0) {
      servers_.emplace(record.place, unit);
    } else {
      clients_.emplace(record.place, unit);
    }
  }
  return at;
}

std::set<std::pair<std::string, std::string>> UnixLinks::links() const {
  std::set<std::pair<std::string, std::string>> found;
  for (const auto& [place, client] : clients_) {
    const auto server = servers_.find(place);
    if (server != servers_.end() && server->second != client) found.emplace(client, server->second);
  }
  return found;
}

}  // namespace hostmedic::bpf
