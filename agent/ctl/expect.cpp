// SPDX-License-Identifier: Apache-2.0
// `hostmedic expect add|list|remove`: what will be unusual and is meant to be.
#include "agent/base/parse.h"
#include "agent/config/zone_file.h"
#include "agent/ctl/verbs.h"
#include "detect/calendar/calendar.h"

namespace hostmedic {

namespace json = boost::json;

Exit expect_add(Context& context, const ExpectWish& wish) {
  const auto length = parse_duration(wish.length);
  if (!length || *length < std::chrono::seconds(1) || *length > detect::kLongestWindow)
    return fail(context, {Exit::usage, "--for wants a length from 1s to 31d, not '" + wish.length + "'",
                          "for example: hostmedic expect add --for 4h --entity 'service:shop*' --factor 10"});
  if (wish.shadow == (wish.factor > 1))
    return fail(context, {Exit::usage, "either --factor above 1, or --shadow", "hostmedic expect add --help"});
  json::object request{{"verb", "expect"},
                       {"seconds", std::chrono::ceil<std::chrono::seconds>(*length).count()},
                       {"entity", wish.entity},
                       {"series", wish.series},
                       {"name", wish.name}};
  if (wish.shadow)
    request["shadow"] = true;
  else
    request["factor"] = wish.factor;
  if (!wish.at.empty()) {
    const auto zone = load_zone("");
    const auto at = zone ? detect::parse_local(wish.at, *zone) : Result<WallTime>(zone.error());
    if (!at)
      return fail(context, {Exit::usage, "--at: " + at.error().message(), "by the host's own clock; with a Z, by UTC"});
    request["from_unix_nano"] = to_ns(*at);
  }
  const Answer answer = ask_daemon(context.ask, request);
  if (!answer.body) return fail(context, answer.failure);
  say(context, "Expected: " + text_at(*answer.body, "name") + ". hostmedic expect list");
  return Exit::fine;
}

Exit expect_remove(Context& context, const std::string& name) {
  const Answer answer = ask_daemon(context.ask, {{"verb", "expect-off"}, {"name", name}});
  if (!answer.body) return fail(context, answer.failure);
  say(context, "No longer expected: " + name);
  return Exit::fine;
}

}  // namespace hostmedic
