# SPDX-License-Identifier: Apache-2.0
"""The flight recorder as installed: what was recorded decides the same, after a kill and after a power cut too."""
import json
import os
import tempfile
import time

import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
RING = "/var/lib/hostmedic/recorder"


def replay(host, what):
    done = host.run(f"hostmedic replay {what} --json", check=False)
    assert done.stdout.startswith("{"), done
    return json.loads(done.stdout)


@options(packages=PACKAGES, timeout=180)
def test_incident_replays_identically_and_another_policy_is_told_apart(host):
    medic.policy(host, "auto")
    host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
    host.run("systemctl daemon-reload && systemctl restart nginx")
    medic.ready(host)
    time.sleep(3)
    host.kill_unit("nginx.service", "KILL", "main")
    incident = medic.wait_incident(host, "service.failed", "resolved", 20)
    wait_for(lambda: host.run(f"test -s {RING}/kept/{incident['id']}.hmrec", check=False).returncode == 0, 10, "kept")
    time.sleep(2)
    played = replay(host, incident["id"][:8])
    assert played["identical"] and played["decisions"] > 3 and not played["lost"], played
    slow = host.run(f"hostmedic replay {RING}/kept/{incident['id']}.hmrec --speed 50 --json").stdout
    assert json.loads(slow)["hash"] == played["hash"], slow
    host.write("/root/policy.toml", '[guard]\ntier = "observe"\n')
    told = host.run(f"hostmedic replay {incident['id']} --config /root/policy.toml").stdout
    assert "would not have ordered" in told and "tier is observe" in told, told
    table = host.run("hostmedic backtest --config /root/policy.toml --json").stdout
    sums = json.loads(table)
    assert sums["recorded"]["actions"] == 1 and sums["other"]["actions"] == 0, table
    assert host.run(["setpriv", "--reuid=nobody", "--clear-groups", "hostmedic", "replay", incident["id"]],
                    check=False).returncode == 4


@options(packages=PACKAGES, timeout=180)
def test_kill_and_power_cut_lose_at_most_the_last_second(host):
    medic.ready(host)
    time.sleep(5)
    killed = time.time()
    host.run("systemctl kill --signal=KILL --kill-whom=main hostmedic")
    played = replay(host, RING)
    assert played["identical"] and played["frames"] > 3, played
    lost = killed - played["to_unix_nano"] / 1e9
    print(f"killed: {lost:.2f} s lost")
    assert lost < 2, lost  # a frame each second, and the kill takes its time
    medic.ready(host)
    time.sleep(3)
    with tempfile.TemporaryDirectory() as copies:
        for i in range(5):  # as a power cut would leave the files
            copy = os.path.join(copies, str(i))
            host.run(f"rm -rf /root/copy && cp -r {RING} /root/copy")
            played = replay(host, "/root/copy")
            assert played["identical"], (copy, played)
            time.sleep(0.37)
    assert replay(host, RING)["stretches"] >= 2
