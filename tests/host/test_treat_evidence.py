# SPDX-License-Identifier: Apache-2.0
"""evidence.collect on a real host: the package says what the host itself says, holds no secret, and shows when touched."""
import json
import re

from actuator import alone, execute, order
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
OFTEN = 'cooldown = "0s"\nper_target_count = 100\nper_runbook_count = 100\nper_host_count = 100\n'
KEPT = "/var/lib/hostmedic-actuator/evidence"
APP = r'''
import socket, sys, threading, time
server = socket.create_server(("127.0.0.1", 4711))
kept = open("/srv/app-data", "w")
print("the app says something", flush=True)
time.sleep(600)
'''


def collect(host, key, target, most=32 << 20, **parameters):
    return execute(host, order(key, "evidence.collect", target, timeout=40, most_bytes=str(most), journal="600",
                               **parameters))


def app(host):
    host.write("/usr/local/bin/app.py", APP)
    host.write("/etc/systemd/system/app.service",
               "[Service]\nEnvironment=DB_PASSWORD=hunter2\n"
               "ExecStart=/usr/bin/python3 /usr/local/bin/app.py --api-token=s3cr3t --port 4711\n")
    host.run("systemctl daemon-reload; systemctl start app")
    wait_for(lambda: "4711" in host.out("ss -ltn"), 10, "the app listens")
    return host.show("app.service")["MainPID"]


def unpacked(host, outcome):
    host.run(f"rm -rf /srv/out; mkdir /srv/out; tar -C /srv/out -xf {outcome['details']['path']}")
    return host.out("cd /srv/out && sha256sum --quiet --check SHA256SUMS && find . -type f").splitlines()


@options(packages=PACKAGES)
def test_a_service_as_the_host_itself_shows_it(host):
    alone(host, OFTEN)
    pid = app(host)
    before = host.out("systemctl show app.service | grep -v -e Usage -e IO -e Memory -e Tasks -e NSec")
    outcome = collect(host, "a", "service:app.service")
    assert outcome["result"] == "done", outcome
    print(outcome["text"], {k: v for k, v in outcome["details"].items() if k != "sha256"})
    names = unpacked(host, outcome)
    for name in ("status", "maps", "limits", "cgroup", "cmdline", "open-files", "io"):
        assert f"./process/{pid}/{name}" in names, (name, names)
    out = "/srv/out"
    assert host.read(f"{out}/process/{pid}/cmdline").splitlines()[2:] == ["--api-token=[not told]", "--port", "4711"]
    assert "/srv/app-data" in host.read(f"{out}/process/{pid}/open-files")
    assert "0100007F:1267 " in host.read(f"{out}/network/{pid}-tcp"), "its listening socket"
    assert len(host.read(f"{out}/network/{pid}-tcp").splitlines()) == 2, "and no other's"
    python = host.out(f"readlink -f /proc/{pid}/exe")
    assert host.out(f"sha256sum {python}") in host.read(f"{out}/process/executables")
    assert f"MainPID={pid}" in host.read(f"{out}/unit/properties")
    assert "the app says something" in host.read(f"{out}/journal")
    assert re.search(rf"^\* {pid} 1 S ", host.read(f"{out}/process/tree"), re.M)
    assert "cpu.stat" in " ".join(names)
    secrets = host.run("grep -r -l -e hunter2 -e s3cr3t /srv/out", check=False).stdout
    assert secrets == "", secrets
    after = host.out("systemctl show app.service | grep -v -e Usage -e IO -e Memory -e Tasks -e NSec")
    assert before == after, "nothing of it was changed"
    assert host.out(f"stat -c '%U %a' {KEPT} {outcome['details']['path']}") == "root 700\nroot 600"
    assert host.run(["runuser", "-u", "hostmedic", "--", "hostmedic", "evidence", "list"], check=False).returncode == 4


@options(packages=PACKAGES)
def test_what_was_touched_shows(host):
    alone(host, OFTEN)
    app(host)
    done = [collect(host, key, "service:app.service") for key in "abc"]
    assert all(outcome["result"] == "done" for outcome in done), done
    listed = json.loads(host.out("hostmedic evidence list --json"))
    assert sorted(row["path"] for row in listed) == sorted(outcome["details"]["path"] for outcome in done)
    print(host.out("hostmedic evidence verify"))
    shown = json.loads(host.out("hostmedic evidence show aaaa --json"))
    assert shown["sha256"] == done[0]["details"]["sha256"] and len(shown["members"]) > 10, shown
    host.run(f"printf x >>{done[1]['details']['path']}")
    verified = host.run("hostmedic evidence verify", check=False)
    assert verified.returncode == 1 and "b" * 24 in verified.stdout, verified
    host.run(f"rm {KEPT}/*{'b' * 24}*")
    verified = host.run("hostmedic evidence verify", check=False)
    assert verified.returncode == 1 and "a" * 24 in verified.stdout, verified


