# SPDX-License-Identifier: Apache-2.0
"""State directories that cannot be written: the agent goes on in memory, the actuator refuses, and both come back."""
import time

import medic
from testhost import options, wait_for

STATE = {"hostmedic": "/var/lib/hostmedic", "hostmedic-actuator": "/var/lib/hostmedic-actuator"}


def turn_read_only(host):
    """Both state directories become file systems of their own, read-only when the parts start."""
    host.run("systemctl start hostmedic-actuator")  # makes its directory
    host.run("systemctl stop hostmedic hostmedic-actuator")
    for name, path in STATE.items():
        host.run(f"cp -a {path} /root/{name}")
        host.filesystem(path, 16, "tmpfs")
        host.run(f"cp -a /root/{name}/. {path}/ && chown --reference=/root/{name} {path} && chmod --reference=/root/{name} {path}"
                 f" && mount -o remount,ro {path}")
    host.run("systemctl start hostmedic")


@options(packages=("hostmedic",), timeout=180)
def test_without_their_disks_the_agent_sees_and_nobody_acts_until_they_are_back(host):
    host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
    host.run("systemctl daemon-reload && systemctl restart nginx")
    medic.policy(host, "auto")
    medic.ready(host)
    turn_read_only(host)
    medic.ready(host)
    assert "ead-only" in medic.ask(host, "status")["store"]["no_disk"]
    assert "nothing is treated" in host.run("hostmedic status", check=False).stdout
    assert "in memory" in host.run("hostmedic doctor", check=False).stdout
    assert "runs in memory" in host.run("hostmedic resume 2>&1", check=False).stdout

    host.kill_unit("nginx.service", "KILL", "main")
    incident = medic.wait_incident(host, "service.failed")
    text = host.run(f"hostmedic explain {incident['id']}").stdout
    assert "halted by the agent: its state directory cannot be used" in text, text
    host.run("systemctl restart hostmedic")  # memory outlives it
    medic.ready(host)
    assert incident["id"] in {row["id"] for row in medic.incidents(host)}
    time.sleep(2)
    assert not host.is_active("nginx")

    # The actuator says why it refuses, and does not hold on to what it found at its start.
    refused = host.run("hostmedic audit 2>&1", check=False).stdout
    assert "ead-only" in refused, refused
    for path in STATE.values():
        host.run(f"mount -o remount,rw {path}")
    wait_for(lambda: host.run("ls /run/hostmedic/agent.db", check=False).returncode != 0, 40, "the agent left memory")
    medic.ready(host)
    assert medic.ask(host, "status")["store"]["no_disk"] == ""
    assert incident["id"] in {row["id"] for row in medic.incidents(host)}
    host.run("systemctl start nginx")
    time.sleep(3)
    host.kill_unit("nginx.service", "KILL", "main")
    wait_for(lambda: host.is_active("nginx"), 40, "nginx is healed")
    assert medic.ask(host, "audit")["whole"]
    assert "can be used again" in "".join(row["MESSAGE"] for row in host.journal("-u", "hostmedic"))
