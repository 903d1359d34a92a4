#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three days of a busy host's life, made shorter, through the installed programs.

    ./dev soak [--hours 72] [--speed 250] [--seed 1] [--json OUT] [--short]
    ./dev soak --phase churn [--processes 100000] [--json OUT]       the real probe beside real processes (burst.py)
    ./dev soak --phase fleet [--hosts 200] [--hours 6] [--json OUT] the aggregator under a fleet (fleet.py)

One test host with the package: hostmedic.service and hostmedic-aggregator.service as they ship, enrolled with each
other; only the probes are masked, and a driver (driver.cpp) plays the probe on the real socket: an ordinary day
(tests/support/ordinary_day.h) with what comes and goes put in (churn.h: per 72 hours 10,000 containers, 100,000
processes of distinct names, 4,320 executables among the busiest, 5,184 failures of services that heal, floods of
hostile log lines, 8,640 places never connected to before, deployments) and a recorded fault of tests/scenarios every
two hours. The policy is automatic, so orders go to the real actuator, which finds nothing to do.

Time. Detection, treatment, the recorder and the store's rows follow the time of the frames; heartbeats, checkpoints,
pruning, the spool's back-off and all deadlines follow the process' clocks. Both are one here: the programs' clocks
read a page that the driver sets to the time of the frame it sends, and relative timers are shortened by --speed
(clock_preload.cpp, LD_PRELOAD; the programs are unchanged). A multiplier such as faketime's was not taken: on a loaded
machine frames would fall behind such a clock, and the agent would be right to call the probe silent. Three things stay
real: systemd's own times (WatchdogSec=, RestartSec=), CPU seconds, and how long a disk or a handshake takes, which a
deadline that is --speed times shorter must still allow.

In the first half the agent is restarted every six hours, `systemctl restart` and kill -9 in turn, and the aggregator is
away for hours three times, restarted and killed; the second half is one life of both, so that slow growth has the time
to show. The configuration is reloaded; the probe is silent now and then. A sample is taken every ten minutes of the
host's life.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import medic  # noqa: E402
import testhost  # noqa: E402
from burst import burst  # noqa: E402
from fleet import fleet  # noqa: E402
from verdict import Verdict, print_table  # noqa: E402

BUILD = os.environ.get("HM_SOAK_BUILD", os.path.join(testhost.REPO, "build", "release", "tests"))
# Bounds that are reached within the time; but for the spool's, which holds the longest time without an aggregator.
STORE, SPOOL, RING, KEPT, HUB_STORE = 16, 16, 24, 256, 48  # MiB
CLOCKED = ("hostmedic", "hostmedic-aggregator", "hostmedic-actuator")


def put_clock(host, units):
    """These units' programs live in the time of /run/soak/clock, once somebody writes it."""
    host.push(os.path.join(BUILD, "libsoak_clock.so"), "/usr/local/lib/libsoak_clock.so")
    host.run("chmod 755 /usr/local/lib/libsoak_clock.so && mkdir -p /run/soak && truncate -s 4096 /run/soak/clock")
    for unit in units:
        host.write(f"/etc/systemd/system/{unit}.service.d/soak.conf", "[Service]\nEnvironment=LD_PRELOAD=/usr/local/lib/libsoak_clock.so "
                   "HM_SOAK_CLOCK=/run/soak/clock\n")
    host.run("systemctl daemon-reload")


def prepare(host):
    host.install(*testhost.package_files(("hostmedic", "hostmedic-aggregator")))
    host.run("systemctl mask --now hostmedic-probe hostmedic-check")
    host.write("/etc/hostmedic/conf.d/soak.toml",
               f"[store]\nmost_size = \"{STORE}MiB\"\n[recorder]\nsize = \"{RING}MiB\"\n[upstream]\nspool_size = \"{SPOOL}MiB\"\n")
    host.run(["sed", "-i", "-E", f's/^#? *store_size *=.*/store_size = "{HUB_STORE}MiB"/', "/etc/hostmedic-aggregator/aggregator.toml"])
    medic.enroll(host, host)
    medic.policy(host, "auto")
    for number in range(40):  # what the host's life calls busy-NN.service
        host.write(f"/etc/systemd/system/busy-{number:02}.service",
                   "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n")
    host.run("systemctl daemon-reload && systemctl start $(seq -f busy-%02g.service 0 39)")
    for file in (*glob.glob(os.path.join(testhost.REPO, "tests/scenarios/*.hmrec")), os.path.join(HERE, "inside.py"),
                 os.path.join(BUILD, "soak_driver")):
        host.push(file, "/root/soak/" + os.path.basename(file))
    put_clock(host, CLOCKED)
    host.run("systemctl restart hostmedic hostmedic-aggregator && systemctl stop hostmedic-actuator.service")


