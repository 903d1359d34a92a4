#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every test that SECURITY.md names exists."""
import os
import re
import sys

from files import report, repository_files, text_of


def known_tests():
    names = set()
    for path in repository_files():
        base = os.path.basename(path)
        if path.startswith("tests/unit/") and path.endswith(".cpp"):
            names.update(re.findall(r'TEST_CASE\(\s*"([^"]+)"', text_of(path)))
        elif path.startswith("tests/host/test_"):
            names.update(f"{base[5:-3]}.{name}" for name in re.findall(r"^def test_(\w+)", text_of(path), re.M))
        elif path.startswith("tests/fuzz/") and path.endswith("_fuzz.cpp"):
            names.add("fuzz_" + base[:-len("_fuzz.cpp")])
    return names


def named_tests():
    rows = [line for line in text_of("SECURITY.md").splitlines() if line.startswith("|") and line.count("|") == 4]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[3])]


def unknown():
    known = known_tests()
    return [name for name in named_tests() if name not in known]


if __name__ == "__main__":
    sys.exit(0 if report("every-test-named-in-security-exists", unknown() if named_tests() else ["no test is named"]) else 1)
