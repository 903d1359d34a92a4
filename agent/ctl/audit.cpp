// SPDX-License-Identifier: Apache-2.0
// `hostmedic audit`: the ledger's hash chain, asked of the actuator or read from a file.
#include "agent/base/text.h"
#include "agent/ctl/brakes.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

json::object to_object(const LedgerAudit& audit) {
  return {{"whole", audit.broken.empty()},
          {"broken", audit.broken},
          {"orders", audit.orders},
          {"open", audit.open},
          {"links", audit.links},
          {"first", audit.first},
          {"head", audit.head},
          {"at_unix_nano", to_ns(audit.at)}};
}

std::string count(std::int64_t number, const char* what) {
  return strf("%lld %s%s", static_cast<long long>(number), what, number == 1 ? "" : "s");
}

std::string render(const LedgerAudit& audit, const Look& look) {
  const bool whole = audit.broken.empty();
  std::string text = "whole: every row is as it was written";
  if (!whole) text = "changed by someone else: " + printable(audit.broken, 512);
  std::string out = field(look, "ledger", text, whole ? Tone::good : Tone::bad);
  text = count(audit.orders, "order");
  if (audit.open > 0) text += ", " + count(audit.open, "of them") + " without an end";
  out += field(look, "rows", text);
  text = count(audit.links, "link");
  if (audit.first > 1)
    text += strf(" from number %lld on; older ones were forgotten", static_cast<long long>(audit.first));
  if (audit.links > 0) text += ", the last " + relative(audit.at, look.now);
  out += field(look, "chain", text);
  return out + field(look, "head", printable(audit.head, 64));
}

}  // namespace

Exit audit(Context& context, const std::string& file) {
  Result<LedgerAudit> found = make_error(ErrorCode::malformed, "the actuator's answer has no audit");
  if (file.empty()) {
    ActuatorRequest request;
    request.kind = RequestKind::audit;
    const auto answer = context.ask_actuator(request);
    if (!answer) return fail(context, failure_of_actuator(answer.error()));
    if (answer->audit) found = *answer->audit;
  } else {
    found = audit_ledger(file);
  }
  if (!found)
    return fail(context,
                {found.error().code == ErrorCode::denied ? Exit::denied : Exit::unavailable,
                 printable(found.error().message(), 300), file.empty() ? "" : "name a ledger that you may read"});
  if (context.json)
    write_json(context, to_object(*found));
  else
    context.out << render(*found, context.look);
  return found->broken.empty() ? Exit::fine : Exit::negative;
}

}  // namespace hostmedic
