// SPDX-License-Identifier: Apache-2.0
// `hostmedic complete`: what may stand under the cursor, for the completions of bash, zsh and fish. Verbs, options and
// their words are read from the description of the command line itself, ids from the running agent. One thread.
#pragma once

#include <string>
#include <vector>

#include "agent/ctl/context.h"

namespace CLI {
class App;
}

namespace hostmedic {

// words: the command line without the program's name; the last is the one under the cursor, empty where nothing is
// written yet. Writes one candidate in a line, with a tab and its explanation where there is one; ":files" and
// ":directories" stand for what the shell itself can name. Candidates hold nothing that a shell or a terminal would
// take for more than a word, whatever the agent answered. Never fails: what is not known has no candidates.
void complete(CLI::App& app, const std::vector<std::string>& words, Context& context);

}  // namespace hostmedic
