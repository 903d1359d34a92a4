// SPDX-License-Identifier: Apache-2.0
#include "agent/record/signed_word.h"

#include "agent/record/json_fields.h"

namespace hostmedic {

namespace {
constexpr std::size_t kMostName = 253, kMostId = 64, kMostReason = 300, kMostSignature = 1100;
}  // namespace

// A line cannot be broken by its field: texts that were read are printable.
std::string word_text(const SignedWord& word) {
  std::string out = "hostmedic word 1\n";
  for (const std::string* field :
       {&word.host_id, &word.host_name, &word.incident_id, &word.key, &word.plan, &word.reason, &word.signer})
    out += *field + "\n";
  out += word.approves ? "approve\n" : "reject\n";
  return out + std::to_string(to_ns(word.until)) + "\n";
}

boost::json::object to_json_object(const SignedWord& word) {
  return {{"host_id", word.host_id},
          {"host_name", word.host_name},
          {"incident_id", word.incident_id},
          {"key", word.key},
          {"plan", word.plan},
          {"approves", word.approves},
          {"reason", word.reason},
          {"until_unix_nano", to_ns(word.until)},
          {"signer", word.signer},
          {"signature", word.signature}};
}

Result<SignedWord> word_from_value(const boost::json::value& value, std::string_view where) {
  SignedWord out;
  JsonFields fields(value, std::string(where));
  fields.text("host_id", out.host_id, kMostId);
  fields.text("host_name", out.host_name, kMostName);
  fields.text("incident_id", out.incident_id, kMostId);
  fields.text("key", out.key, kMostId);
  fields.text("plan", out.plan, kMostId);
  fields.boolean("approves", out.approves);
  fields.text("reason", out.reason, kMostReason);
  fields.time("until_unix_nano", out.until);
  fields.text("signer", out.signer, kMostId);
  fields.text("signature", out.signature, kMostSignature);
  return fields.finish(std::move(out));
}

}  // namespace hostmedic
