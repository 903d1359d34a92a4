#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom, and which third-party header may appear where (DESIGN section 4)."""
import fnmatch
import os
import re
import sys

from files import cpp_files, report, text_of

# Our own headers: the longest folder that fits a file decides.
OURS = {
    "agent/base": ["agent/base"],
    "detect/model": ["agent/base", "detect/model"],
    "detect": ["agent/base", "detect"],
    "probes/settings": ["agent/base", "detect/model", "probes/settings"],
    "probes/parse": ["agent/base", "detect/model", "probes/parse"],
    "probes": ["agent/base", "detect/model", "probes"],
    "actions": ["agent/base", "detect/model", "actions"],
    "agent": ["agent", "detect", "probes", "actions"],
    "tests": ["agent", "detect", "probes", "actions", "tests"],
}

ASIO_FOLDERS = ["agent/pipeline", "agent/net", "agent/aggregator", "agent/daemon", "agent/ctl", "agent/check"]
# Third-party headers: the first pattern that fits an include decides; tests may include what they test.
THEIRS = [
    ("toml++/*", ["agent/config"]),
    ("sqlite3.h", ["agent/store"]),
    ("mbedtls/*", ["agent/net"]),
    ("psa/*", ["agent/net"]),
    ("protozero/*", ["agent/net"]),
    ("boost/json*", ["agent", "probes/container", "actions/catalog/container", "actions/catalog/network"]),
    ("boost/*", ASIO_FOLDERS),
    ("bpf/*", ["probes/bpf"]),
    ("linux/bpf*", ["probes/bpf"]),
    ("systemd/*", ["probes/service", "probes/log", "agent/actuator"]),
    ("CLI/*", ["agent/ctl"]),
    ("zlib.h", ["actions", "agent/net", "agent/recorder"]),
    ("doctest/*", []),
]
# Headers that may not cross a folder's border in a header of ours, whatever the folder.
NOT_IN_HEADERS = ["bpf/*", "linux/bpf*"]
# Written by the build, so named without a folder.
BUILT = ["*.skel.h", "vmlinux*.h"]

# detect/ and probes/parse do no I/O, read no clock, start no thread.
PURE = ["detect", "probes/parse"]
IMPURE_HEADERS = ("fstream iostream filesystem thread mutex condition_variable future semaphore stop_token ctime "
                  "time.h unistd.h fcntl.h pthread.h syslog.h dirent.h sys/*").split()


def folder_of(path, folders):
    fitting = [folder for folder in folders if path.startswith(folder + "/")]
    return max(fitting, key=len) if fitting else None


def fits(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def resolved(path, header):
    """What a test's fixture, a BPF program or its record names relative to itself, from the top; else as it is."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), header))
    relative = path.startswith(("tests/", "probes/bpf/record/")) or path.endswith(".bpf.c")
    return beside if relative and os.path.exists(beside) else header


def includes():
    for path in cpp_files():
        for number, line in enumerate(text_of(path).splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if found:
                yield path, f"{path}:{number}", found[1] == '"', found[2]


def check():
    direction, third_party, pure = [], [], []
    for path, where, quoted, header in includes():
        if quoted and not fits(os.path.basename(header), BUILT):
            header = resolved(path, header)
            allowed = OURS.get(folder_of(path, OURS), [])
            if folder_of(header, allowed) is None:
                direction.append(f"{where} includes {header}")
        for pattern, folders in THEIRS:
            if fnmatch.fnmatch(header, pattern):
                in_header = path.endswith(".h") and fits(header, NOT_IN_HEADERS)
                if not path.startswith("tests/") and (folder_of(path, folders) is None or in_header):
                    third_party.append(f"{where} includes {header}")
                break
        if folder_of(path, PURE) and not quoted and fits(header, IMPURE_HEADERS):
            pure.append(f"{where} includes {header}")
    return all([report("include-direction", direction), report("third-party-in-its-folder", third_party),
                report("pure-folders-include-no-impure-header", pure)])


if __name__ == "__main__":
    sys.exit(0 if check() else 1)
