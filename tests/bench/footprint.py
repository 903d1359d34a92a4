#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the installed agent costs on an idle test host: CPU time, memory, wake-ups and system calls' worth of switches.

    python3 tests/bench/footprint.py [SECONDS]

One line per process and their sum. CPU time is the scheduler's own (schedstat); memory is PSS and RSS (smaps_rollup);
wake-ups are voluntary context switches of all threads.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import medic  # noqa: E402
import testhost  # noqa: E402

READ = r'''
import glob, os, sys
for pid in sys.argv[1:]:
    cpu = switches = 0
    for task in glob.glob(f"/proc/{pid}/task/*"):
        cpu += int(open(task + "/schedstat").read().split()[0])
        for line in open(task + "/status"):
            if line.startswith("voluntary_ctxt_switches"):
                switches += int(line.split()[1])
    memory = {line.split(":")[0]: int(line.split()[1]) for line in open(f"/proc/{pid}/smaps_rollup") if " kB" in line}
    print(open(f"/proc/{pid}/comm").read().strip(), cpu, switches, memory["Pss"], memory["Rss"])
'''


def read(host, pids):
    rows = host.out(["python3", "-c", READ, *pids]).splitlines()
    return {row.split()[0]: [int(n) for n in row.split()[1:]] for row in rows}


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    reason = testhost.why_not()
    if reason:
        print(f"no test host here: {reason}")
        return 0
    testhost.exit_on_signals()
    with testhost.Host("cost") as host:
        host.install(*testhost.package_files(("hostmedic",)))
        medic.ready(host)
        time.sleep(10)
        pids = [host.show(f"{unit}.service")["MainPID"] for unit in ("hostmedic", "hostmedic-probe")]
        before, begin = read(host, pids), time.monotonic()
        time.sleep(seconds)
        after, passed = read(host, pids), time.monotonic() - begin
        series = medic.ask(host, "status")["detect"]["series"]
        print(f"idle test host, {series} series at 1 s, {passed:.0f} s")
        print(f"{'process':<16} {'CPU s/min':>10} {'% of a core':>12} {'wake-ups/s':>11} {'PSS MiB':>8} {'RSS MiB':>8}")
        total = [0.0] * 5
        for name, row in after.items():
            cpu = (row[0] - before[name][0]) / 1e9 / passed
            values = [cpu * 60, cpu * 100, (row[1] - before[name][1]) / passed, row[2] / 1024, row[3] / 1024]
            total = [a + b for a, b in zip(total, values)]
            print(f"{name:<16} {values[0]:>10.3f} {values[1]:>12.3f} {values[2]:>11.1f} {values[3]:>8.1f} {values[4]:>8.1f}")
        print(f"{'together':<16} {total[0]:>10.3f} {total[1]:>12.3f} {total[2]:>11.1f} {total[3]:>8.1f} {total[4]:>8.1f}")
        print("the actuator runs only while there is something to do: 0")
    return 0


if __name__ == "__main__":
    sys.exit(main())
