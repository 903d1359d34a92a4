#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""in_release.py DIRECTORY COMMAND: runs a shell command in a root tree of the Debian release that HM_RELEASE names.

The tree holds what packaging/debian/control needs to build, and lintian. The command sees it through an overlay of its
own, without a network, with DIRECTORY as its /build and working directory; nothing else it does outlives it. What the
compiler made is kept in a cache beside the trees, so that a second build is quick. Needs root.
"""
import os
import re
import shutil
import subprocess
import sys

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPO, "tests", "support"))
import testhost  # noqa: E402

# With mounts of its own, so that all of them end with the last process.
ENTER = r"""set -e
overlay=$1 root=$2 directory=$3 cache=$4 command=$5
mount -t overlay overlay -o "$overlay" "$root"
mkdir -p "$root/build" "$root/ccache"
mount --bind "$directory" "$root/build"
mount --bind "$cache" "$root/ccache"
mount -t proc proc "$root/proc"
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 CCACHE_DIR=/ccache \
  sh -c "cd /build && $command"
"""


def build_depends():
    """What packaging/debian/control says is needed to build, as one line that apt understands."""
    with open(os.path.join(REPO, "packaging", "debian", "control"), encoding="utf-8") as f:
        field = re.search(r"^Build-Depends:(.*(?:\n .*)*)", f.read(), re.M)
    return " ".join(field[1].split())


def build_tree():
    testhost.TREES["build"] = "build-essential debhelper dh-apparmor lintian ccache fakeroot".split()
    testhost.FINISH["build"] = f"chroot $1 apt-get satisfy -y -q --no-install-recommends '{build_depends()}'"
    return testhost.ensure_tree("build", say=lambda text: print(text, flush=True))


def run(directory, command):
    tree = build_tree()
    cache = os.path.join(os.path.dirname(tree), "ccache-" + testhost.release())
    os.makedirs(cache, exist_ok=True)
    testhost.clean_leftovers()
    scratch = os.path.join(testhost.scratch_base(), f"{testhost.PREFIX}{os.getpid()}-0-build")
    try:
        for part in ("upper", "work", "root"):
            os.makedirs(os.path.join(scratch, part))
        return subprocess.run(["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh",
                               testhost.overlay_options(tree, scratch), os.path.join(scratch, "root"),
                               os.path.abspath(directory), cache, command], stdin=subprocess.DEVNULL).returncode
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    testhost.exit_on_signals()
    sys.exit(run(*sys.argv[1:]))
