# SPDX-License-Identifier: Apache-2.0
"""What a host does not have: the agent starts, says what it lacks and why, and the rest works."""
import json
import time

import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
PROBE = "/usr/lib/hostmedic/hostmedic-probe"
# Whatever is missing, these are there wherever /proc is.
ALWAYS = ("cpu", "memory", "load", "paging", "filesystem", "network")


def probes(host):
    """{name: (state, reason)} as `hostmedic list probes` has it."""
    return {row["name"]: (row["state"], row.get("reason", "")) for row in medic.ask(host, "list probes")}


def restart(host):
    host.run("systemctl daemon-reload && systemctl restart hostmedic hostmedic-probe")
    medic.ready(host)
    time.sleep(3)


def assert_works(host, but=()):
    """Every probe says how it is; those that need nothing special are available; values come."""
    states = probes(host)
    for name in ALWAYS:
        if name not in but:
            assert states[name][0] == "available", (name, states[name])
    for name, (state, reason) in states.items():
        assert state == "available" or reason.startswith(("not here, because ", "not now, because ")), (name, state, reason)
    assert host.is_active("hostmedic") and host.is_active("hostmedic-probe")
    return states


@options(packages=PACKAGES)
def test_without_bpf(host):
    host.write("/etc/systemd/system/hostmedic-probe.service.d/none.conf",
               "[Service]\nCapabilityBoundingSet=\nAmbientCapabilities=\n")
    restart(host)
    states = assert_works(host)
    assert states["process"] == ("unavailable", "not here, because loading BPF programs needs CAP_BPF and CAP_PERFMON: "
                                                "Operation not permitted"), states["process"]
    # Processes are still seen, from /proc.
    assert states["processes"][0] == "available", states["processes"]


@options(packages=PACKAGES)
def test_without_tracefs(host):
    host.write("/etc/systemd/system/hostmedic-probe.service.d/none.conf",
               "[Service]\nInaccessiblePaths=-/sys/kernel/tracing -/sys/kernel/debug\n")
    restart(host)
    states = assert_works(host)
    assert states["process"][0] == "available", states["process"]


@options(packages=PACKAGES)
def test_without_journald(host):
    host.run("systemctl mask --now systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket "
             "systemd-journald.service", check=False)
    host.run("rm -rf /run/log/journal /var/log/journal")
    restart(host)
    states = assert_works(host)
    assert states["journal"][0] == "unavailable", states["journal"]


@options(packages=PACKAGES)
def test_without_systemd(host):
    """The agent in one process tree of its own namespaces, in which nobody ever started systemd or D-Bus."""
    host.write("/root/plain.sh", """set -e
mount -t tmpfs none /run
mkdir -p /run/hm /var/tmp/hm
hostmedicd --all-in-one --state-dir /var/tmp/hm --run-dir /run/hm --config /etc/hostmedic/hostmedic.toml &
for i in $(seq 100); do
  hostmedic --socket /run/hm/control.sock list probes --json >/var/tmp/probes.json 2>/dev/null && grep -q '"cpu"' /var/tmp/probes.json && break
  sleep 0.2
done
sleep 4
hostmedic --socket /run/hm/control.sock list probes --json >/var/tmp/probes.json
kill %1
wait
""")
    host.run("unshare --mount --pid --fork --mount-proc bash /root/plain.sh", timeout=90)
    states = {row["name"]: row for row in json.loads(host.read("/var/tmp/probes.json"))}
    for name in ALWAYS:
        assert states[name]["state"] == "available", states[name]
    assert states["systemd"]["state"] == "unavailable" and states["systemd"]["reason"], states["systemd"]


@options(packages=PACKAGES, tree="docker", timeout=180)
def test_inside_a_container(host):
    """The probe in an ordinary Docker container: no capability, no control group of its own making, no D-Bus."""
    wait_for(lambda: host.run("docker info", check=False).returncode == 0, 30, "Docker is up")
    host.run("tar -c -T /dev/null | docker import - empty", timeout=60)
    mounts = " ".join(f"-v {path}:{path}:ro" for path in ("/usr", "/etc/ld.so.cache"))
    links = "mkdir -p /root/links && cd /root/links && cp -a /bin /lib /lib64 ."
    host.run(links)
    host.run("tar -C /root/links -c . | docker import - linked", timeout=60)
    text = host.out(f"docker run --rm --network none {mounts} linked {PROBE} --print=3", timeout=60)
    for name in ALWAYS:
        assert f'probe.name="{name}" probe.state="available"' in text, text[-3000:]
    for name in ("process", "systemd"):
        assert f'probe.name="{name}" probe.state="unavailable" probe.reason="not here, because' in text, text[-3000:]


@options(packages=PACKAGES)
def test_control_groups_of_version_1_only(host):
    """A tree of version 1 in the place of the host's: the probe reads units from its hierarchies."""
    host.write("/root/old.sh", """set -e
mount -t tmpfs none /sys/fs/cgroup
for name in systemd cpu,cpuacct memory pids; do mkdir -p /sys/fs/cgroup/$name/system.slice/old.service; done
ln -s cpu,cpuacct /sys/fs/cgroup/cpuacct
echo 1500000000 >/sys/fs/cgroup/cpu,cpuacct/system.slice/old.service/cpuacct.usage
echo 33554432 >/sys/fs/cgroup/memory/system.slice/old.service/memory.usage_in_bytes
echo 7 >/sys/fs/cgroup/pids/system.slice/old.service/pids.current
for name in systemd cpu,cpuacct memory pids; do : >/sys/fs/cgroup/$name/system.slice/old.service/cgroup.procs; done
""" + f"{PROBE} --print=3\n")
    text = host.out("unshare --mount bash /root/old.sh", timeout=60)
    assert "service:old.service hostmedic.service.cpu.time 1.5 s" in text, text[-3000:]
    assert "service:old.service hostmedic.service.memory.usage 33554432 By" in text, text[-3000:]
    for name in ALWAYS:
        assert f'probe.name="{name}" probe.state="available"' in text, text[-3000:]
