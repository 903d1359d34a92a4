# SPDX-License-Identifier: Apache-2.0
"""The life of the packages: installed, upgraded, downgraded, removed, purged on a booted host.

The other version of a package is made here from the built one: the same files under a higher version number, and one
configuration file with a line more, as a release would have it."""
import json
import os
import re
import shutil
import subprocess
import tempfile

import actuator
import medic
from testhost import Skip, options, package_files, wait_for

BOTH = ("hostmedic", "hostmedic-aggregator")
NEWER = "99.0"
# dpkg must not ask: nobody would answer.
DPKG = "DEBIAN_FRONTEND=noninteractive dpkg </dev/null"
SERVICES = ("hostmedic.service", "hostmedic-probe.service")
# Of the system, not of the package: what each run of dpkg, systemd and the journal writes by itself.
NOT_OURS = ("/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/var/log", "/var/cache", "/var/lib/dpkg", "/run/systemd",
            "/run/dbus", "/run/log", "/run/udev", "/run/user", "/var/lib/systemd/random-seed", "/var/lib/systemd/timers",
            "/root", "/run/dpkg", "/run/credentials", "/run/host", "/run/lock", "/etc/.pwd.lock")
# What Debian's policy keeps: users are never removed, because files of theirs may be anywhere.
USER_FILES = re.compile(r"^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$")


def newer(path, scratch, changes):
    """A package of a higher version with the files of this one, and a line more in the file that it changes."""
    name = os.path.basename(path).split("_")[0]
    tree = f"{scratch}/{name}"
    subprocess.run(["dpkg-deb", "-R", path, tree], check=True)
    with open(f"{tree}/DEBIAN/control", encoding="utf-8") as f:
        control = re.sub(r"^Version: .*$", f"Version: {NEWER}", f.read(), flags=re.M)
    with open(f"{tree}/DEBIAN/control", "w", encoding="utf-8") as f:
        f.write(control)
    shipped = f"{tree}{changes}"
    if os.path.exists(shipped):
        with open(shipped, "a", encoding="utf-8") as f:
            f.write("# a line of the newer version\n")
    if os.path.exists(f"{tree}/DEBIAN/md5sums"):
        os.remove(f"{tree}/DEBIAN/md5sums")
    built = f"{scratch}/{name}_{NEWER}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, built], check=True,
                   stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return built


def bring(host, names=BOTH, changes="/etc/hostmedic/policy.toml"):
    """Both versions of the packages inside the host; paths of the built ones and of the newer ones."""
    built = package_files(names)
    with tempfile.TemporaryDirectory() as scratch:
        for path in built:
            host.push(path, "/root/" + os.path.basename(path))
            other = newer(path, scratch, changes)
            host.push(other, "/root/" + os.path.basename(other))
    return ([f"/root/{os.path.basename(path)}" for path in built], [f"/root/{name}_{NEWER}.deb" for name in names])


def dpkg(host, *words):
    done = host.run(f"{DPKG} {' '.join(words)}", timeout=300)
    said = done.stdout + done.stderr
    assert not re.search(r"conffile|Configuration file|warning|error", said), said
    return said


def files(host):
    """Every path of the host, its kind, mode, owner, and for files their content."""
    prune = " -o ".join(f"-path {path}" for path in NOT_OURS)
    listed = host.out(f"find / -xdev \\( {prune} \\) -prune -o -printf '%p %y %m %u:%g %l\\n'; "
                      r"find /run -xdev -name '*hostmedic*' -printf '%p %y\n'")
    digests = host.out("find /etc -type f -exec sha256sum {} +")
    return set(listed.splitlines()) | {f"{line[66:]} content {line[:64]}" for line in digests.splitlines()}


def users(host):
    return {line.split(":")[0] for line in host.read("/etc/passwd").splitlines()}


def units(host):
    """Units that are there. Links that enable a removed unit stay, as Debian has it, and name one that is not found."""
    return set(host.out("systemctl list-units --all --plain --no-legend 'hostmedic*' |"
                        " awk '$2 != \"not-found\" || $3 != \"inactive\" {print $1}'").split())


