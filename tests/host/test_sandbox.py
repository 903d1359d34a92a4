# SPDX-License-Identifier: Apache-2.0
"""The sandbox of every unit of ours: how systemd rates it, and what a program that was taken over can do inside."""
import concurrent.futures
import os
import re
import time

import medic
from actuator import alone, execute
from actuator import order as an_order
from testhost import Host, Skip, options, package_files, tree_path, wait_for

PACKAGES = ("hostmedic", "hostmedic-aggregator")
# What systemd-analyze may say at most: 0 is shut, 10 is open.
BOUNDS = {"hostmedic.service": 2.0, "hostmedic-aggregator.service": 2.0, "hostmedic-actuator.service": 2.0,
          "hostmedic-probe.service": 2.0, "hostmedic-check.service": 2.0, "hostmedic-plugin@.service": 2.0}
PEERS = ("netdata.service", "monit.service", "collectd.service", "prometheus-node-exporter.service")
EFFECT_BOUND = 2.0  # of an order's own unit that is given no opening

# What is left to a program inside, of all that tests/support/hostile.py tries; its state directory is its own.
READS = {"read_stat", "socket_unix", "write_state"}
# Private directories that nobody else sees.
OWN_TMP = {"write_tmp"}
INTERNET = {"socket_inet", "socket_inet6", "connect_inet"}
MAY = {
    "hostmedic.service": READS | OWN_TMP | INTERNET,
    "hostmedic-aggregator.service": READS | OWN_TMP | INTERNET,
    "hostmedic-check.service": {"socket_unix"} | OWN_TMP | INTERNET,
    # Root without a capability: reads what root owns, has no way to others. Its state directory holds the ledger.
    "hostmedic-actuator.service": READS | OWN_TMP | {"see_others", "setuid_file", "read_shadow", "write_ledger"},
    # Reads the whole host, for that is what it is for, and loads programs; writes nothing.
    "hostmedic-probe.service": READS | {"see_others", "read_memory", "read_environment", "read_root", "read_home",
                                        "read_shadow", "socket_netlink", "bpf"},
}
# A script may run any program, so some may make code as they go.
ORDER_MAY = {"read_stat", "read_shadow", "socket_unix", "see_others", "setuid_file", "write_tmp", "writable_code"}


def exposure(host, unit):
    """systemd's figure of a unit, in a host where it is installed."""
    said = host.run(["systemd-analyze", "security", "--no-pager", "--threshold=100", unit]).stdout
    return float(re.search(r"Overall exposure level for .*?: ([0-9.]+)", said)[1])


def attempts(text):
    return dict(line.split(" ", 1) for line in text.splitlines())


def prepare(host):
    with open(os.path.join(os.path.dirname(__file__), "../support/hostile.py"), encoding="utf-8") as f:
        host.write("/usr/local/lib/hostile.py", f.read())
    host.run("mkdir -p /home/hostile; echo s >/home/hostile/secret; chmod -R go= /home/hostile; touch /var/tmp/hostile-file;"
             " systemd-run --quiet --uid=nobody --unit=other sleep 600;"
             " systemctl show --value -p MainPID other >/run/hostile.pid; rm -f /var/tmp/hostile-seen")


def inside(host, unit):
    """What the attempts say inside the unit's own sandbox: its file, with another program."""
    host.run(f"systemctl stop {unit} hostmedic-actuator.socket")
    host.write(f"/run/systemd/system/{unit}.d/hostile.conf",
               "[Unit]\nConditionPathExists=\n[Service]\nType=oneshot\nWatchdogSec=0\nRestart=no\nRestartForceExitStatus=\nExecStart=\n"
               "ExecStart=/usr/bin/python3 -IS /usr/local/lib/hostile.py\nStandardOutput=file:/run/hostile.out\n"
               "StandardError=inherit\n", mode=0o644)
    host.run(f"systemctl daemon-reload; : >/run/hostile.out; systemctl start {unit}")
    said = attempts(host.read("/run/hostile.out"))
    host.run(f"rm -r /run/systemd/system/{unit}.d; systemctl daemon-reload")
    return said


@options(packages=PACKAGES, timeout=240)
def test_units_are_as_shut_as_promised(host):
    figures = {unit: exposure(host, unit.replace("@.", "@1.")) for unit in BOUNDS}
    for unit, figure in figures.items():
        print(f"{figure:4.1f}  {unit}")
    assert all(figures[unit] <= most for unit, most in BOUNDS.items()), figures