def live(host, options):
    """Yields the samples as they come; the last has "end"."""
    job = {"hours": options.hours, "speed": options.speed, "seed": options.seed}
    process = host.popen(["python3", "/root/soak/inside.py", json.dumps(job)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        yield json.loads(line)
    if process.wait() != 0:
        raise SystemExit("the life ended early:\n" + process.stderr.read())


def judge(samples, end, short):
    verdict = Verdict()
    if not short:
        for key in ("rss", "anonymous"):
            verdict.flat(samples, "agent", "agent", key, 12, 1)
            verdict.flat(samples, "hub", "aggregator", key, 12, 1)
    verdict.below(samples, ("agent", "rss"), 64, "agent RSS MiB, half of MemoryMax=", 1024)
    verdict.below(samples, ("hub", "rss"), 256, "aggregator RSS MiB, half of MemoryMax=", 1024)
    for who, name in (("agent", "agent"), ("hub", "aggregator")):
        verdict.same_descriptors(samples, who, name)
    verdict.below(samples, ("files", "hostmedic/agent.db"), (STORE + SPOOL) * 1.25 + 1, "agent.db MiB, store and spool")
    verdict.below(samples, ("files", "hostmedic/agent.db-wal"), 8, "its log MiB")
    verdict.below(samples, ("recorder", "bytes"), RING, "recorder's ring MiB")
    verdict.below(samples, ("recorder", "recordings_bytes"), KEPT, "kept recordings MiB")
    verdict.below(samples, ("files", "hostmedic-aggregator/fleet.db"), HUB_STORE * 1.1, "aggregator's store MiB")
    verdict.below(samples, ("files", "hostmedic-aggregator/fleet.db-wal"), 8, "its log MiB")
    verdict.below(samples, ("files", "hostmedic-actuator/ledger.db"), 64, "actuator's ledger MiB")
    verdict.end(end, samples)
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, help="default: 72, of a fleet 6")
    parser.add_argument("--speed", type=int, default=250, help="seconds of life in a second, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="two hours")
    parser.add_argument("--phase", choices=("life", "churn", "fleet"), default="life")
    parser.add_argument("--processes", type=int, default=100_000, help="of --phase churn")
    parser.add_argument("--hosts", type=int, default=200, help="of --phase fleet")
    parser.add_argument("--json", help="where the samples are written, one a line")
    options = parser.parse_args()
    options.hours = 2 if options.short else options.hours or (6 if options.phase == "fleet" else 72)
    reason = testhost.why_not()
    if reason:
        print(f"no test host here: {reason}")
        return 0
    testhost.exit_on_signals()
    if options.phase == "churn":
        return 0 if burst(options.processes, Verdict(), options.json) else 1
    if options.phase == "fleet":
        return 0 if fleet(options.hosts, int(options.hours * 60), Verdict(), options.json, put_clock) else 1
    samples, begin = [], time.time()
    # Line by line, so that a soak that is cut short tells what it saw.
    with open(options.json or os.devnull, "w", encoding="utf-8") as out, testhost.Host("soak") as host:
        prepare(host)
        for sample in live(host, options):
            samples.append(sample)
            print(json.dumps(sample), file=out, flush=True)
            if not options.short and len(samples) % 36 == 0:
                print(f"{sample['seconds'] / 3600:5.1f} h, {sample['frames']} frames, agent {sample['agent'].get('rss', 0) / 1024:.1f} MiB, "
                      f"{sample['seen']} incidents, {time.time() - begin:.0f} s", file=sys.stderr, flush=True)
    end, last, took = samples.pop(), samples[-1], time.time() - begin
    print(f"{last['seconds'] / 3600:.1f} hours in {took:.0f} s: {last['frames']} frames ({last['frames'] / took:.0f} a second, "
          f"{last['bytes'] / 1e6:.0f} MB), {last['containers']} containers, {last['processes']} processes, {last['executables']} executables, "
          f"{last['failures']} failures of services, {last['log_lines']} new kinds of log line, {last['destinations']} new destinations, "
          f"{last['played']} recorded faults; the agent began {last['connections']} times, {end['kills']} times after kill -9")
    print_table(samples)
    return 0 if judge(samples, end, options.short).say() else 1


if __name__ == "__main__":
    sys.exit(main())
