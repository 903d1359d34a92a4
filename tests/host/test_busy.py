# SPDX-License-Identifier: Apache-2.0
"""The guard of the actuator over what it sees of a real host: busy work, systemd's own restarts, related units."""
import actuator
from testhost import options

PACKAGES = ("hostmedic",)
UNIT = "[Service]\nExecStart=/bin/false\n"


def failed_unit(host, name):
    host.write(f"/etc/systemd/system/{name}.service", UNIT)
    host.run("systemctl daemon-reload")
    host.run(f"systemctl start {name}; sleep 0.3; true", check=False)


def held_by(outcome, rule):
    assert outcome["result"] == "refused", outcome
    answers = {answer["rule"]: answer["decision"] for answer in outcome["verdict"]["answers"]}
    assert answers[rule] != "allow", outcome
    return next(answer["reason"] for answer in outcome["verdict"]["answers"] if answer["rule"] == rule)


@options(packages=PACKAGES)
def test_a_backup_is_not_disturbed(host):
    actuator.alone(host)
    failed_unit(host, "hm-busy")
    host.run("cp /bin/sleep /usr/local/bin/restic; systemd-run --quiet --unit hm-backup /usr/local/bin/restic 300")
    order = {**actuator.order("a", "service.restart", "service:hm-busy.service"), "not_while": "backup"}
    assert held_by(actuator.execute(host, order), "busy").startswith("not during backup: restic, pid ")
    host.run("systemctl stop hm-backup")
    outcome = actuator.execute(host, {**order, "key": "b" * 24})
    assert outcome["verdict"]["decision"] == "allow", outcome


@options(packages=PACKAGES)
def test_packages_are_being_installed(host):
    actuator.alone(host)
    failed_unit(host, "hm-busy")
    host.write("/root/lock.py", "import fcntl, time\nlock = open('/var/lib/dpkg/lock-frontend', 'w')\n"
                                "fcntl.lockf(lock, fcntl.LOCK_EX)\ntime.sleep(300)\n")
    host.run("systemd-run --quiet --unit hm-lock python3 /root/lock.py; sleep 0.5")
    order = {**actuator.order("a", "service.restart", "service:hm-busy.service"), "not_while": "package-manager"}
    assert "the lock of dpkg is held" in held_by(actuator.execute(host, order), "busy")
    host.run("systemctl stop hm-lock")


@options(packages=PACKAGES)
def test_what_systemd_is_about_to_restart_is_left_to_it(host):
    actuator.alone(host)
    host.write("/etc/systemd/system/hm-again.service", UNIT + "Restart=always\nRestartSec=60\n")
    host.run("systemctl daemon-reload; systemctl start hm-again; sleep 0.5", check=False)
    order = actuator.order("a", "service.restart", "service:hm-again.service")
    assert "auto-restart" in held_by(actuator.execute(host, order), "target-state")


@options(packages=PACKAGES)
def test_a_runbook_that_misfires_is_disarmed(host):
    actuator.alone(host)
    for key in "abc":
        failed_unit(host, f"hm-{key}")
        host.write(f"/etc/systemd/system/hm-{key}.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
        host.run("systemctl daemon-reload")
        outcome = actuator.execute(host, actuator.order(key, "service.restart", f"service:hm-{key}.service"))
        assert outcome["result"] == "failed", outcome
    failed_unit(host, "hm-d")
    order = actuator.order("d", "service.restart", "service:hm-d.service")
    assert "disarmed by the guard: 3 of its 3 actions" in held_by(actuator.execute(host, order), "disarmed")
    actuator.ask(host, "rearm", runbook="test")
    outcome = actuator.execute(host, {**order, "key": "e" * 24})
    assert outcome["verdict"]["decision"] == "allow", outcome
