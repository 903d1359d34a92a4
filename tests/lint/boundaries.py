#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of SECURITY.md that names a fuzzer for every place where bytes come in is whole and true."""
import os
import re
import sys

from files import REPO, report, repository_files, text_of

READER = re.compile(r"(?<!return)[\w>&*] ((?:parse|decode)_\w+|\w+_from_(?:json|value|text)|(?:json|text)_to_\w+)\s*\(")


def rows():
    """(rooms, fuzzers) of each row."""
    table = text_of("SECURITY.md").split("## Where bytes come in")[-1].split("\n## ")[0]
    cells = [line.split("|") for line in table.splitlines() if line.startswith("|") and line.count("|") == 5]
    return [(re.findall(r"`([^`]+)`", row[3]), re.findall(r"`fuzz_(\w+)`", row[4])) for row in cells[2:]]


def fuzzers(files):
    found = (re.fullmatch(r"tests/fuzz/(\w+)_fuzz\.cpp", path) for path in files)
    return {match[1] for match in found if match}


def unread(files, rooms):
    """Headers that declare a reader and lie in none of these rooms."""
    within = lambda path: any(path == room or path.startswith(room + "/") for room in rooms)
    return [path for path in files if path.endswith(".h") and not path.startswith("tests/") and not within(path)
            and READER.search(re.sub(r"//.*", "", text_of(path)))]


def check():
    files, table = repository_files(), rows()
    rooms = {room for row in table for room in row[0]}
    named = {name for row in table for name in row[1]}
    return all([
        report("every-boundary-has-a-fuzzer", [f"row {n + 1} names none" for n, row in enumerate(table) if not row[1]]
               or ([] if table else ["no table"])),
        report("every-fuzzer-is-of-a-boundary", [f"fuzz_{name}" for name in sorted(named ^ fuzzers(files))]),
        report("every-room-of-a-boundary-exists", sorted(room for room in rooms
                                                         if not os.path.exists(os.path.join(REPO, room)))),
        report("every-reader-is-in-a-fuzzed-room", unread(files, rooms)),
    ])


if __name__ == "__main__":
    sys.exit(0 if check() else 1)
