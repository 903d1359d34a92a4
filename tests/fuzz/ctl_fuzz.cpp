// SPDX-License-Identifier: Apache-2.0
// What the command line makes of the agent's answers, which may be anything. Input: byte 0 selects the verb (and JSON
// from 128), the rest is the answer to each of its questions. What must hold: no crash, and nothing on the terminal
// that it would obey.
#include <boost/json/object.hpp>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "agent/ctl/list.h"
#include "agent/ctl/verbs.h"
#include "agent/record/record_json.h"
#include "support.h"

using namespace hostmedic;
using fuzz::check;

namespace {

constexpr void (*kVerbs[])(Context&) = {
    [](Context& context) { (void)show_status(context); },
    [](Context& context) { (void)list_incidents(context, false, 10); },
    [](Context& context) { (void)list_incidents(context, true, 10); },
    [](Context& context) { (void)explain_incident(context, {"0", false, ""}); },
    [](Context& context) { (void)explain_incident(context, {"0", true, ""}); },
    [](Context& context) {
      for (const std::string& what : listable()) (void)list_things(context, what);
    },
    [](Context& context) { (void)list_health(context); },
    [](Context& context) { (void)list_thresholds(context, "1h"); },
    [](Context& context) { (void)report_account(context, "1d"); },
    [](Context& context) { (void)list_runbooks(context); },
    [](Context& context) { (void)show_runbook(context, "r"); },
    [](Context& context) { (void)test_runbook(context, "r", "0"); },
    [](Context& context) { (void)approve(context, {"0", true, 0, "", {}}); },
    [](Context& context) { (void)approve(context, {}); },
    [](Context& context) { (void)reject(context, {"0", "no", {}}); },
    [](Context& context) { (void)acknowledge(context, "0", "x"); },
    [](Context& context) { (void)feedback(context, {"0", "real", "", false}); },
    [](Context& context) { (void)mark_deployment(context, {"n", "1", "host"}); },
    [](Context& context) { (void)reload(context); },
};

void check_shown(const std::string& text) {
  for (const char c : text) check(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  const std::string incident =
      R"({"id":"0123456789abcdef","revision":1,"root":"service:a.service","kind":"service.failed","severity":"error",)"
      R"("state":"open","confidence":0.9,"signals":2,"summary":"a \u001b[31mred\u001b[0m word","timeline":[{"kind":"x",)"
      R"("text":"y","at_unix_nano":1,"attributes":{}}],"anomalies":[],"opened_at_unix_nano":1})";
  const std::string answer =
      R"({"ok":true,"status":{"version":"1","probes":{"a":"b"}},"incidents":[)" + incident + R"(],"incident":)" +
      incident +
      R"(,"items":[{"name":"n","state":"s","text":"t\u0007","value":1.5}],"proposals":[{"incident_id":)"
      R"("0123456789abcdef","order":{"key":"0123456789abcdef01234567"}}],"report":{"incidents":1},)"
      R"("runbook":{"name":"r","steps":[{"action":"a"}]},"steps":[{"action":"a"}],"entities":["host"]})";
  std::vector<std::string> seeds;
  for (char verb = 0; verb < static_cast<char>(std::size(kVerbs)); ++verb) seeds.push_back(verb + answer);
  seeds.push_back(std::string(1, '\0') + R"({"ok":false,"code":"denied","message":"no\nno"})");
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::size_t selected = input.byte();
  const std::string answer(input.rest());
  std::ostringstream out, err;
  const Look look{.colour = false, .width = 80, .now = wall_from_ns(1'790'000'000'000'000'000)};
  Context context{out, err, look, selected >= 128, false, {}, {}, "uid 0 (root)", {}, {}};
  context.paths.etc = context.paths.share = "/nonexistent";
  context.ask = [&](const boost::json::object&) -> Result<boost::json::object> {
    auto value = parse_json(answer);
    if (!value) return std::move(value).error();
    if (!value->is_object()) return make_error(ErrorCode::malformed, "not an object");
    return value->get_object();
  };
  context.ask_actuator = [](const ActuatorRequest&) -> Result<ActuatorAnswer> {
    return make_error(ErrorCode::not_found, "nobody listens");
  };
  kVerbs[selected % std::size(kVerbs)](context);
  check_shown(out.str());
  check_shown(err.str());
  return 0;
}
