# SPDX-License-Identifier: Apache-2.0
"""The .rpms, made here by Debian's rpmbuild: what is in them, and their life on a host with rpm and systemd."""
import os
import re
import shutil
import tempfile

import rpms
import testhost
from testhost import options, wait_for

SERVICES = ("hostmedic", "hostmedic-probe", "hostmedic-check")
STATE = ["/var/lib/hostmedic", "/var/lib/hostmedic-actuator", "/var/lib/hostmedic-aggregator", "/var/lib/hostmedic-probe"]
# A tree of its own that has a shell and the libraries of our programs, and nothing else: no systemctl, no users.
BARE = """set -e
mkdir -p /srv/bare/bin /srv/bare/var/tmp
for file in $(ldd /bin/sh /usr/bin/hostmedic /usr/sbin/hostmedicd /usr/lib/hostmedic/* | grep -o '/[^ ]*' | grep '\\.so' | sort -u); do
  mkdir -p "/srv/bare$(dirname "$file")"
  cp "$file" "/srv/bare$file"
done
cp /bin/sh /srv/bare/bin/sh
rpm --root /srv/bare --initdb
"""


def query(package, text):
    return rpms.tool(["rpm", "-qp", "--queryformat", text, package]).splitlines()


def listed(debs):
    """Paths of regular files in the .debs, as they would be in an .rpm, which has no AppArmor profile."""
    paths = set()
    for deb in debs:
        for line in rpms.tool(["dpkg-deb", "--contents", deb]).splitlines():
            path = line.split()[5][1:]
            if not path.endswith("/") and not re.match(r"/usr/share/(doc|lintian)/|/etc/apparmor", path):
                paths.add(re.sub(r"^/lib/", "/usr/lib/", path))
    return paths


@options(hosts=(), timeout=300)
def test_holds_what_the_debs_hold_and_rpmlint_has_no_complaint():
    debs = testhost.package_files(("hostmedic", "hostmedic-aggregator"))
    with tempfile.TemporaryDirectory() as directory:
        packages = rpms.build(directory, 1)
        assert sorted(packages) == ["hostmedic", "hostmedic-aggregator"], packages
        paths, pages = set(), set()
        for name, package in packages.items():
            for row in query(package, r"[%{FILENAMES}\t%{FILEMODES:perms}\t%{FILEUSERNAME}\t%{FILEFLAGS:fflags}\n]"):
                path, mode, user, flags = row.split("\t")
                if "g" in flags:
                    assert path in STATE, row
                    continue
                assert user == "root", row
                assert mode.startswith("l") or mode[5] != "w" and mode[8] != "w", f"others may write: {row}"
                assert ("c" in flags) == (path.startswith("/etc/") and mode.startswith("-")), row
                if mode.startswith("-") and not re.match(r"/usr/share/(doc|licenses)/", path):
                    paths.add(path)
                    pages.add(os.path.basename(path).split(".")[0] if "/man/" in path else None)
            for field in ("SUMMARY", "DESCRIPTION", "LICENSE", "URL"):
                assert query(package, f"%{{{field}}}")[0] not in ("", "(none)"), f"{name}: {field}"
            assert not [line for line in rpms.tool(["rpm", "-qp", "--requires", package]).splitlines()
                        if line.startswith("/") and line != "/bin/sh"]
        assert paths == listed(debs), paths ^ listed(debs)
        programs = {os.path.basename(path) for path in paths if re.match("/usr/s?bin/", path)}
        assert programs and programs <= pages, f"without a manual page: {programs - pages}"
        if not shutil.which("rpmlint"):
            print("rpmlint: not here")
            return
        said = rpms.tool(["rpmlint", "--config", os.path.join(testhost.REPO, "packaging/rpm/rpmlint.toml"),
                          os.path.join(testhost.REPO, "packaging/rpm/hostmedic.spec"), *packages.values()])
        assert "0 errors, 0 warnings" in said, said


def invocations(host, units):
    return {unit: host.show(unit)["InvocationID"] for unit in units}


def answers(host):
    wait_for(lambda: host.run("hostmedic status", check=False).returncode == 0, 20, "the agent answers")