def started(host, unit):
    return host.show(unit)["ExecMainStartTimestampMonotonic"]


def exe(host, unit):
    """The program a unit runs; systemd's empty answer where it runs none."""
    pid = host.show(unit)["MainPID"]
    return host.out(f"readlink /proc/{pid}/exe") if pid != "0" else ""


def fail_nginx(host):
    host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
    host.run("systemctl daemon-reload && systemctl restart nginx && systemctl kill -s KILL nginx")
    return medic.wait_incident(host, "service.failed")


def version_of(host, package):
    return host.out(f"dpkg-query -W -f '${{Version}}' {package}")


@options(timeout=600)
def test_life_of_the_packages(host):
    built, newer_ones = bring(host)
    before, units_before, users_before = files(host), units(host), users(host)
    first = re.search(r"_([^_]+)_", built[0])[1]
    dpkg(host, "-i", *built)
    medic.ready(host)
    host.run("hostmedic-aggregator init --name 127.0.0.1 && systemctl restart hostmedic-aggregator")
    incident = fail_nginx(host)["id"]
    host.run("sed -i '1i # kept by the administrator' /etc/hostmedic/hostmedic.toml /etc/hostmedic-aggregator/aggregator.toml")
    host.run("hostmedic halt --reason 'before the upgrade'")
    host.run("systemctl reset-failed; systemctl restart nginx")

    def kept(version):
        assert version_of(host, "hostmedic") == version
        for path in ("/etc/hostmedic/hostmedic.toml", "/etc/hostmedic-aggregator/aggregator.toml"):
            assert "# kept by the administrator" in host.read(path), path
        assert host.out("find /etc -name '*.dpkg-*'") == ""
        medic.ready(host)
        assert incident in [row["id"] for row in medic.incidents(host)], "history is kept"
        assert medic.ask(host, "status")["halted"], "the kill switch outlives it"
        assert "halt" in host.out("hostmedic audit verify --json; hostmedic status"), "and the ledger"
        assert host.is_active("hostmedic-aggregator")

    # Upgrade: what runs is the new one, and what was only the package's own default is new, too.
    was = {unit: started(host, unit) for unit in (*SERVICES, "hostmedic-aggregator.service")}
    dpkg(host, "-i", *newer_ones)
    kept(NEWER)
    assert "# a line of the newer version" in host.read("/etc/hostmedic/policy.toml")
    for unit, at in was.items():
        assert host.is_active(unit) and started(host, unit) != at, f"{unit} was not restarted"
        assert not exe(host, unit).endswith("(deleted)"), unit
    # Downgrade: dpkg says that it is one, and does it.
    host.run(f"{DPKG} -i {' '.join(built)}", timeout=300)
    kept(first)
    assert "# a line of the newer version" not in host.read("/etc/hostmedic/policy.toml")

    # Remove keeps configuration, history and ledger, and nothing that runs.
    dpkg(host, "-r", *BOTH)
    assert "hostmedic" not in host.out("ps -eo comm"), host.out("ps -eo comm")
    assert units(host) == units_before, units(host)
    assert "# kept by the administrator" in host.read("/etc/hostmedic/hostmedic.toml")
    assert host.out("ls /usr/sbin /usr/bin /usr/lib | grep hostmedic || true") == ""
    dpkg(host, "-i", *built)
    kept(first)

    # Purge: as before, but for what policy keeps.
    dpkg(host, "--purge", *BOTH)
    left = {line for line in files(host) - before if not USER_FILES.match(line.split(" ")[0])}
    left -= {line for line in left if line.startswith("/etc/systemd/system/nginx.service.d")}
    gone = {line for line in before - files(host) if not USER_FILES.match(line.split(" ")[0])}
    assert not left and not gone, (sorted(left), sorted(gone))
    assert units(host) == units_before, units(host)
    print("left after purge: the users", ", ".join(sorted(users(host) - users_before)))
    assert all(name.startswith("hostmedic") for name in users(host) - users_before)


