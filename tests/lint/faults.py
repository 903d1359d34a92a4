#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every fault of the ward is whole: fault.toml says what it must, the scripts are there and each says its licence."""
import os
import sys

from files import REPO, report

sys.path.append(os.path.join(REPO, "tests", "ward"))
import fault  # noqa: E402  pylint: disable=wrong-import-position


def faults():
    found = []
    for name in sorted(os.listdir(fault.FOLDER)):
        directory = os.path.join(fault.FOLDER, name)
        try:
            scripts = fault.load(name).scripts if name != "common" else os.listdir(directory)
        except fault.Wrong as wrong:
            found.append(str(wrong))
            continue
        for script in sorted(scripts):
            with open(os.path.join(directory, script), encoding="utf-8") as f:
                if "SPDX-License-Identifier: " not in "".join(f.readlines()[:3]):
                    found.append(f"{name}/{script} has no licence line")
    return found


if __name__ == "__main__":
    sys.exit(0 if report("every-fault-is-whole", faults()) else 1)
