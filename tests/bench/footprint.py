#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the installed agent costs beside other tools: CPU time, memory, wake-ups, system calls.

    python3 tests/bench/footprint.py [--seconds N] [--sleepers 0,1000,5000] [--alone]

Boots one test host, installs the agent's package and, unless --alone, netdata, monit, collectd and
prometheus-node-exporter of the distribution, all looking once a second. For each number of sleeping processes all of
them are measured in the same window, and printed with their ratio to the agent.

CPU time is cpu.stat of the unit's control group, ended children included. Memory is PSS (smaps_rollup), summed over the
unit's processes at the end of the window. Wake-ups are voluntary context switches of all threads. System calls are
counted by strace in five seconds after the window, so they disturb nothing that is measured.
"""
import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import medic  # noqa: E402
import peers  # noqa: E402
import testhost  # noqa: E402

OURS = ("hostmedic", "hostmedic-probe", "hostmedic-check", "hostmedic-actuator")
SETTLE = 45  # seconds: until everybody knows all processes

# Runs in the host: one JSON object of {unit: [cpu seconds, PSS KiB, voluntary switches, processes]}.
READ = r'''
import glob, json, sys
def text(path):
    try:
        with open(path) as f: return f.read()
    except OSError: return ""
def number(lines, key):
    return next((int(l.split()[1]) for l in lines.splitlines() if l.startswith(key)), 0)
rows = {}
for unit in sys.argv[1:]:
    group = f"/sys/fs/cgroup/system.slice/{unit}.service"
    pids = [p for f in glob.glob(group + "/**/cgroup.procs", recursive=True) for p in text(f).split()]
    switches = sum(number(text(t), "voluntary_ctxt_switches") for p in pids for t in glob.glob(f"/proc/{p}/task/*/status"))
    pss = sum(number(text(f"/proc/{p}/smaps_rollup"), "Pss:") for p in pids)
    rows[unit] = [number(text(group + "/cpu.stat"), "usage_usec") / 1e6, pss, switches, len(pids)]
print(json.dumps(rows))
'''

# Runs in the host: system calls per second of each unit.
COUNT = r'''
import glob, json, re, subprocess, sys
seconds, rows = 5, {}
for unit in sys.argv[1:]:
    group = f"/sys/fs/cgroup/system.slice/{unit}.service"
    pids = [p for f in glob.glob(group + "/**/cgroup.procs", recursive=True) for p in open(f).read().split()]
    if not pids: continue
    attach = [word for pid in pids for word in ("-p", pid)]
    done = subprocess.run(["timeout", "-s", "INT", str(seconds), "strace", "-f", "-c", "-q", *attach],
                          capture_output=True, text=True)
    total = re.search(r"^\s*[\d.]+\s+[\d.]+\s+\d*\s+(\d+)(?:\s+\d+)?\s+total", done.stderr, re.M)
    rows[unit] = int(total[1]) / seconds if total else None
print(json.dumps(rows))
'''


def inside(host, script, units, timeout=60):
    return json.loads(host.out(["python3", "-c", script, *units], timeout=timeout))


def window(host, units, seconds):
    """{unit: {cpu: s/min, pss: MiB, wakeups: 1/s}} of one window."""
    before, begin = inside(host, READ, units), time.monotonic()
    time.sleep(seconds)
    after, passed = inside(host, READ, units), time.monotonic() - begin
    return {unit: {"cpu": (after[unit][0] - before[unit][0]) / passed * 60, "pss": after[unit][1] / 1024,
                   "wakeups": max(0, after[unit][2] - before[unit][2]) / passed, "processes": after[unit][3]}
            for unit in units}


def add(rows):
    return {key: sum(row[key] or 0 for row in rows) for key in rows[0]}


def print_table(title, measured, series):
    ours = measured["hostmedic, all"]
    print(f"\n{title}")
    print(f"{'':<18} {'CPU s/min':>10} {'ratio':>7} {'PSS MiB':>8} {'ratio':>7} {'wake-ups/s':>11} {'syscalls/s':>11} {'series':>7}")
    for name, row in measured.items():
        if not row["processes"] and name != "hostmedic, all":
            continue
        print(f"{name:<18} {row['cpu']:>10.3f} {row['cpu'] / ours['cpu']:>7.1f} {row['pss']:>8.1f} "
              f"{row['pss'] / ours['pss']:>7.1f} {row['wakeups']:>11.1f} {row['syscalls'] or 0:>11.1f} "
              f"{series.get(name, ''):>7}", flush=True)


def measure(host, sleepers, seconds, others):
    units = [*OURS, *others]
    measured = window(host, units, seconds)
    counted = inside(host, COUNT, units, timeout=120)
    for unit, row in measured.items():
        row["syscalls"] = counted.get(unit)
    table = {"hostmedic, all": add([measured[unit] for unit in OURS]), **measured}
    series = {"hostmedic, all": medic.ask(host, "status")["detect"]["series"]}
    series.update({name: count for name in others if (count := peers.series(host, name)) is not None})
    print_table(f"{sleepers} sleeping processes, {seconds} s at 1 s resolution", table, series)


def sleep_many(host, count):
    """Starts that many sleeping processes in a unit of their own."""
    script = f"i=0; while [ $i -lt {count} ]; do sleep infinity & i=$((i+1)); done; wait"
    host.write("/run/sleepers.sh", script)
    host.run("systemd-run --quiet --unit=sleepers sh /run/sleepers.sh")
    testhost.wait_for(lambda: int(host.out("pgrep -c -x sleep || true") or 0) >= count, 120, f"{count} sleepers")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--sleepers", default="0,1000,5000")
    parser.add_argument("--alone", action="store_true", help="only the agent")
    options = parser.parse_args()
    reason = testhost.why_not()
    if reason:
        print(f"no test host here: {reason}")
        return 0
    testhost.exit_on_signals()
    with testhost.Host("cost", tree="peers") as host:
        others = [] if options.alone else peers.start(host)
        host.install(*testhost.package_files(("hostmedic",)))
        medic.ready(host)
        for count in (int(word) for word in options.sleepers.split(",")):
            if count:
                sleep_many(host, count)
            time.sleep(SETTLE)
            measure(host, count, options.seconds, others)
            if count:
                host.run("systemctl stop sleepers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
