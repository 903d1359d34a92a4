# SPDX-License-Identifier: Apache-2.0
"""The matrix as text, and its place in SECURITY.md."""
import os

from faults import COMPONENTS, FAULTS, HEALED

SECURITY = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "SECURITY.md")
BEGIN, END = "<!-- crash matrix: written by ./dev crash --write -->", "<!-- end of the crash matrix -->"
FAILED = "failed: "
MISSING = "not run"


def outcome(cell, notes):
    """What a cell that holds says."""
    text = "works on" if notes["nginx"] == HEALED else "does nothing while it lasts, then works"
    if cell.lost:
        text += f"; {cell.lost}"
    if cell.memory:
        text += "; started so it runs in memory: sees and tells, does nothing"
    return text + (f"; {cell.by_hand}" if cell.by_hand else "")


def render(results):
    """Markdown: a row per fault, a column per component."""
    found = {(result["fault"], result["component"]): result["outcome"] for result in results}
    lines = ["| fault | " + " | ".join(COMPONENTS) + " |", "|---" * (len(COMPONENTS) + 1) + "|"]
    for fault, row in FAULTS.items():
        cells = [cell if isinstance(cell, str) else found.get((fault, name), MISSING) for name, cell in row.items()]
        lines.append(f"| {fault} | " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def between_markers(text):
    """(before, table, after) of SECURITY.md, the markers left out."""
    head, _, rest = text.partition(BEGIN + "\n")
    middle, _, tail = rest.partition(END + "\n")
    return head, middle, tail


def write(results):
    with open(SECURITY, encoding="utf-8") as f:
        head, _, tail = between_markers(f.read())
    with open(SECURITY, "w", encoding="utf-8") as f:
        f.write(f"{head}{BEGIN}\n{render(results)}{END}\n{tail}")
