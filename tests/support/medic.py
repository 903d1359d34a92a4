# SPDX-License-Identifier: Apache-2.0
"""Hostmedic inside a test host, as its user meets it: the installed package, its files, its command line."""
import json
import os
import shlex
import subprocess
import tempfile
import time

from testhost import own_release, release, wait_for

RUNBOOKS = ("service-restart", "filesystem-logs", "memory-exhaustion", "service-memory-limited",
            "service-cpu-limited", "service-cpu-runaway", "service-tasks-limited", "service-hung", "service-silent",
            "service-errors", "service-leak", "service-zombies", "service-fork-storm", "process-leak", "process-zombies",
            "cpu-runaway", "certificate-renew", "container-behaviour", "container-unhealthy",
            "container-crash-loop", "service-connections", "upstream-circuit")


def policy(host, tier=None, extra=""):
    """Writes the guard's policy: the given tier for the shipped runbooks, no wait after boot, then reloads."""
    text = '# written by a test\n[guard]\nboot_grace = "0s"\npost_change = "auto"\n' + extra
    for name in RUNBOOKS if tier else ():
        text += f'\n[[tier]]\nrunbook = "{name}"\nentity = "*"\ntier = "{tier}"\n'
    host.write("/etc/hostmedic/policy.toml", text, mode=0o644)
    host.run("hostmedic reload")


def ask(host, arguments):
    """The answer of the command line as JSON. A degraded agent answers too, with status 1."""
    done = host.run(f"hostmedic {arguments} --json", check=False)
    assert done.returncode in (0, 1) and done.stdout, done
    return json.loads(done.stdout)


def ready(host, timeout=20):
    """Returns when the agent is up and the probe has sent frames."""
    def connected():
        done = host.run("hostmedic status --json", check=False)
        return done.stdout.startswith("{") and json.loads(done.stdout).get("probe", {}).get("frames", 0) >= 2
    wait_for(connected, timeout, "agent and probe are up")


def incidents(host, kind=None):
    """All incidents the agent knows, newest first."""
    rows = ask(host, "incidents --all")
    return [row for row in rows if kind is None or row["kind"] == kind]


def wait_incident(host, kind, state=None, timeout=30):
    """The newest incident of a kind once it is in one of the states (a word, or several in a tuple)."""
    states = (state,) if isinstance(state, str) else state

    def found():
        rows = incidents(host, kind)
        return rows[0] if rows and (states is None or rows[0]["state"] in states) else None
    return wait_for(found, timeout, f"incident {kind} {state or ''}")


def entries(incident, kind):
    """Timeline entries of one kind, oldest first."""
    return [entry for entry in incident["timeline"] if entry["kind"] == kind]


def enroll(hub, *hosts, address="127.0.0.1"):
    """Makes hub an aggregator and enrols the hosts there."""
    hub.run(f"hostmedic-aggregator init --name {address}")
    hub.run(["sed", "-i", "-E", f's/^#? *listen *=.*/listen = "{address}:4318"/', "/etc/hostmedic-aggregator/aggregator.toml"])
    hub.run("systemctl restart hostmedic-aggregator")
    for host in hosts:
        name = host.out("hostname")
        hub.run(f"hostmedic-aggregator enroll {name} --url https://{address}:4318 --out /root/{name}.bundle")
        host.write("/root/agent.bundle", hub.read(f"/root/{name}.bundle"), mode=0o600)
        host.run("hostmedic enroll /root/agent.bundle")
        host.run("systemctl reload-or-restart hostmedic")


def fleet(hub, path="incidents"):
    """What the aggregator's page is made of."""
    return json.loads(hub.out(f"curl -fsS http://127.0.0.1:8320/api/{shlex.quote(path)}"))


def seconds_after(incident, key, since):
    """Seconds from a time.time() to a time of the incident."""
    return incident[key] / 1e9 - since


def now():
    return time.time()


def replay_elsewhere(host, packages):
    """Decides all that the host's agent recorded again, here: another machine comes to the same."""
    package = next((path for path in packages if os.path.basename(path).startswith("hostmedic_")), None)
    ring = "/var/lib/hostmedic/recorder"
    if package is None or host.run(f"ls {ring}/*.hmseg", check=False).returncode != 0:
        return
    if release() != own_release():
        print(f"not replayed here: programs for Debian {release()} want its libraries")
        return
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["dpkg-deb", "--extract", package, f"{scratch}/package"], check=True)
        host.pull(ring, scratch)
        done = subprocess.run([f"{scratch}/package/usr/bin/hostmedic", "replay", f"{scratch}/recorder", "--json"],
                              capture_output=True, text=True, check=False)
    assert done.stdout.startswith("{"), done
    played = json.loads(done.stdout)
    print(f"replayed here: {played['frames']} frames, {played['decisions']} decisions, hash {played['hash']}, "
          f"{'identical' if played['identical'] else 'DIFFERENT'}")
    assert played["identical"], done.stdout
