#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The AppArmor profiles can be read by its parser, and every unit that runs for long names one that exists."""
import glob
import os
import re
import shutil
import subprocess
import sys

from files import REPO, report, text_of

PROFILES = sorted(glob.glob(f"{REPO}/packaging/apparmor/*"))


def unread():
    """Without the kernel's part: neither loaded nor cached."""
    for path in PROFILES:
        done = subprocess.run(["apparmor_parser", "--skip-kernel-load", "--skip-cache", path], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            yield f"{path}: {done.stderr.strip()}"


def unnamed():
    known = {name for path in PROFILES for name in re.findall(r"^profile (\S+)", text_of(path), re.M)}
    units = [path for path in glob.glob(f"{REPO}/systemd/*.service") if "@" not in path]
    named = {path: re.findall(r"^AppArmorProfile=-(\S+)$", text_of(path), re.M) for path in units}
    yield from (f"{path} names no profile" for path, names in named.items() if len(names) != 1)
    yield from (f"{name}: not a profile of ours" for names in named.values() for name in names if name not in known)


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    good = report("every-unit-names-its-apparmor-profile", list(unnamed()))
    if shutil.which("apparmor_parser"):
        good = report("apparmor-profiles-can-be-read", list(unread())) and good
    else:
        print("skip apparmor-profiles-can-be-read: apparmor_parser is not installed")
    sys.exit(0 if good else 1)
