# SPDX-License-Identifier: Apache-2.0
"""What stops an action that would otherwise be taken, each with its reason in `explain`."""
import time

import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic",)


def prepared(host, extra=""):
    """An agent that may restart nginx, whose unit does not restart it."""
    host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
    host.run("systemctl daemon-reload && systemctl restart nginx")
    medic.ready(host)
    medic.policy(host, "auto", extra)
    time.sleep(1.5)


def actuator_halts(host):
    """Whether the actuator's own ledger holds the kill switch: "1" or "0"."""
    return host.out("sqlite3 /var/lib/hostmedic-actuator/ledger.db 'select count(*) from halt'")


def stopped_by(host, rule):
    """Kills nginx; the incident must name the rule, and nginx must stay dead."""
    host.kill_unit("nginx.service", "KILL", "main")
    incident = medic.wait_incident(host, "service.failed", timeout=10)
    time.sleep(2)
    shown = host.out(f"hostmedic explain {incident['id']}")
    assert any(rule in line and ("deny" in line or "hold" in line) for line in shown.splitlines()), shown
    assert not host.is_active("nginx"), shown
    incident = medic.incidents(host, "service.failed")[0]
    assert not medic.entries(incident, "ordered"), incident["timeline"]
    return incident


@options(packages=PACKAGES)
def test_kill_switch_stops_and_outlives_a_restart(host):
    prepared(host)
    host.run("hostmedic halt --reason 'night shift'")
    stopped_by(host, "kill-switch")
    host.run("systemctl restart hostmedic")
    medic.ready(host)
    status = medic.ask(host, "status")
    assert status["halted"] and "night shift" in status["halted_by"], status
    time.sleep(2)
    assert not host.is_active("nginx")
    # The actuator has a brake of its own: the daemon's alone does not release it.
    assert actuator_halts(host) == "1"
    host.run("hostmedic resume")
    wait_for(lambda: host.is_active("nginx"), 15, "nginx runs again after resume")
    assert actuator_halts(host) == "0"


@options(packages=PACKAGES)
def test_maintenance_stops_and_ends(host):
    prepared(host)
    host.run("hostmedic maintenance on --for 10m --reason upgrade")
    stopped_by(host, "maintenance")
    host.run("hostmedic maintenance off")
    wait_for(lambda: host.is_active("nginx"), 15, "nginx runs again after the maintenance")


@options(packages=PACKAGES)
def test_protected_entity_is_left_alone(host):
    prepared(host, 'protected = ["service:nginx*"]\n')
    stopped_by(host, "protected")


@options(packages=PACKAGES)
def test_rate_limit_stops_the_next_restart(host):
    prepared(host, 'per_target_count = 1\nper_target_window = "1h"\ncooldown = "0s"\n')
    host.kill_unit("nginx.service", "KILL", "main")
    wait_for(lambda: host.is_active("nginx"), 15, "nginx runs again the first time")
    medic.wait_incident(host, "service.failed", "resolved", 15)
    host.kill_unit("nginx.service", "KILL", "main")

    def refused():
        shown = host.out(f"hostmedic explain {medic.incidents(host, 'service.failed')[0]['id']}")
        return any("rate-limit-target" in line and "deny" in line for line in shown.splitlines())
    wait_for(refused, 15, "the rate limit in explain")
    assert not host.is_active("nginx")


@options(packages=PACKAGES)
def test_a_human_approves(host):
    prepared(host)
    medic.policy(host, "approve")
    host.kill_unit("nginx.service", "KILL", "main")
    incident = medic.wait_incident(host, "service.failed", timeout=10)
    time.sleep(1)
    assert not host.is_active("nginx")
    # A stolen agent cannot speak for a human: the actuator listens to root only.
    stolen = host.run("setpriv --reuid hostmedic --regid hostmedic --clear-groups "
                      f"hostmedic approve {incident['id']} --yes", check=False)
    assert stolen.returncode != 0, stolen
    assert not host.is_active("nginx")
    host.run(f"hostmedic approve {incident['id']} --yes")
    wait_for(lambda: host.is_active("nginx"), 15, "nginx runs again after the approval")
    incident = medic.wait_incident(host, "service.failed", "resolved", 15)
    assert "uid 0" in str(medic.entries(incident, "approval")), incident["timeline"]


