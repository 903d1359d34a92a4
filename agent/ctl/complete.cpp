// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/complete.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "agent/base/text.h"
#include "agent/ctl/evidence.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

constexpr std::size_t kMostCandidates = 500;
constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

enum class Kind : std::uint8_t { words, files, directories, incidents, proposals, runbooks, evidence };

// What a value is, where its validator does not say it. The first row that fits counts; an empty verb is any.
struct Source {
  std::string_view verb, name;
  Kind kind;
  std::string_view words = {};
};
constexpr Source kSources[] = {
    {"approve", "ID", Kind::proposals},
    {"reject", "ID", Kind::proposals},
    {"evidence show", "ID", Kind::evidence},
    {"", "ID", Kind::incidents},
    {"", "--incident", Kind::incidents},
    {"replay", "WHAT", Kind::incidents},
    {"runbook show", "NAME", Kind::runbooks},
    {"runbook test", "NAME", Kind::runbooks},
    {"rearm", "RUNBOOK", Kind::runbooks},
    {"feedback", "WORD", Kind::words, "real,false"},
    {"", "--for", Kind::words, "30m,1h,2h,1d"},
    {"", "--since", Kind::words, "1h,12h,yesterday,14d"},
    {"", "FILE", Kind::files},
    {"", "BUNDLE", Kind::files},
    {"", "--plot", Kind::files},
    {"", "--file", Kind::files},
    {"", "--out", Kind::files},
    {"", "--socket", Kind::files},
    {"", "--actuator-socket", Kind::files},
    {"", "--root", Kind::directories},
};

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::string name_of(const CLI::Option& option) {
  return option.get_positional() ? option.get_name(true) : "--" + option.get_single_name();
}

// Where on the line the cursor stands.
struct Place {
  CLI::App* app = nullptr;
  std::string verb;                    // "runbook show"
  const CLI::Option* value = nullptr;  // whose value is expected
  std::size_t positionals = 0;         // that were given to this verb
};

CLI::Option* find_option(CLI::App* app, const std::string& word) {
  for (; app != nullptr; app = app->get_parent())
    for (CLI::Option* option : app->get_options({}))
      if (option->nonpositional() && option->check_name(word)) return option;
  return nullptr;
}

void step(Place& place, const std::string& word) {
  if (place.value != nullptr) {
    if (word != "=") place.value = nullptr;  // bash makes a word of it
    return;
  }
  if (word.starts_with("-")) {
    const CLI::Option* option = find_option(place.app, word);
    if (option != nullptr && takes_value(*option)) place.value = option;
    return;
  }
  for (CLI::App* sub : place.app->get_subcommands([](CLI::App*) { return true; })) {
    if (sub->get_name() != word) continue;
    place = {.app = sub, .verb = place.verb.empty() ? word : place.verb + " " + word};
    return;
  }
  ++place.positionals;
}

class Answers {
 public:
  Answers(Context& context, std::string_view begun) : context_(context), begun_(begun) {}

  void add(std::string_view word, std::string_view text = {}) {
    const bool plain = !word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos;
    if (!plain || !word.starts_with(begun_) || ++written_ > kMostCandidates) return;
    context_.out << word;
    if (!text.empty()) context_.out << '\t' << printable(text, 120);
    context_.out << '\n';
  }
  void paths(std::string_view which) { context_.out << which << '\n'; }
  void words(std::string_view list) {
    for (const std::string_view word : split(list, ',')) add(word);
  }
  void rows(const json::object& request, std::string_view array, std::string_view id, std::string_view text) {
    const Answer answer = ask_daemon(context_.ask, request);
    if (!answer.body) return;
    for (const json::value& one : array_at(*answer.body, array))
      if (const json::object* row = one.if_object()) add(text_at(*row, id, 128), text_at(*row, text, 120));
  }
  void of(Kind kind, std::string_view list) {
    switch (kind) {
      case Kind::words: return words(list);
      case Kind::files: return paths(":files");
      case Kind::directories: return paths(":directories");
      case Kind::incidents:
        return rows({{"verb", "incidents"}, {"all", true}, {"limit", 100}}, "incidents", "id", "kind");
      case Kind::proposals: return rows({{"verb", "proposals"}}, "proposals", "incident_id", "");
      case Kind::runbooks: return rows({{"verb", "list"}, {"what", "runbooks"}}, "items", "name", "");
      case Kind::evidence: break;
    }
    const auto stock = read_evidence(context_.paths.evidence);
    if (!stock) return;
    for (const KeptEvidence& one : stock->kept) add(one.id);
  }

 private:
  Context& context_;
  std::string_view begun_;
  std::size_t written_ = 0;
};

// CLI11 describes a value as "TEXT:{one,other}" or "TEXT:FILE".
void offer_value(const Place& place, const CLI::Option& option, Answers& answers) {
  const std::string type = option.get_type_name();
  const auto begin = type.find('{');
  if (begin != std::string::npos) return answers.words(type.substr(begin + 1, type.rfind('}') - begin - 1));
  if (type.ends_with("FILE")) return answers.paths(":files");
  if (type.ends_with("DIR")) return answers.paths(":directories");
  for (const Source& source : kSources)
    if (source.name == name_of(option) && (source.verb.empty() || source.verb == place.verb))
      return answers.of(source.kind, source.words);
}

void offer_options(const Place& place, Answers& answers) {
  for (CLI::App* app = place.app; app != nullptr; app = app->get_parent())
    for (CLI::Option* option : app->get_options({}))
      for (const std::string& name : option->get_lnames())
        if (app == place.app || name != "help") answers.add("--" + name, option->get_description());
}

void offer_next(const Place& place, Answers& answers) {
  if (place.positionals == 0)
    for (CLI::App* sub : place.app->get_subcommands([](CLI::App*) { return true; }))
      answers.add(sub->get_name(), sub->get_description());
  std::vector<CLI::Option*> positionals = place.app->get_options([](CLI::Option* o) { return o->get_positional(); });
  if (positionals.empty()) return;
  const CLI::Option* option = positionals[std::min(place.positionals, positionals.size() - 1)];
  if (place.positionals < positionals.size() || option->get_items_expected_max() > 1)
    offer_value(place, *option, answers);
}

}  // namespace

void complete(CLI::App& app, const std::vector<std::string>& words, Context& context) {
  if (words.empty()) return;
  Place place{.app = &app, .verb = {}};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) step(place, words[i]);
  const std::string under = words.back() == "=" ? "" : words.back();
  Answers answers(context, under);
  if (place.value != nullptr) return offer_value(place, *place.value, answers);
  if (under.starts_with("-")) return offer_options(place, answers);
  offer_next(place, answers);
}

}  // namespace hostmedic
