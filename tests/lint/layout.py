#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The repository's shape: its top level, a licence line in every source, every test in a target, every series name in the table."""
import json
import os
import re
import sys

from files import BUILD, GENERATED, REPO, report, repository_files, text_of

TOP_LEVEL = set("""CMakeLists.txt agent probes detect actions packaging systemd tests README.md
    LICENSE CHANGELOG.md CONTRIBUTING.md SECURITY.md CMakePresets.json .clang-format .clang-tidy .gitignore .ci dev""".split())
SOURCE_ENDINGS = (".c", ".cpp", ".h", ".py", ".sh", ".cmake", ".js", ".css")
SOURCE_NAMES = ("CMakeLists.txt", "dev", ".ci/run", ".gitignore")


def top_level(files):
    return sorted({path.split("/")[0] for path in files} - TOP_LEVEL)


def without_licence(files):
    sources = [path for path in files if path.endswith(SOURCE_ENDINGS) or path in SOURCE_NAMES
               or os.path.basename(path) == "CMakeLists.txt"]
    return [path for path in sources if not os.path.basename(path).startswith(GENERATED)
            and "SPDX-License-Identifier: " not in "\n".join(text_of(path).splitlines()[:3])]


def tests_without_target(files):
    tests = [path for path in files if path.startswith("tests/") and path.endswith("_test.cpp")]
    try:
        with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as f:
            compiled = {os.path.realpath(os.path.join(entry["directory"], entry["file"])) for entry in json.load(f)}
    except OSError as err:
        return [f"no build to look at: {err}"] if tests else []
    return [path for path in tests if os.path.realpath(os.path.join(REPO, path)) not in compiled]


def names_without_row():
    tables = "".join(text_of(f"detect/model/{name}.h") for name in ("names", "names_check", "names_service"))
    defined = re.findall(r"constexpr MetricInfo (k\w+)", tables)
    rows = re.findall(r"&(k\w+)", text_of("detect/model/names.cpp"))
    return sorted(set(defined) ^ set(rows))


def check():
    files = repository_files()
    return all([report("top-level-is-as-designed", top_level(files)),
                report("licence-line-in-every-source", without_licence(files)),
                report("every-test-is-in-a-target", tests_without_target(files)),
                report("every-series-name-in-the-table", names_without_row())])


if __name__ == "__main__":
    sys.exit(0 if check() else 1)