@options(timeout=600)
def test_what_was_switched_off_stays_off(host):
    built, newer_ones = bring(host)
    dpkg(host, "-i", *built)
    medic.ready(host)
    host.run("systemctl disable --now hostmedic-check.service hostmedic-probe.service")
    host.run("systemctl mask --now hostmedic-aggregator.service hostmedic-actuator.socket")
    host.run("systemctl stop hostmedic")

    def off():
        state = {unit: host.run(f"systemctl is-enabled {unit}", check=False).stdout.strip()
                 for unit in ("hostmedic-probe.service", "hostmedic-aggregator.service", "hostmedic-actuator.socket",
                              "hostmedic.service")}
        assert state == {"hostmedic-probe.service": "disabled", "hostmedic-aggregator.service": "masked",
                         "hostmedic-actuator.socket": "masked", "hostmedic.service": "enabled"}, state

    off()
    dpkg(host, "-i", *newer_ones)
    off()
    assert not host.is_active("hostmedic-aggregator") and not host.is_active("hostmedic-actuator.socket")
    host.run(f"{DPKG} -i {' '.join(built)}")
    off()
    dpkg(host, "-r", *BOTH)
    dpkg(host, "-i", *built)
    off()
    dpkg(host, "--purge", *BOTH)
    links = host.out("find /etc/systemd -lname '*hostmedic*' -o -name '*hostmedic*'")
    # What `systemctl mask` made is the administrator's: debhelper takes it back with the package's own state.
    assert links in ("", "\n".join(sorted(links.split()))) and "wants" not in links, links


# Starts again only when the test says so.
SLOW = """[Service]
ExecStartPre=/bin/sh -c 'while test -e /run/wait; do sleep 0.1; done'
ExecStart=/bin/sleep infinity
"""


@options(packages=("hostmedic",), timeout=300)
def test_an_upgrade_waits_for_the_order_under_way(host):
    newer_one = bring(host, ("hostmedic",), changes="/etc/hostmedic/hostmedic.toml")[1]
    actuator.alone(host)
    host.write("/etc/systemd/system/slow.service", SLOW)
    host.run("systemctl daemon-reload && systemctl start slow && touch /run/wait && systemctl kill -s KILL slow")
    wait_for(lambda: host.show("slow.service")["ActiveState"] == "failed", 10, "the unit failed")
    order = actuator.order("a", "service.restart", "service:slow.service", timeout=60)
    asking = host.popen(["python3", "-c", actuator.ASK, actuator.SOCKET], stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE, text=True)
    asking.stdin.write(json.dumps({"request": "execute", "order": order}))
    asking.stdin.close()
    wait_for(lambda: host.show("slow.service")["ActiveState"] == "activating", 20, "the order acts")
    pid = host.show("hostmedic-actuator.service")["MainPID"]
    dpkg(host, "-i", *newer_one)
    assert host.show("hostmedic-actuator.service")["MainPID"] == pid, "the actuator was let alone"
    assert exe(host, "hostmedic-actuator.service").endswith("(deleted)")
    host.run("rm /run/wait")
    outcome = json.loads(asking.stdout.read())["outcome"]
    asking.wait()
    assert outcome["result"] == "done", outcome
    # The old one leaves as soon as nothing is under way, not after its usual minute.
    wait_for(lambda: host.show("hostmedic-actuator.service")["MainPID"] != pid, 20, "the old actuator left")
    assert actuator.ask(host, "status")["ok"]
    assert exe(host, "hostmedic-actuator.service") == "/usr/lib/hostmedic/hostmedic-actuator"
    assert actuator.execute(host, order)["started_at_unix_nano"] == outcome["started_at_unix_nano"], "done once"


@options(packages=("hostmedic",), timeout=300)
def test_a_removal_ends_what_would_have_ended_by_itself(host):
    actuator.alone(host)
    host.run("systemctl start nginx")
    frozen = actuator.execute(host, actuator.order("a", "process.freeze", "service:nginx.service", victim="most_cpu", lasts=600))
    assert frozen["result"] == "done", frozen
    assert host.show("nginx.service")["FreezerState"] == "frozen"
    dpkg(host, "-r", "hostmedic")
    assert host.show("nginx.service")["FreezerState"] == "running"
    assert units(host) == set(), units(host)
