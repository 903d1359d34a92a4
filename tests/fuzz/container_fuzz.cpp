// SPDX-License-Identifier: Apache-2.0
// Drives everything that reads what a container engine hands out. Input: byte 0 selects the reader, the rest is the
// text. What must hold: no crash, bounded lists, ids that are ids, printable texts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "probes/container/engine_http.h"
#include "probes/container/engine_json.h"

using namespace hostmedic;
using namespace hostmedic::container;

namespace {

void check(bool holds) {
  if (!holds) __builtin_trap();
}
void check_text(std::string_view text) {
  check(text.size() <= kMostText);
  for (const char c : text) check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}
void check_facts(const ContainerFacts& facts) {
  check(is_container_id(facts.id));
  for (const auto& text : {facts.name, facts.image, facts.state, facts.health}) check_text(text);
}

constexpr void (*kReaders[])(std::string_view) = {
    [](std::string_view text) {
      const auto head = parse_http_head(text);
      if (head && *head) check((*head)->size <= text.size());
    },
    [](std::string_view text) {
      const auto ids = parse_id_list(text);
      if (!ids) return;
      check(ids->size() <= kMostContainers);
      for (const auto& id : *ids) check(is_container_id(id));
    },
    [](std::string_view text) {
      if (const auto facts = parse_inspect(text)) check_facts(*facts);
    },
    [](std::string_view text) {
      if (const auto facts = parse_docker_config(text)) check_facts(*facts);
    },
    [](std::string_view text) {
      const auto rows = parse_storage_list(text);
      if (!rows) return;
      check(rows->size() <= kMostContainers);
      for (const auto& row : *rows) check_facts(row);
    },
    [](std::string_view text) {
      const auto news = parse_news(text);
      if (!news) return;
      check(news->id.empty() || is_container_id(news->id));
      for (const auto& part : {news->action, news->name, news->image, news->health}) check_text(part);
    },
    [](std::string_view text) {
      const auto root = parse_data_root(text);
      if (root) check(root->empty() || root->front() == '/');
    },
};

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  const std::string id(64, 'a');
  return {
      std::string("\0HTTP/1.0 200 OK\r\nA: b\r\n\r\n{}", 29),
      "\1[{\"Id\":\"" + id + "\"}]",
      "\2{\"Id\":\"" + id + "\",\"Name\":\"/w\",\"RestartCount\":1,\"State\":{\"Status\":\"running\",\"ExitCode\":3}}",
      "\3{\"ID\":\"" + id + "\",\"Name\":\"/w\",\"State\":{\"Running\":true,\"Health\":{\"Status\":\"healthy\"}}}",
      "\4[{\"id\":\"" + id + "\",\"names\":[\"w\"],\"metadata\":\"{\\\"image-name\\\":\\\"i\\\"}\"}]",
      "\5{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"" + id +
          "\",\"Attributes\":{\"exitCode\":\"3\"}}}",
      "\6{\"data-root\":\"/srv\"}",
  };
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kReaders[data[0] % std::size(kReaders)](std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
