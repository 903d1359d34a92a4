#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Words that may not stand in the sources, each with the places where they may."""
import re
import sys

from files import cpp_files, report, repository_files, text_of

MAINS = r"agent/[a-z]+/([a-z]+_)?main\.cpp"
# Lists of paths that are left alone; nothing is opened by them.
# The identity of the own host and program is not a thing that a test could give.
OWN = ["agent/base/host_identity.cpp", "agent/daemon/companions.cpp"]
REFUSALS = ["probes/disk/select_mounts.cpp", "actions/catalog/plan_check.cpp"]
# Effects of the catalogue that look at the host itself, from the actuator, which has no other root.
EFFECTS = ["actions/catalog/container/effect_group", "actions/catalog/effect_child", "actions/catalog/network/effect_"]
# (rule, what is refused, in which files, paths where it may stand)
RULES = [
    # Roots enter by constructor, once, so that a test can give another one.
    ("roots-are-arguments", r'"/(proc|sys)\b', "cpp", ["probes/source/", "agent/self/", MAINS, "tests/"] + REFUSALS + OWN + EFFECTS),
    # A number is parsed whole or refused: agent/base/parse.h.
    ("numbers-are-parsed-checked", r"\b(atoi|atol|atoll|atof|strto(l|ul|ll|ull|d|f)|sto(i|l|ll|ul|ull|d|f)|sscanf)\s*\(",
     "cpp", []),
    ("nothing-left-to-do", r"\b(TODO|FIXME|XXX|HACK)\b", "all", ["tests/lint/", "LICENSE"]),
]
BINARY = (".gz", ".png", ".ico", ".bin", ".db", ".frames", ".hmrec")


def check():
    holds = True
    code = cpp_files()
    text = [path for path in repository_files() if not path.endswith(BINARY) and "vmlinux" not in path]
    for rule, pattern, kind, exempt in RULES:
        refused, allowed = re.compile(pattern), [re.compile(place) for place in exempt]
        faults = []
        for path in code if kind == "cpp" else text:
            if any(place.match(path) for place in allowed):
                continue
            faults += [f"{path}:{number} {line.strip()[:60]}" for number, line
                       in enumerate(text_of(path).splitlines(), 1) if refused.search(line)]
        holds = report(rule, faults) and holds
    return holds


if __name__ == "__main__":
    sys.exit(0 if check() else 1)
