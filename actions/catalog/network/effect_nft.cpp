// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/network/effect_nft.h"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>

#include "actions/catalog/effect_child.h"
#include "actions/catalog/effect_unit.h"
#include "agent/base/fd.h"
#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

namespace json = boost::json;

constexpr const char* kNft = "/usr/sbin/nft";
constexpr auto kPatience = std::chrono::seconds(10);
constexpr const char* kTable = "hostmedic";
constexpr std::string_view kLabel = "hostmedic";
constexpr std::size_t kMostOutput = 4 << 20;

// Descriptor to read the text from.
Fd memory_file(const std::string& text) {
  Fd file(::memfd_create("input", MFD_CLOEXEC));
  const ssize_t n = file ? ::pwrite(file.get(), text.data(), text.size(), 0) : -1;
  if (n < 0 || static_cast<std::size_t>(n) != text.size()) return Fd();
  return file;
}

const json::value* member(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
}

// Visits each {"kind": {...}} of `nft -j`.
template <class Visit>
bool each_item(std::string_view text, Visit visit) {
  json::error_code error;
  const json::value root = json::parse({text.data(), text.size()}, error);
  const json::value* list = error ? nullptr : member(root, "nftables");
  const json::array* items = list == nullptr ? nullptr : list->if_array();
  if (items == nullptr) return false;
  for (const json::value& item : *items)
    if (const json::object* object = item.if_object())
      for (const auto& [kind, value] : *object) visit(std::string_view(kind.data(), kind.size()), value);
  return true;
}

std::string_view text_of(const json::value* value) {
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

// Visits each element of a set; what is not there has none.
template <class Visit>
void each_element(std::string_view text, std::string_view name, Visit visit) {
  (void)each_item(text, [&](std::string_view kind, const json::value& item) {
    if (kind != "set" || text_of(member(item, "name")) != name) return;
    const json::value* elements = member(item, "elem");
    const json::array* list = elements == nullptr ? nullptr : elements->if_array();
    if (list == nullptr) return;
    for (const json::value& element : *list) visit(element);
  });
}

Result<std::string> listed(std::vector<std::string> what) {
  what.insert(what.begin(), {kNft, "-j", "list"});
  auto ended = capture_program({.argv = std::move(what), .most_output = kMostOutput}, kPatience);
  if (!ended) return ended.error();
  if (ended->status != 0) return make_error(ErrorCode::io, "nft does not list its tables");
  if (ended->cut) return make_error(ErrorCode::limit, "there are too many tables or rules");
  return std::move(ended->output);
}

}  // namespace

Status nft_is_there() {
  if (::access(kNft, X_OK) == 0) return ok();
  return make_error(ErrorCode::unsupported, "not here, because nft (package nftables) is not installed");
}

Status run_nft(const std::string& script) {
  if (Status there = nft_is_there(); !there) return there;
  const Fd input = memory_file(script);
  if (!input) return errno_error(errno, "memory for a script");
  const auto ended = capture_program({.argv = {kNft, "-f", "-"}, .input = input.get()}, kPatience);
  if (!ended) return ended.error();
  if (ended->status == 0) return ok();
  return make_error(ErrorCode::io, "nft refused the rules; the journal of this order's unit says why");
}

Result<std::string> list_nft() {
  if (Status there = nft_is_there(); !there) return std::move(there).error();
  // Asked for a table that is not there, it fails as it does without the right to look.
  const auto tables = listed({"tables"});
  if (!tables) return tables;
  if (!nft_has(*tables, "table", kTable)) return make_error(ErrorCode::not_found, "there is no table of ours");
  return listed({"table", "inet", kTable});
}

std::string nft_label() {
  constexpr std::string_view kUnit = "hostmedic-order-", kSuffix = ".service";
  constexpr std::size_t kKey = 24;
  const auto text = read_file("/proc/self/cgroup", kib(16));
  const std::size_t at = text ? text->find(kUnit) : std::string::npos;
  if (at == std::string::npos) return std::string(kLabel);
  const std::string_view rest = std::string_view(*text).substr(at + kUnit.size());
  if (rest.size() < kKey + kSuffix.size() || !rest.substr(kKey).starts_with(kSuffix)) return std::string(kLabel);
  const std::string_view key = rest.substr(0, kKey);
  if (key.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::string(kLabel);
  return std::string(kLabel) + " order " + std::string(key);
}

Result<NftCounts> parse_nft_counts(std::string_view text) {
  NftCounts counts;
  const bool parsed = each_item(text, [&](std::string_view kind, const json::value& rule) {
    if (kind != "rule") return;
    ++counts.rules;
    const json::value* parts = member(rule, "expr");
    const json::array* expressions = parts == nullptr ? nullptr : parts->if_array();
    if (expressions == nullptr) return;
    for (const json::value& part : *expressions) {
      const json::value* counter = member(part, "counter");
      const json::value* packets = counter == nullptr ? nullptr : member(*counter, "packets");
      const std::int64_t* number = packets == nullptr ? nullptr : packets->if_int64();
      if (number != nullptr && *number > 0) counts.packets += static_cast<std::uint64_t>(*number);
    }
  });
  if (!parsed) return make_error(ErrorCode::malformed, "what nft says is not JSON");
  return counts;
}

std::optional<std::string> nft_chain_label(std::string_view text, std::string_view chain) {
  std::optional<std::string> label;
  (void)each_item(text, [&](std::string_view kind, const json::value& rule) {  // nothing there has no label
    if (label || kind != "rule" || text_of(member(rule, "chain")) != chain) return;
    const std::string_view comment = text_of(member(rule, "comment"));
    if (comment.starts_with(kLabel)) label = printable(comment, 80);
  });
  return label;
}

bool nft_has(std::string_view text, std::string_view wanted_kind, std::string_view name) {
  bool found = false;
  (void)each_item(text, [&](std::string_view kind, const json::value& item) {
    found = found || (kind == wanted_kind && text_of(member(item, "name")) == name);
  });
  return found;
}

std::size_t nft_set_size(std::string_view text, std::string_view name) {
  std::size_t size = 0;
  each_element(text, name, [&](const json::value&) { ++size; });
  return size;
}

std::optional<std::string> nft_element_label(std::string_view text, std::string_view set, std::string_view value) {
  std::optional<std::string> label;
  each_element(text, set, [&](const json::value& element) {
    // Plain, or {"elem": {"val": ..., "comment": ...}} with what belongs to it.
    const json::value* more = member(element, "elem");
    if (text_of(more == nullptr ? &element : member(*more, "val")) != value) return;
    label = more == nullptr ? std::string() : printable(text_of(member(*more, "comment")), 80);
  });
  return label;
}

std::string_view detail_of(std::span<const Attribute> was, std::string_view key) {
  for (const Attribute& one : was)
    if (one.key == key) return one.value;
  return {};
}

std::string timer_set(std::string_view name, std::chrono::seconds lasts) {
  const std::string timeout = lasts.count() == 0 ? "" : strf(" timeout %llds", static_cast<long long>(lasts.count()));
  return "add set inet hostmedic " + std::string(name) + " { type nf_proto; flags timeout; }\n" +
         "add element inet hostmedic " + std::string(name) + " { ipv4" + timeout + ", ipv6" + timeout + " }\n";
}

}  // namespace hostmedic