@options(packages=PACKAGES)
def test_keeps_its_bounds(host):
    alone(host, OFTEN)
    pid = app(host)
    small = collect(host, "a", "service:app.service", most=64 << 10)
    assert small["result"] == "done" and int(small["details"]["left_out"]) > 0, small
    sizes = [int(size) for size in host.out(f"tar -tvf {small['details']['path']} | grep -v SHA256SUMS"
                                            " | awk '/^-/ {print $3}'").split()]
    assert sum(sizes) <= 64 << 10, sizes
    host.run(f"systemctl stop app; touch {KEPT}/note; for i in $(seq 10 49); do"
             f" cp {small['details']['path']} {KEPT}/202001$i\"T000000Z-\"{'e' * 24}.tar.gz; done", check=False)
    ended = collect(host, "b", "service:app.service")
    assert ended["result"] == "done" and ended["details"]["processes"] == "0", ended
    assert "the app says something" in host.out(f"tar -xOf {ended['details']['path']} ./journal")
    kept = host.out(f"ls {KEPT}").split()
    assert len([name for name in kept if ".tar" in name]) == 32 and "note" in kept, kept
    gone = collect(host, "c", "service:no-such.service")
    assert gone["result"] in ("refused", "unnecessary"), gone
    assert collect(host, "d", "process:no-such-program")["result"] == "unnecessary"
    for target, more in (("service:a b.service", {}), ("process:..", {"most_bytes": "1"})):
        outcome = execute(host, order("e", "evidence.collect", target, **{"most_bytes": "1000000", "journal": "1", **more}))
        assert outcome["result"] == "refused" and outcome["text"].startswith("plan: "), outcome
    forced = collect(host, "f", "process:nginx", package="20200101T000000Z-" + "0" * 24)
    assert forced["result"] == "done" and "f" * 24 in forced["details"]["path"], forced


@options(packages=PACKAGES)
def test_on_a_full_disk_it_takes_what_is_left(host):
    alone(host, OFTEN)
    app(host)
    host.filesystem(KEPT, 16)
    host.run(f"chmod 0700 {KEPT}")
    host.fill(KEPT, 0.9)
    outcome = collect(host, "a", "service:app.service")
    assert outcome["result"] == "done" and "the disk leaves room for" in outcome["details"]["left_out_text"], outcome
    host.fill(KEPT, 1.0, "more")
    assert collect(host, "b", "service:app.service")["result"] == "failed"
    assert [name for name in host.out(f"ls -A {KEPT}").split() if "b" * 24 in name] == [], "no rest of it"


@options(packages=PACKAGES, tree="docker", timeout=180)
def test_a_container_by_its_name(host):
    alone(host, OFTEN)
    wait_for(lambda: host.run("docker info", check=False).returncode == 0, 60, "docker is up")
    host.run("mkdir -p /srv/image/bin /srv/image/lib64 /srv/image/lib/x86_64-linux-gnu; cp /bin/sleep /srv/image/bin;"
             " cp /lib64/ld-linux-x86-64.so.2 /srv/image/lib64; cp /lib/x86_64-linux-gnu/libc.so.6"
             " /srv/image/lib/x86_64-linux-gnu; tar -C /srv/image -c . | docker import - tiny >/dev/null")
    host.run("docker run -d --name web -e DB_PASSWORD=hunter2 tiny /bin/sleep 600")
    pid = host.out("docker inspect -f '{{.State.Pid}}' web")
    outcome = collect(host, "a", "container:web")
    assert outcome["result"] == "done", outcome
    names = unpacked(host, outcome)
    assert f"./process/{pid}/maps" in names, names
    assert '"Running":true' in host.read("/srv/out/container/docker").replace(" ", ""), names
    assert host.run("grep -r -l hunter2 /srv/out", check=False).stdout == ""
    assert host.out("docker inspect -f '{{.State.Running}}' web") == "true"
