// SPDX-License-Identifier: Apache-2.0
// `hostmedic explain` and `hostmedic show`: asks for one incident, and tells or draws it.
#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/ctl/explain.h"
#include "agent/ctl/plot.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

// What the text says besides the records: the plan that waits, and what happens next.
json::object complete(json::object incident, const json::object& proposals, const CaseFile& file, const Look& look) {
  incident["proposal"] = nullptr;
  for (const json::value& one : array_at(proposals, "proposals"))
    if (one.is_object() && text_at(one.get_object(), "incident_id", 64) == file.incident.id) incident["proposal"] = one;
  json::array next;
  for (const std::string& sentence : what_next(file, look)) next.emplace_back(sentence);
  incident["next"] = std::move(next);
  return incident;
}

Exit draw(Context& context, const CaseFile& file, const std::string& path) {
  const std::string drawing = plot_svg(file);
  if (path == "-") {
    context.out << drawing;
    return Exit::fine;
  }
  if (Status written = write_file_atomic(path, drawing, 0644); !written)
    return fail(context, {Exit::unavailable, "not drawn: " + printable(written.error().message(), 300),
                          "name a file that you may write, or - for the standard output"});
  say(context, "drawn: " + printable(path, 300));
  return Exit::fine;
}

}  // namespace

Exit explain_incident(Context& context, const ExplainWish& wish) {
  Answer answer = ask_daemon(context.ask, {{"verb", "incident"}, {"id", wish.id}});
  if (!answer.body) {
    if (answer.failure.exit == Exit::negative) answer.failure.remedy = "list them: hostmedic incidents --all";
    return fail(context, answer.failure);
  }
  Answer proposals = ask_daemon(context.ask, {{"verb", "proposals"}});
  if (!proposals.body) return fail(context, proposals.failure);
  const auto file = case_file_from(*answer.body, *proposals.body);
  if (!file)
    return fail(context, {Exit::unavailable, "the incident cannot be read: " + printable(file.error().message(), 300),
                          "is the agent of another version than this program? hostmedic status"});
  if (!wish.plot.empty()) return draw(context, *file, wish.plot);
  if (context.json)
    write_json(context, complete(std::move(*answer.body), *proposals.body, *file, context.look));
  else
    context.out << render_case(*file, context.look, wish.verbose ? Extent::full : Extent::brief);
  return Exit::fine;
}

}  // namespace hostmedic
