# SPDX-License-Identifier: Apache-2.0
"""Explanations of lines that no test reaches, which stand in the source itself, so that they move with it.

    // uncovered: REASON

At the end of a line it explains this line, on a line of its own the next one; and with it what follows deeper indented
and the brace that closes it: the rest of the statement, the block of an `if`, the body of a function.
"""
import re

MARK = re.compile(r"//\s*uncovered\s*:\s*(.*)$")


def indentation(line):
    return len(line) - len(line.lstrip(" "))


def belongs(first, line):
    """Whether a line below `first` is still part of what begins there."""
    deeper = not line.strip() or indentation(line) > indentation(first)
    return deeper or (indentation(line) == indentation(first) and re.match(r"\s*\}(?!.*\belse\b)", line) is not None
                      and first.rstrip().split("//")[0].rstrip().endswith("{"))


def explained(text):
    """{line number: (number of the line with the mark, reason)} of one source text; an empty reason is kept."""
    lines, found = text.splitlines(), {}
    for at, line in enumerate(lines):
        mark = MARK.search(line)
        if not mark:
            continue
        first = at + 1 if line.lstrip().startswith("//") else at
        if first >= len(lines):
            continue
        end = first + 1
        while end < len(lines) and belongs(lines[first], lines[end]):
            end += 1
            if lines[end - 1].strip() and indentation(lines[end - 1]) == indentation(lines[first]):
                break
        for number in range(first + 1, end + 1):
            found[number] = (at + 1, mark[1].strip())
    return found
