// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/command.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic {

namespace {
struct Verb {
  std::string_view name;
  std::size_t arguments;
  std::vector<std::string_view> with_value, flags;
};
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> kVerbs = {
      {"run", 0, {"config"}, {}},  //
      {"init", 0, {"dir", "name", "san"}, {}},
      {"enroll", 1, {"dir", "out", "url"}, {}},
      {"approver", 1, {"out"}, {}},
      {"hosts", 0, {"config"}, {"json"}},
      {"version", 0, {}, {}},
      {"help", 0, {}, {}},
  };
  return kVerbs;
}

Error unknown(const std::string& what, const std::string& word, const std::vector<std::string_view>& known) {
  std::string text = what + " '" + printable(word, 64) + "'";
  const std::string_view near = nearest(word, known);
  if (!near.empty()) text += "; did you mean '" + std::string(near) + "'?";
  return make_error(ErrorCode::malformed, text);
}

bool among(const std::vector<std::string_view>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

Result<const Verb*> find_verb(const std::string& word) {
  std::vector<std::string_view> names;
  for (const Verb& verb : verbs()) {
    if (verb.name == word) return &verb;
    names.push_back(verb.name);
  }
  return unknown("unknown command", word, names);
}
}  // namespace

std::string AggregatorCommand::value(const std::string& name, std::string fallback) const {
  const auto found = options.find(name);
  return found == options.end() ? std::move(fallback) : found->second.back();
}

Result<AggregatorCommand> parse_command(std::span<const std::string> words) {
  AggregatorCommand command;
  std::size_t at = 0;
  if (!words.empty() && (words[0] == "--help" || words[0] == "-h")) {
    command.verb = "help";
    return command;
  }
  if (!words.empty() && words[0] == "--version") {
    command.verb = "version";
    return command;
  }
  if (!words.empty() && !words[0].starts_with("-")) command.verb = words[at++];
  const Result<const Verb*> verb = find_verb(command.verb);
  if (!verb) return verb.error();
  for (; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (!word.starts_with("--")) {
      command.arguments.push_back(word);
      continue;
    }
    const auto equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    if (among((*verb)->flags, name) && equals == std::string::npos) {
      command.options[name].push_back("");
    } else if (!among((*verb)->with_value, name)) {
      std::vector<std::string_view> known = (*verb)->with_value;
      known.insert(known.end(), (*verb)->flags.begin(), (*verb)->flags.end());
      return unknown(command.verb + ": unknown option", name, known);
    } else if (equals != std::string::npos) {
      command.options[name].push_back(word.substr(equals + 1));
    } else if (at + 1 < words.size()) {
      command.options[name].push_back(words[++at]);
    } else {
      return make_error(ErrorCode::malformed, "--" + name + " wants a value");
    }
  }
  if (command.arguments.size() != (*verb)->arguments)
    return make_error(ErrorCode::malformed, command.verb + strf(" wants %zu argument(s), got %zu", (*verb)->arguments,
                                                                command.arguments.size()));
  return command;
}

std::string_view usage_text() {
  return "usage: hostmedic-aggregator [run [--config FILE]]\n"
         "       hostmedic-aggregator init [--dir DIR] [--name HOSTNAME] [--san NAME-OR-ADDRESS]...\n"
         "       hostmedic-aggregator enroll HOST [--out FILE] [--url https://NAME:4318] [--dir DIR]\n"
         "       hostmedic-aggregator approver NAME [--out FILE-WITHOUT-SUFFIX]\n"
         "       hostmedic-aggregator hosts [--json] [--config FILE]\n"
         "       hostmedic-aggregator version\n";
}

}  // namespace hostmedic
