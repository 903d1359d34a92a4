// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/waiting.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "agent/base/text.h"
#include "agent/record/json_fields.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace {

bool is_about(const SignedWord& word, const WaitingPlan& plan) {
  return word.incident_id == plan.incident_id &&
         (word.key == plan.order.key || std::ranges::find(plan.others, word.key, &Order::key) != plan.others.end());
}

}  // namespace

void WaitingPlans::forget(MonoTime now) {
  std::erase_if(hosts_, [&](const auto& one) { return now - one.second.at > kForgotten; });
}

Result<std::vector<SignedWord>> WaitingPlans::told(const std::string& host, std::string_view body, MonoTime now) {
  forget(now);
  const auto parsed = parse_json(body, kMostBody);
  if (!parsed) return parsed.error();
  Host present;
  JsonFields fields(*parsed, "");
  fields.text("host_id", present.id, 64);
  fields.text("host_name", present.name, 253);
  fields.list("proposals", present.plans, kMostPlans, waiting_from_value);
  auto read = fields.finish(std::move(present));
  if (!read) return std::move(read).error();
  const auto before = hosts_.find(host);
  if (before != hosts_.end()) read->words = std::move(before->second.words);
  std::erase_if(read->words, [&](const SignedWord& word) {
    return std::ranges::none_of(read->plans, [&](const WaitingPlan& plan) { return is_about(word, plan); });
  });
  std::vector<SignedWord> words = read->words;
  if (before != hosts_.end()) hosts_.erase(before);
  if (read->plans.empty()) return words;
  std::size_t bytes = body.size();
  for (const auto& one : hosts_) bytes += one.second.bytes;
  if (bytes > kMostBytes) return make_error(ErrorCode::limit, "too many plans wait on this fleet");
  read->at = now;
  read->bytes = body.size();
  hosts_.emplace(host, *std::move(read));
  return words;
}

Status WaitingPlans::say(const std::string& host, SignedWord word, MonoTime now) {
  forget(now);
  const auto found = hosts_.find(host);
  const auto meant = [&](const WaitingPlan& plan) { return is_about(word, plan); };
  if (found == hosts_.end() || found->second.id != word.host_id || found->second.name != word.host_name ||
      std::ranges::none_of(found->second.plans, meant))
    return make_error(ErrorCode::not_found, "no such plan waits on " + printable(host, 64) + " now");
  std::vector<SignedWord>& words = found->second.words;
  std::erase_if(words, [&](const SignedWord& one) { return one.key == word.key && one.signer == word.signer; });
  if (words.size() >= kMostWords) return make_error(ErrorCode::limit, "too much was said of the plans of this host");
  words.push_back(std::move(word));
  return ok();
}

std::string WaitingPlans::list_json(MonoTime now, WallTime wall) {
  forget(now);
  boost::json::array list;
  for (const auto& [name, host] : hosts_)
    for (const WaitingPlan& plan : host.plans) {
      boost::json::object row = to_json_object(plan);
      row["host"] = name;
      row["host_id"] = host.id;
      row["host_name"] = host.name;
      list.push_back(std::move(row));
    }
  return boost::json::serialize(boost::json::object{{"now_unix_nano", to_ns(wall)}, {"proposals", std::move(list)}});
}

}  // namespace hostmedic