@options(tree="rpm", timeout=300)
def test_is_installed_upgraded_downgraded_and_erased(host):
    def newer(tree):
        for name in ("hostmedic", "policy"):
            with open(f"{tree}/etc/hostmedic/{name}.toml", "a", encoding="utf-8") as f:
                f.write("# of the second release\n")

    with tempfile.TemporaryDirectory() as directory:
        releases = {1: rpms.build(directory, 1), 2: rpms.build(directory, 2, newer)}
        facts = rpms.distribution(directory, testhost.tree_path("rpm"), releases[1].values())
        for path in (facts, *releases[1].values(), *releases[2].values()):
            host.push(path, "/srv/packages/" + os.path.basename(path))

    def rpm(arguments, release=0):
        return host.run(f"rpm {arguments}" + (f" /srv/packages/hostmedic*-{release}.*.rpm" if release else "") + " 2>&1").stdout

    # As on Fedora: nothing is enabled because it was installed.
    host.write("/etc/systemd/system-preset/00-none.preset", "disable *\n")
    rpm("--install /srv/packages/distribution*.rpm")
    said = rpm("--install", 1)
    assert "warning" not in said and "error" not in said, said
    assert host.out("systemctl list-units --no-legend 'hostmedic*'") == ""
    host.run("id hostmedic && id hostmedic-check && id hostmedic-aggregator")
    assert "hostmedic" in host.out("id --name --groups hostmedic-probe").split()

    host.run("systemctl enable --now hostmedic hostmedic-probe hostmedic-check hostmedic-actuator.socket")
    answers(host)
    assert rpm("--verify hostmedic hostmedic-aggregator") == ""
    assert host.out("rpm --query --file /var/lib/hostmedic") == host.out("rpm --query hostmedic")

    mine = "\n# of this host\n"
    host.run("cat >>/etc/hostmedic/policy.toml", input=mine)
    before = invocations(host, (*SERVICES, "hostmedic-actuator.socket"))
    said = rpm("--upgrade", 2)
    assert "policy.toml.rpmnew" in said and "hostmedic.toml" not in said, said
    answers(host)
    after = invocations(host, before)
    assert [unit for unit in before if before[unit] == after[unit]] == ["hostmedic-actuator.socket"], (before, after)
    assert host.read("/etc/hostmedic/policy.toml").endswith(mine)
    assert "of the second release" in host.read("/etc/hostmedic/hostmedic.toml")
    assert "of the second release" in host.read("/etc/hostmedic/policy.toml.rpmnew")

    rpm("--upgrade --oldpackage", 1)
    answers(host)
    assert host.out("rpm --query --queryformat '%{RELEASE}' hostmedic").split(".")[0] == "1"
    assert host.read("/etc/hostmedic/policy.toml").endswith(mine)
    assert "of the second release" not in host.read("/etc/hostmedic/hostmedic.toml")

    host.run(BARE)
    host.run("rm /etc/hostmedic/policy.toml.rpmnew")
    said = rpm("--erase hostmedic hostmedic-aggregator")
    assert re.findall(r"saved as (\S+)", said) == ["/etc/hostmedic/policy.toml.rpmsave"], said
    assert host.out("systemctl list-units --all --no-legend 'hostmedic*'") == ""
    assert host.run("pgrep hostmedic", check=False).stdout == ""
    left = host.out("find /etc /usr /var /run -xdev -name '*hostmedic*' -prune -print").split()
    assert sorted(left) == sorted(["/etc/hostmedic", *(path for path in STATE if not path.endswith("aggregator"))]), left
    assert host.out("ls /etc/hostmedic") == "policy.toml.rpmsave"

    bare_tree(host, rpm)


def bare_tree(host, rpm):
    """The same in a tree where no scriptlet finds what it would call."""
    rpm("--root /srv/bare --install /srv/packages/distribution*.rpm")
    rpm("--root /srv/bare --install", 1)
    assert "hostmedic" in host.out("chroot /srv/bare /usr/bin/hostmedic version")
    rpm("--root /srv/bare --upgrade", 2)
    rpm("--root /srv/bare --upgrade --oldpackage", 1)
    rpm("--root /srv/bare --erase hostmedic hostmedic-aggregator")
    assert host.out("find /srv/bare -name '*hostmedic*'") == ""
