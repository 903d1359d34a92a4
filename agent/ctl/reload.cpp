// SPDX-License-Identifier: Apache-2.0
// `hostmedic reload`: as SIGHUP, with an answer.
#include "agent/ctl/verbs.h"

namespace hostmedic {

Exit reload(Context& context) {
  Answer answer = ask_daemon(context.ask, {{"verb", "reload"}});
  if (!answer.body) {
    const bool refused = answer.failure.exit == Exit::negative;
    if (refused) answer.failure = {Exit::config, answer.failure.cause, "the old configuration stays; hostmedic check"};
    return fail(context, answer.failure);
  }
  const std::string text = text_at(*answer.body, "text", 4096);
  say(context, text.empty() ? "Reloaded." : text);
  return Exit::fine;
}

}  // namespace hostmedic
