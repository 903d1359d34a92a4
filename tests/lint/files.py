# SPDX-License-Identifier: Apache-2.0
"""What the lints share: the repository's files, and how a rule reports."""
import os
import subprocess

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(REPO, os.environ.get("HM_BUILD", "build/debug"))
GENERATED = ("vmlinux",)  # checked in as a tool wrote it


def repository_files():
    """Tracked files and new ones that are not ignored, relative to the repository, that exist."""
    listed = subprocess.run(["git", "-C", REPO, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, check=True, text=True).stdout
    return sorted(path for path in set(listed.split("\0")) if path and os.path.isfile(os.path.join(REPO, path)))


def cpp_files():
    return [path for path in repository_files() if path.endswith((".c", ".cpp", ".h"))
            and not os.path.basename(path).startswith(GENERATED)]


def text_of(path):
    with open(os.path.join(REPO, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def report(rule, faults):
    """Prints the outcome of one rule; the reason names at most five places. Returns True if it holds."""
    if not faults:
        print(f"ok {rule}")
        return True
    more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
    print(f"FAIL {rule} " + "; ".join(faults[:5]) + more)
    return False
