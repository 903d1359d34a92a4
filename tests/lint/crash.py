#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SECURITY.md has each cell of the matrix of injected faults as tests/crash/faults.py knows it, and none that failed."""
import os
import sys

from files import REPO, report, text_of

sys.path.insert(0, os.path.join(REPO, "tests", "crash"))
import table  # noqa: E402  pylint: disable=wrong-import-position
from faults import COMPONENTS, FAULTS  # noqa: E402  pylint: disable=wrong-import-position


def written():
    """{(fault, component): outcome} of the table in SECURITY.md."""
    lines = table.between_markers(text_of("SECURITY.md"))[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    names = rows[0][1:] if rows else []
    return {(row[0], name): cell for row in rows[2:] for name, cell in zip(names, row[1:])}


def wrong():
    found = written()
    cells = {(fault, name): cell for fault in FAULTS for name, cell in FAULTS[fault].items()}
    complaints = [f"{fault} has no word on {name}" for fault in FAULTS for name in COMPONENTS if name not in FAULTS[fault]]
    complaints += [f"SECURITY.md has no cell {' x '.join(key)}" for key in cells if key not in found]
    complaints += [f"SECURITY.md has a cell that is in no table: {' x '.join(key)}" for key in found if key not in cells]
    complaints += [f"{' x '.join(key)}: {text}" for key, text in found.items()
                   if text.startswith(table.FAILED) or text in ("", table.MISSING)]
    return complaints


if __name__ == "__main__":
    sys.exit(0 if report("every-cell-of-the-crash-matrix-holds", wrong()) else 1)
