#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demonstration: a fresh host from the package, two real faults, and what Hostmedic did about them, with times."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import medic  # noqa: E402
import testhost  # noqa: E402
from testhost import Host, wait_for  # noqa: E402

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def say(text="", bold=False):
    print(f"\033[1m{text}\033[0m" if bold and COLOUR else text, flush=True)


def line(label, text):
    say(f"  {label:<12} {text}")


def after(incident, key, fault):
    value = incident.get(key)
    return f"{value / 1e9 - fault:6.2f} s" if value else "   -    "


def narrate(hub, incident, fault, what):
    """One fault, from its own record."""
    say()
    say(what, bold=True)
    line("fault at", time.strftime("%H:%M:%S", time.localtime(fault)))
    line("noticed", f"{after(incident, 'opened_at_unix_nano', fault)} after the fault: {incident['kind']} "
                    f"on {incident['root']}, {incident['confidence']:.0%} sure")
    line("diagnosed", incident["diagnosis"])
    for kind, label in (("verdict", "guard"), ("ordered", "did"), ("acted", "effect"), ("verified", "proof"),
                        ("escalated", "escalated")):
        for entry in medic.entries(incident, kind)[:1]:
            line(label, f"{entry['at_unix_nano'] / 1e9 - fault:6.2f} s: {entry['text']}")
    line("state", incident["state"])
    rows = wait_for(lambda: [row for row in medic.fleet(hub)["incidents"] if row["id"] == incident["id"]], 20,
                    "the incident at the aggregator")
    line("reported", f"to the aggregator over mutual TLS, state there: {rows[0]['state']}")


def killed_service(host):
    fault = host.kill_unit("nginx.service", "KILL", "main")
    wait_for(lambda: host.is_active("nginx"), 20, "nginx runs again")
    incident = medic.wait_incident(host, "service.failed", "resolved", 20)
    narrate(host, incident, fault, "kill -9 of nginx, whose unit does not restart it")
    return incident


def runaway_log(host):
    fault = time.time()
    host.log_writer("/srv/log/app.log", 20_000_000)

    def treated():
        rows = medic.incidents(host, "filesystem.filling")
        return rows and medic.entries(rows[0], "verified") and rows[0]
    incident = wait_for(treated, 90, "the runaway log was treated")
    host.run("systemctl stop runaway.service")
    narrate(host, incident, fault, "a service that logs 20 MB/s into a filesystem of 1 GB")
    say("  " + host.out("ls -sh --time-style=+ /srv/log | tail -n +2").replace("\n", "\n  "))
    return incident


def main():
    reason = testhost.why_not()
    if reason:
        say(f"No test host can be booted here: {reason}")
        say("Instead: ./dev run starts the agent on this machine in observe, where it changes nothing.")
        return 0
    testhost.exit_on_signals()
    begin = time.time()
    with Host("demo") as host:
        say(f"A fresh Debian with systemd, booted in {host.boot_seconds:.1f} s", bold=True)
        host.install(*testhost.package_files(("hostmedic", "hostmedic-aggregator")))
        line("installed", host.out("hostmedic version"))
        medic.enroll(host, host)
        line("enrolled", "at an aggregator, with certificates of its own authority")
        host.filesystem("/srv", 1024)
        host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
        host.write("/etc/hostmedic/conf.d/logs.toml", '[probes]\nlog_roots = ["/var/log", "/srv/log"]\n')
        medic.policy(host, "auto", 'log_roots = ["/var/log", "/srv/log"]\n')
        host.run("mkdir -p /srv/log && systemctl daemon-reload && systemctl restart nginx hostmedic hostmedic-probe")
        medic.ready(host)
        line("policy", "tier auto for the shipped runbooks, as far as their ceilings; everything else observes")
        time.sleep(3)
        killed = killed_service(host)
        runaway_log(host)
        say()
        say("How the agent itself explains the first one (hostmedic explain):", bold=True)
        say("  " + host.out(f"hostmedic explain {killed['id']}").replace("\n", "\n  "))
        say()
        say(host.out("hostmedic status"))
    say()
    say(f"Done in {time.time() - begin:.0f} s; the host is gone again. To look around yourself: install "
        "build/package/hostmedic_*.deb on a test machine,", bold=True)
    say("then `hostmedic status`, `hostmedic incidents`, `hostmedic explain ID`; the aggregator's page is on "
        "http://127.0.0.1:8320/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
