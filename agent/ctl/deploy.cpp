// SPDX-License-Identifier: Apache-2.0
// `hostmedic deploy mark`: what a pipeline deployed, so that what goes wrong after it is seen beside it.
#include "agent/base/text.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

Exit mark_deployment(Context& context, const DeploymentWish& wish) {
  const Answer answer = ask_daemon(
      context.ask, {{"verb", "deploy-mark"}, {"name", wish.name}, {"version", wish.version}, {"entity", wish.entity}});
  if (!answer.body) return fail(context, answer.failure);
  const boost::json::array& entities = array_at(*answer.body, "entities");
  if (context.json) {
    write_json(context, *answer.body);
    return Exit::fine;
  }
  std::vector<std::string> names;
  for (const boost::json::value& entity : entities)
    if (const boost::json::string* text = entity.if_string()) names.push_back(printable(*text, 300));
  say(context, "Marked: " + printable(wish.name, 256) +
                   (wish.version.empty() ? "" : " " + printable(wish.version, 256)) + " on " + join(names, ", "));
  return Exit::fine;
}

}  // namespace hostmedic