@options(hosts=(), packages=PACKAGES)
def test_peers_are_more_open():
    """Beside them, the units of other tools as the distribution ships them."""
    if not os.path.isdir(tree_path("peers")):
        raise Skip("there is no tree with other tools here; './dev bench footprint' makes it")
    with Host("peers", "peers") as host:
        host.install(*package_files(PACKAGES))
        figures = {unit: exposure(host, unit) for unit in PEERS}
    for unit, figure in figures.items():
        print(f"{figure:4.1f}  {unit}")
    assert min(figures.values()) > max(BOUNDS.values()), figures


@options(packages=PACKAGES, timeout=240)
def test_who_takes_a_unit_over_is_shut_in(host):
    prepare(host)
    outside = attempts(host.out("STATE_DIRECTORY=/var/lib python3 -IS /usr/local/lib/hostile.py"))
    print("of no worth here, because root cannot do it either:",
          ", ".join(name for name, said in outside.items() if said != "yes"))
    for unit, may in MAY.items():
        said = inside(host, unit)
        assert said.keys() == outside.keys(), (unit, said)
        can = {name for name, answer in said.items() if answer == "yes"}
        assert can == may, f"{unit}: can {sorted(can - may)}, cannot {[(n, said[n]) for n in sorted(may - can)]}"
        print(f"{unit}: {sum(outside[n] == 'yes' for n in said.keys() - can)} of what root can are refused; it can {sorted(can)}")
    assert host.run("test -e /var/tmp/hostile-seen", check=False).returncode != 0


PROGRAMS = {"behaviour", "block", "http", "process", "processes", "protocols", "syscall-errors", "tcp", "unix-sockets"}
LEAST = 1 << 19 | 1 << 2  # SYS_PTRACE and DAC_READ_SEARCH


def rights(host):
    """The capabilities of every thread of the probe, permitted and ambient."""
    pid = host.show("hostmedic-probe.service")["MainPID"]
    lines = host.run(f"grep -hE '^Cap(Prm|Amb|Eff|Inh)' /proc/{pid}/task/*/status", check=False).stdout
    return {int(line.split()[1], 16) for line in lines.splitlines()}


def reading(host):
    """Probes that load programs, and read."""
    return {row["name"] for row in medic.ask(host, "list probes") if row["state"] == "available"} & PROGRAMS


@options(packages=("hostmedic",), timeout=240)
def test_the_probe_gives_back_what_loading_needs(host):
    medic.ready(host)
    wait_for(lambda: rights(host) == {LEAST}, 30, "the probe has given back CAP_BPF and CAP_PERFMON", 0.5)
    assert "probe rights          holds SYS_PTRACE, DAC_READ_SEARCH" in host.run("hostmedic doctor", check=False).stdout
    before = reading(host)
    if "process" not in before:
        raise Skip("no programs are loaded here")
    time.sleep(16)  # a window of the sampled system calls, a walk over the tasks, reads of every map
    assert reading(host) == before, before ^ reading(host)
    assert not host.journal("-u", "hostmedic-probe", "-p", "warning")
    # A new agent is served by a new process, at once and without a word about it.
    pid = host.show("hostmedic-probe.service")["MainPID"]
    host.run("systemctl restart hostmedic")
    medic.ready(host)
    assert host.show("hostmedic-probe.service")["MainPID"] != pid
    wait_for(lambda: rights(host) == {LEAST} and reading(host) == before, 30, "all as before", 0.5)
    assert medic.incidents(host) == []


@options(packages=PACKAGES, timeout=240)
def test_an_orders_unit_is_shut_in(host):
    alone(host, 'cooldown = "0s"\nper_target_count = 100\nper_runbook_count = 100\nper_host_count = 100\n')
    prepare(host)
    host.run("systemctl start nginx")
    host.write("/etc/hostmedic/scripts.d/hostile", "#!/bin/sh\npython3 -IS /usr/local/lib/hostile.py >&2\nsleep 4\n", mode=0o755)
    listed = "systemctl list-units --no-legend --plain 'hostmedic-order-*.service' | cut -d ' ' -f 1"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        done = pool.submit(execute, host, an_order("a", "script.run", "service:nginx.service", script="hostile"))
        unit = wait_for(lambda: host.out(listed), 10, "the order's unit")
        figure = exposure(host, unit)
        outcome = done.result()
    assert outcome["result"] == "done", outcome
    said = attempts("\n".join(entry["MESSAGE"] for entry in host.journal("-u", unit) if re.match(r"\w+ (yes|no)", entry["MESSAGE"])))
    can = {name for name, answer in said.items() if answer == "yes"}
    print(f"{figure:4.1f}  {unit}: it can {sorted(can)}")
    assert figure <= EFFECT_BOUND and can == ORDER_MAY, (figure, can ^ ORDER_MAY)
