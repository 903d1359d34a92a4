# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every part at awkward moments: nothing is done twice, nothing is lost, delivery is exactly once."""
import random
import time

import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic", "hostmedic-aggregator")


def count_restarts(host):
    """Starts of nginx as systemd counts them in the journal."""
    return len(host.journal("-u", "nginx", "--grep", "^Started "))


def ledger_orders(host):
    return host.out("sqlite3 -readonly /var/lib/hostmedic-actuator/ledger.db 'select count(*) from orders'")


@options(packages=PACKAGES, timeout=300)
def test_kill_9_at_any_point_repeats_and_loses_nothing(host):
    host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
    host.run("systemctl daemon-reload && systemctl restart nginx")
    medic.enroll(host, host)
    medic.ready(host)
    medic.policy(host, "auto", 'cooldown = "0s"\nper_target_count = 100\nper_runbook_count = 100\n'
                               'per_host_count = 100\ncrash_loop_restarts = 100\n')
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"seed {seed}")
    dice = random.Random(seed)
    faults = 6
    for victim in ("hostmedic", "hostmedic-actuator", "hostmedic-aggregator") * (faults // 3):
        wait_for(lambda: host.is_active("nginx"), 30, "nginx runs")
        time.sleep(1.5)
        host.kill_unit("nginx.service", "KILL", "main")
        time.sleep(dice.uniform(0, 0.6))
        host.run(f"systemctl kill -s KILL {victim}", check=False)
        wait_for(lambda: host.is_active("nginx"), 40, f"nginx was healed although {victim} was killed")
        wait_for(lambda: host.is_active("hostmedic") and host.is_active("hostmedic-aggregator"), 20, "all are back")
        medic.ready(host)
        wait_for(lambda: all(row["state"] == "resolved" or (row["flapping"] and not row["anomalies"][0]["firing"])
                             for row in medic.incidents(host, "service.failed")), 30,
                 "the incident is resolved, or waits because it flaps")
    starts = count_restarts(host)
    orders = medic.incidents(host, "service.failed")
    ordered = sum(len(medic.entries(row, "ordered")) for row in orders)
    print(f"{starts} starts of nginx, {ordered} orders in {len(orders)} incidents")
    # The start at boot, the restart above, and one per fault; never more.
    assert starts == 2 + faults, starts
    known = {row["id"]: row["state"] for row in medic.incidents(host)}

    def delivered():
        there = {row["id"]: row for row in medic.fleet(host)["incidents"]}
        return all(i in there and there[i]["state"] == state for i, state in known.items())
    wait_for(delivered, 60, "every incident at the aggregator")
    twice = host.out("sqlite3 -readonly /var/lib/hostmedic-aggregator/fleet.db "
                     "'select count(*) - count(distinct host || uid) from log'")
    assert twice == "0", twice


@options(packages=PACKAGES, timeout=180)
def test_an_outage_of_the_aggregator_loses_nothing(host):
    host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
    host.run("systemctl daemon-reload && systemctl restart nginx")
    medic.enroll(host, host)
    medic.ready(host)
    medic.policy(host, "auto")
    host.run("systemctl stop hostmedic-aggregator")
    time.sleep(1)
    host.kill_unit("nginx.service", "KILL", "main")
    incident = medic.wait_incident(host, "service.failed", "resolved", 20)
    host.run("systemctl kill -s KILL hostmedic")
    time.sleep(3)
    medic.ready(host)
    host.run("systemctl start hostmedic-aggregator")

    def delivered():
        rows = [row for row in medic.fleet(host)["incidents"] if row["id"] == incident["id"]]
        return rows and rows[0]["state"] == "resolved"
    wait_for(delivered, 90, "the incident of the outage at the aggregator")
    assert medic.ask(host, "status")["upstream"]["dropped"] == 0


@options(packages=("hostmedic",), timeout=120)
def test_a_proof_that_a_restart_broke_off_is_made_anew(host):
    host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
    host.run("systemctl daemon-reload && systemctl restart nginx")
    patient = host.read("/usr/share/hostmedic/runbooks/service-restart.toml").replace('settle = "1s"', 'settle = "8s"')
    host.write("/etc/hostmedic/runbooks.d/service-restart.toml", patient, mode=0o644)
    medic.ready(host)
    medic.policy(host, "auto")
    host.kill_unit("nginx.service", "KILL", "main")
    medic.wait_incident(host, "service.failed", "verifying", 20)
    host.run("systemctl kill -s KILL hostmedic")
    medic.ready(host)
    incident = medic.wait_incident(host, "service.failed", "resolved", 40)
    assert any("it is proved anew" in entry["text"] for entry in medic.entries(incident, "note")), incident
    assert len(medic.entries(incident, "ordered")) == 1 and len(medic.entries(incident, "verified")) == 1, incident
    assert count_restarts(host) == 3  # at boot, ours above, and the one treatment
