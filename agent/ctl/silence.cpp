// SPDX-License-Identifier: Apache-2.0
// `hostmedic silence` and `hostmedic ack`: people know of it and do not want to be told.
#include "agent/base/parse.h"
#include "agent/ctl/verbs.h"
#include "detect/calendar/calendar.h"

namespace hostmedic {

Exit silence(Context& context, const SilenceWish& wish) {
  const auto length = parse_duration(wish.length);
  if (!length || *length < std::chrono::seconds(1) || *length > detect::kLongestWindow)
    return fail(context, {Exit::usage, "--for wants a length from 1s to 31d, not '" + wish.length + "'",
                          "for example: hostmedic silence 'service:batch*' --for 2h"});
  const Answer answer = ask_daemon(context.ask, {{"verb", "silence"},
                                                 {"seconds", std::chrono::ceil<std::chrono::seconds>(*length).count()},
                                                 {"entity", wish.entity},
                                                 {"kind", wish.kind},
                                                 {"reason", wish.reason}});
  if (!answer.body) return fail(context, answer.failure);
  say(context, "Incidents of " + wish.entity + " are neither told nor treated for " + format_duration(*length) + ".");
  return Exit::fine;
}

Exit silence_remove(Context& context, const std::string& entity) {
  const Answer answer = ask_daemon(context.ask, {{"verb", "silence-off"}, {"entity", entity}});
  if (!answer.body) return fail(context, answer.failure);
  say(context, "No silence of " + entity + " any more.");
  return Exit::fine;
}

Exit acknowledge(Context& context, const std::string& id, const std::string& reason) {
  const Answer answer = ask_daemon(context.ask, {{"verb", "ack"}, {"id", id}, {"reason", reason}});
  if (!answer.body) return fail(context, answer.failure);
  say(context, "Acknowledged: " + text_at(*answer.body, "id") + ". It stays open, and nobody is told of it again.");
  return Exit::fine;
}

}  // namespace hostmedic
