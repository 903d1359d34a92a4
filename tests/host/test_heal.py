# SPDX-License-Identifier: Apache-2.0
"""The loop on a real host, from the installed package: noticed, judged, treated, proved, reported."""
import gzip
import os
import tempfile
import time

import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic", "hostmedic-aggregator")


def no_own_restart(host):
    """nginx must not be healed by systemd itself."""
    host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
    host.run("systemctl daemon-reload && systemctl restart nginx")


def kill_nginx(host):
    return host.kill_unit("nginx.service", "KILL", "main")


@options(packages=PACKAGES)
def test_killed_service_is_running_again_in_three_seconds(host):
    medic.policy(host, "auto")
    medic.enroll(host, host)
    no_own_restart(host)
    medic.ready(host)
    time.sleep(2)
    killed = kill_nginx(host)
    wait_for(lambda: host.is_active("nginx"), 10, "nginx runs again")
    incident = medic.wait_incident(host, "service.failed", "resolved", 10)
    resolved = medic.seconds_after(incident, "closed_at_unix_nano", killed)
    print(f"noticed {medic.seconds_after(incident, 'opened_at_unix_nano', killed):.3f} s, "
          f"resolved {resolved:.3f} s after the kill")
    assert resolved < 3, resolved
    assert incident["root"] == "service:nginx.service", incident["root"]
    verdicts = medic.entries(incident, "verdict")
    assert verdicts and "allow" in str(verdicts[-1]), verdicts
    assert medic.entries(incident, "acted") and medic.entries(incident, "verified"), incident["timeline"]

    def delivered():
        rows = [row for row in medic.fleet(host)["incidents"] if row["id"] == incident["id"]]
        return rows and rows[0]["state"] == "resolved" and rows[0]
    wait_for(delivered, 15, "the incident at the aggregator")
    detail = medic.fleet(host, f"incidents/{incident['id']}")
    record = detail["incident"]
    assert record["anomalies"], record
    assert medic.entries(record, "verdict") and medic.entries(record, "verified"), record["timeline"]


@options(packages=PACKAGES, timeout=180)
def test_runaway_log_is_treated_before_the_disk_is_full(host):
    medic.policy(host, "auto", '\nlog_roots = ["/var/log", "/srv/log"]\n')
    medic.enroll(host, host)
    host.write("/etc/hostmedic/conf.d/logs.toml", '[probes]\nlog_roots = ["/var/log", "/srv/log"]\n')
    host.filesystem("/srv", 1024)
    host.run("mkdir -p /srv/log && systemctl restart hostmedic hostmedic-probe")
    medic.ready(host)
    time.sleep(3)
    host.log_writer("/srv/log/app.log", 20_000_000)
    peak = 0.0
    deadline = time.time() + 60
    treated = None
    while time.time() < deadline:
        peak = max(peak, host.usage("/srv"))
        treated = treated or next((i for i in medic.incidents(host, "filesystem.filling")
                                   if medic.entries(i, "verified")), None)
        if treated and time.time() > deadline - 30:
            break
        time.sleep(0.1)
    assert treated, medic.incidents(host)
    print(f"highest use {peak:.1%}")
    assert peak < 0.97, peak
    assert host.is_active("runaway.service")
    host.run("systemctl stop runaway.service")
    check_every_line_once(host, "/srv/log", "app.log")
    wait_for(lambda: any(row["id"] == treated["id"] for row in medic.fleet(host)["incidents"]), 15,
             "the incident at the aggregator")


def check_every_line_once(host, directory, name):
    """Archives in order and the live file together hold every numbered line exactly once, without a gap."""
    with tempfile.TemporaryDirectory() as scratch:
        host.pull(directory, scratch)
        root = os.path.join(scratch, os.path.basename(directory))
        archives = sorted(f for f in os.listdir(root) if f.startswith(name) and f.endswith(".gz"))
        assert archives, os.listdir(root)
        expected = None
        for file in archives + [name]:
            opener = gzip.open if file.endswith(".gz") else open
            with opener(os.path.join(root, file), "rb") as f:
                text = f.read().lstrip(b"\0") if file == name else f.read()
            expected = check_lines(text, expected, file)
        print(f"{expected} lines, {len(archives)} archives")


def check_lines(text, expected, file):
    """A line may be cut by the border of two files; its halves are put together by the caller's order."""
    lines = (check_lines.rest + text).split(b"\n")
    check_lines.rest = lines.pop()
    for line in lines:
        number = int(line.split(b" ", 1)[0])
        assert expected is None or number == expected, (file, expected, number)
        expected = number + 1
    return expected


check_lines.rest = b""


@options(packages=PACKAGES, timeout=180)
def test_observe_changes_nothing(host):
    medic.ready(host)
    no_own_restart(host)
    host.filesystem("/var/log/app", 1024)
    time.sleep(12)  # a new mount below a log root is noticed within ten seconds
    kill_nginx(host)
    host.log_writer("/var/log/app/app.log", 20_000_000)
    incident = medic.wait_incident(host, "service.failed", timeout=10)
    filling = medic.wait_incident(host, "filesystem.filling", timeout=30)
    time.sleep(5)
    host.run("systemctl stop runaway.service")
    for row in (incident, filling):
        shown = host.out(f"hostmedic explain {row['id']}")
        assert "would do" in shown and "nothing was changed on this host" in shown, shown
    incident = medic.incidents(host, "service.failed")[0]
    assert medic.entries(incident, "planned"), incident["timeline"]
    assert not medic.entries(incident, "ordered"), incident["timeline"]
    assert not host.is_active("nginx")
    assert host.out("ls /var/log/app | grep -v lost+found") == "app.log"
    units = host.out("systemctl list-units --all --plain --no-legend 'hostmedic-order-*'")
    assert units == "", units