@options(packages=("hostmedic", "hostmedic-aggregator"), timeout=120)
def test_what_could_harm_a_fleet_waits_for_its_turn(host):
    medic.enroll(host, host)
    prepared(host, "need_lease = true\n")
    # Another host of the fleet, by its certificate: it is at work.
    host.run("hostmedic-aggregator enroll web2 --url https://127.0.0.1:4318 --out /root/web2.bundle")
    host.run(["python3", "-c", "import tomllib; b = tomllib.load(open('/root/web2.bundle', 'rb'))\n"
              "for k in ('ca', 'certificate', 'key'): open('/root/web2.' + k, 'w').write(b[k])"])
    ask = ("curl -fsS --cacert /root/web2.ca --cert /root/web2.certificate --key /root/web2.key "
           "-H 'Content-Type: application/json' https://127.0.0.1:4318/v1/leases -d ")
    assert '"granted":true' in host.out(ask + "'" + '{"action": "service.restart", "entity": "service:nginx", "seconds": 300}' + "'")
    stopped_by(host, "lease")
    shown = host.out("hostmedic explain " + medic.incidents(host, "service.failed")[0]["id"])
    assert "web2 (service.restart on service:nginx)" in shown, shown
    assert '"granted":false' in host.out(ask + "'" + '{"release": true}' + "'")
    incident = medic.wait_incident(host, "service.failed", "resolved", 20)
    assert len(medic.entries(incident, "ordered")) == 1, incident["timeline"]
    held = {row["name"]: row["lease"] for row in medic.fleet(host, "hosts")["hosts"]}
    assert held[host.out("hostname")]["action"] == "service.restart", held
    wait_for(lambda: not any(row["lease"] for row in medic.fleet(host, "hosts")["hosts"]), 30, "the leave is given back")


@options(packages=("hostmedic", "hostmedic-aggregator"), timeout=180)
def test_a_person_far_away_approves_one_plan_and_rejects_another(host):
    medic.enroll(host, host)
    host.write("/etc/systemd/system/app.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    host.run("systemctl daemon-reload && systemctl start app")
    prepared(host)
    medic.policy(host, "approve")
    for name in ("ada", "eve"):
        host.run(f"hostmedic-aggregator approver {name} --out /root/{name}")

    def waits(unit):
        """Kills it; the id of its incident when its plan is known to the aggregator."""
        host.kill_unit(unit, "KILL", "main")
        return wait_for(lambda: next((row["incident_id"] for row in medic.fleet(host, "proposals")["proposals"]
                                      if row["order"]["plan"]["target"] == "service:" + unit), None), 20, "a plan waits")

    def say(verb, who, incident):
        return host.run(f"hostmedic {verb} {incident} --fleet 127.0.0.1:8320 "
                        f"--certificate /root/{who}.crt --key /root/{who}.key", check=False)

    incident = waits("nginx.service")
    listed = host.out("hostmedic list proposals --fleet 127.0.0.1:8320")
    assert incident in listed and host.out("hostname") in listed, listed
    # Nobody is listed; then anybody could have listed himself; then it is somebody else.
    for prepare, who, why in (("true", "ada", "nobody may approve from afar"),
                              ("install -m 0666 /root/ada.crt /etc/hostmedic/approvers.pem", "ada", "may be written by others"),
                              ("chmod 0644 /etc/hostmedic/approvers.pem", "eve", "is not among them")):
        host.run(prepare)
        said = say("approve --yes", who, incident)
        assert said.returncode == 4 and why in said.stderr, said
        assert not host.is_active("nginx")
    said = say("approve --yes", "ada", incident)
    assert said.returncode == 0 and "has taken it" in said.stdout, said
    wait_for(lambda: host.is_active("nginx"), 15, "nginx runs again after the approval")
    healed = medic.wait_incident(host, "service.failed", "resolved", 15)
    assert "ada (certificate " in str(medic.entries(healed, "approval")), healed["timeline"]
    ledger = host.out("sqlite3 /var/lib/hostmedic-actuator/ledger.db 'select kind, record from chain'")
    assert "approval|ada (certificate " in ledger, ledger

    incident = waits("app.service")
    said = say("reject --reason 'not at night'", "ada", incident)
    assert said.returncode == 0, said
    shown = host.out("hostmedic explain " + incident)
    assert "rejected by ada (certificate " in shown and "not at night" in shown, shown
    assert not host.is_active("app")
