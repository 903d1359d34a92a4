#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What only a kernel of one's own shows: that programs load quickly there and the rights for it are given back, that memory
is locked, that Hostmedic outlives the kernel's OOM killer, and that its AppArmor profiles hold and let it work.

One virtual machine for all, with the distribution's kernel, or with --kernel that of another Debian release; in software emulation that takes a quarter of an hour on an idle machine. A line per story;
the exit status is the number of those that failed."""
import argparse
import contextlib
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import medic  # noqa: E402
import testhost  # noqa: E402
import virtual  # noqa: E402
from testhost import wait_for  # noqa: E402

BOOT_SECONDS, READY_SECONDS = 1800, 900
OWN = {"hostmedic": -500, "hostmedic-probe": -400}
PROFILES = {"hostmedic": "hostmedicd", "hostmedic-probe": "hostmedic-probe", "hostmedic-aggregator": "hostmedic-aggregator"}
LEAST = 1 << 19 | 1 << 2  # CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH
TO_LOAD = 1 << 38 | 1 << 39  # CAP_PERFMON and CAP_BPF, which old kernels want for the reading of a map, too
HOG = "import time\nkept = []\nwhile True: kept.append(bytearray(b'x') * (8 << 20)); time.sleep(0.02)\n"


def pid_of(host, unit):
    return host.show(f"{unit}.service")["MainPID"]


def status(host, unit):
    lines = host.read(f"/proc/{pid_of(host, unit)}/status").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def programs_load(host):
    """Settled when the probe says what became of its rights."""
    def settled():
        said = [entry for entry in host.journal("-u", "hostmedic-probe") if "CAP_BPF and CAP_PERFMON" in entry["MESSAGE"]]
        return said and said[-1]
    said = wait_for(settled, READY_SECONDS, "all programs are loaded", 2)
    started = int(host.out("systemctl show --value -p ExecMainStartTimestampMonotonic hostmedic-probe"))
    took = (int(said["__MONOTONIC_TIMESTAMP"]) - started) / 1e6
    kept = TO_LOAD if "this kernel wants them to read a map" in said["MESSAGE"] else 0
    assert int(status(host, "hostmedic-probe")["CapPrm"], 16) == LEAST | kept, said["MESSAGE"]
    probes = medic.ask(host, "list probes")
    away = [f"{probe['name']} ({probe['reason']})" for probe in probes if probe["state"] == "unavailable"]
    return (f"{took:.1f} s from the start of the probe, in emulation; {said['MESSAGE']}; of {len(probes)} probes away: "
            + ("; ".join(away) or "none"))


def memory_is_locked(host):
    seen = []
    for unit, score in OWN.items():
        locked = int(status(host, unit)["VmLck"].split()[0])
        given = int(host.read(f"/proc/{pid_of(host, unit)}/oom_score_adj"))
        assert locked > 0 and given == score, (unit, locked, given)
        seen.append(f"{unit}: VmLck {locked} KiB, oom_score_adj {given}")
    return "; ".join(seen)


def outlives_what_takes_all_memory(host):
    before = {unit: pid_of(host, unit) for unit in OWN}
    host.write("/root/hog.py", HOG)
    host.run("swapoff -a; systemd-run --quiet --unit=hog -p Restart=no python3 /root/hog.py")
    wait_for(lambda: host.show("hog.service")["Result"] == "oom-kill", READY_SECONDS, "the kernel has killed the hog", 2)
    told = wait_for(lambda: [row for row in medic.incidents(host) if "oom" in row["kind"] or row["kind"] == "memory.exhaustion"],
                    READY_SECONDS, "Hostmedic tells of it", 2)
    after = {unit: pid_of(host, unit) for unit in OWN}
    assert before == after, (before, after)
    return f"the hog was killed, ours go on as {after}; told as {sorted({row['kind'] for row in told})}"


def profiles_hold(host):
    """A service is healed and an aggregator told, and nothing of ours was refused anything."""
    if host.run("test -d /sys/kernel/security/apparmor", check=False).returncode != 0:
        raise testhost.Skip("the kernel has no AppArmor")
    medic.enroll(host, host)
    medic.policy(host, "auto")
    medic.ready(host, READY_SECONDS)
    for unit, profile in PROFILES.items():
        held = host.read(f"/proc/{pid_of(host, unit)}/attr/current").strip("\n\0 ")
        assert held == f"{profile} (enforce)", (unit, held)
    host.run("systemctl start nginx")
    time.sleep(30)
    host.kill_unit("nginx.service", "KILL", "main")
    wait_for(lambda: host.is_active("nginx.service"), READY_SECONDS, "nginx is healed", 2)
    wait_for(lambda: any(row["state"] == "resolved" for row in medic.fleet(host)["incidents"]), READY_SECONDS,
             "the aggregator knows", 2)
    denied = [entry["MESSAGE"] for entry in host.journal("-k") if 'apparmor="DENIED"' in str(entry["MESSAGE"])]
    assert not denied, denied[:5]
    return "a killed service was healed under all profiles in enforce mode, the aggregator was told; nothing was refused"


STORIES = (programs_load, memory_is_locked, profiles_hold, outlives_what_takes_all_memory)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", choices=testhost.KERNELS_OF, help="the Debian release that the kernel is of")
    kernel = parser.parse_args().kernel
    testhost.exit_on_signals()
    reason = virtual.why_not()
    if reason:
        sys.exit(f"no virtual machine here: {reason}")
    host = virtual.VirtualHost("machine", "machine" + (f"-{kernel}" if kernel else ""))
    host.start(BOOT_SECONDS)
    with contextlib.ExitStack() as at_end:
        at_end.callback(host.stop)
        print(f"booted in {host.boot_seconds:.0f} s: {host.out('uname -r')}", flush=True)
        host.install(*testhost.package_files(("hostmedic", "hostmedic-aggregator")))
        medic.ready(host, READY_SECONDS)
        failed = 0
        for story in STORIES:
            try:
                print(f"ok   {story.__name__}: {story(host)}", flush=True)
            except testhost.Skip as why:
                print(f"skip {story.__name__}: {why}", flush=True)
            except Exception:  # the others are told all the same
                failed += 1
                print(f"FAIL {story.__name__}\n{traceback.format_exc()}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
