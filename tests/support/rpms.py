# SPDX-License-Identifier: Apache-2.0
"""The .rpms for the tests: packaging/rpm/hostmedic.spec over what the built .debs hold, so that nothing is compiled."""
import glob
import os
import shutil
import subprocess

import testhost

SOURCES = "LICENSE CHANGELOG.md README.md SECURITY.md systemd".split()
# What only a .deb has (where .rpms are, SELinux is, not AppArmor), or what the spec installs by itself.
NOT_IN_AN_RPM = "etc/apparmor.d lib usr/lib/systemd usr/lib/sysusers.d usr/share/doc usr/share/lintian".split()
# What rpmbuild would do to programs that are stripped already, and a compression that is quick.
QUICK = ["--define", "__os_install_post %{nil}", "--define", "_binary_payload w1.gzdio"]
# Stands for the distribution in a host whose libraries no .rpm brought.
DISTRIBUTION = """Name: distribution
Version: 1
Release: 1
Summary: What the host has
License: none
BuildArch: noarch
Provides: {provides}
%description
Of libraries and the like.
%files
"""


def tool(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{argv}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
    return done.stdout


def install_tree(directory):
    """What cmake --install made, out of the built .debs."""
    for package in testhost.package_files(("hostmedic", "hostmedic-aggregator")):
        tool(["dpkg-deb", "--extract", package, directory])
    for path in NOT_IN_AN_RPM:
        shutil.rmtree(f"{directory}/{path}", ignore_errors=True)
    tool(["strip", *glob.glob(f"{directory}/usr/*bin/*"), *glob.glob(f"{directory}/usr/lib/hostmedic/*")])


def build(directory, release, change=lambda tree: None):
    """The two .rpms of that release, {name: file}; change(tree) may edit the files first. Takes some seconds."""
    if not shutil.which("rpmbuild"):
        raise testhost.Skip("rpmbuild is not installed")
    top, tree, sources = (f"{directory}/{release}/{name}" for name in ("top", "tree", "sources"))
    os.makedirs(tree)
    install_tree(tree)
    change(tree)
    os.makedirs(sources)
    tool(["cp", "-r", *(os.path.join(testhost.REPO, name) for name in SOURCES), sources])
    tool([os.path.join(testhost.REPO, "packaging/rpm/build.sh"), top, sources, "--with", "prebuilt", "--define",
          f"prebuilt_tree {tree}", "--define", f"hm_release {release}", *QUICK])
    return {os.path.basename(path).rsplit("-", 2)[0]: path for path in glob.glob(f"{top}/RPMS/*/*.rpm")}


def distribution(directory, tree, packages):
    """An .rpm that says which of the libraries the packages ask for the root tree has, in all their versions."""
    asked = {line.split("(")[0] for line in tool(["rpm", "-qp", "--requires", *packages]).splitlines() if ".so" in line}
    libraries = [path for name in sorted(asked) for path in glob.glob(f"{tree}/usr/lib/*-linux-gnu/{name}")]
    provided = tool(["/usr/lib/rpm/elfdeps", "--provides", *libraries]).split("\n")
    spec = f"{directory}/distribution.spec"
    with open(spec, "w", encoding="utf-8") as f:
        f.write(DISTRIBUTION.format(provides=", ".join(["/bin/sh", "systemd", "rtld(GNU_HASH)", *filter(None, provided)])))
    tool(["rpmbuild", "-bb", "--define", f"_topdir {directory}/distribution", spec])
    return glob.glob(f"{directory}/distribution/RPMS/noarch/*.rpm")[0]
