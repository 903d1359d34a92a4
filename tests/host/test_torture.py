# SPDX-License-Identifier: Apache-2.0
"""kill -9 at 200 random points of running orders and undos, and the ends of measures: nothing is done twice, nothing is
lost, everything is explained."""
import json
import random
import time

from actuator import alone, ask, execute, order
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
OFTEN = ('cooldown = "0s"\nper_target_count = 1000\nper_runbook_count = 1000\nper_host_count = 1000\n'
         'crash_loop_restarts = 1000\ndisarm_failures = 1000\n')
LEDGER = "/var/lib/hostmedic-actuator/ledger.db"
SCRIPTS = "/etc/hostmedic/scripts.d"

# Runs inside the host: sends an order, kills who works on it after a moment, and asks again until it has an end.
DRIVER = r'''
import json, os, random, signal, socket, sys, time

def connect():
    for _ in range(400):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(30)
        try:
            s.connect("/run/hostmedic-actuator/actuator.sock")
            return s
        except OSError:
            time.sleep(0.02)
    sys.exit("nobody listens")

def ask(request):
    for _ in range(400):
        s = connect()
        try:
            s.send(json.dumps(request).encode())
            answer = json.loads(s.recv(1 << 16).decode() or "{}")
            if answer:
                return answer
        except (OSError, ValueError):
            pass
        time.sleep(0.02)
    sys.exit("no answer")

def pids(*names):
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and open(f"/proc/{name}/comm").read().strip() in names:
                found.append(int(name))
        except OSError:
            pass
    return found

def kill(*names):
    for pid in pids(*names):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass

job = json.load(sys.stdin)
dice = random.Random(job["seed"])
results = []
for point, an_order in enumerate(job["orders"]):
    now = time.time_ns()
    an_order["issued_at_unix_nano"], an_order["expires_at_unix_nano"] = now, now + 60 * 10**9
    if an_order["plan"]["action"] == "service.restart":
        unit = an_order["plan"]["target"].partition(":")[2]
        os.system(f"systemctl kill -s KILL {unit}; "
                  f"while systemctl -q is-active {unit}; do sleep 0.01; done")
    s = connect()
    s.send(json.dumps({"request": "execute", "order": an_order}).encode())
    time.sleep(dice.uniform(0, 0.12))
    victim = dice.random()
    if victim < 0.8:
        kill("hostmedic-actua")
    if victim > 0.7:
        kill("hostmedic-effec", "count", "count-back")
    s.close()
    outcome = None
    for _ in range(3):
        answer = ask({"request": "query", "key": an_order["key"]})
        outcome = answer.get("outcome")
        if outcome or not answer.get("known"):
            break
    # The same again, as by an agent that did not hear: it is known, or it was never begun and is begun now.
    while True:
        again = ask({"request": "execute", "order": an_order}).get("outcome")
        if again and again["text"] != "busy with another order":
            break
        time.sleep(0.05)
    results.append([an_order["key"], outcome and outcome["result"], again["result"], again["text"]])
json.dump(results, sys.stdout)
'''


def counting_scripts(host):
    host.run("mkdir -p /srv/count")
    for name, mark in (("count", "do"), ("count-back", "undo")):
        host.write(f"{SCRIPTS}/{name}", f"#!/bin/sh\n# hostmedic: paths=/srv/count\necho {mark} $1 >>/srv/count/marks\n"
                                        "sleep 0.04\n", mode=0o755)


def key_of(number, kind):
    return f"{kind}{number:023d}"


def counted(number, lasts=0):
    one = order("a", "script.run", "service:nginx.service", script="count", undo="count-back", args=f"c{number}",
                lasts=lasts)
    return {**one, "key": key_of(number, "a")}


def marks(host):
    lines = host.out("cat /srv/count/marks 2>/dev/null || true").split("\n")
    return {line: lines.count(line) for line in lines if line}


@options(packages=PACKAGES, timeout=600)
def test_kill_9_at_200_points_of_orders_and_undos(host):
    alone(host, OFTEN)
    counting_scripts(host)
    # As often as here nobody kills it, and systemd would not start it again.
    host.write("/etc/systemd/system/hostmedic-actuator.service.d/often.conf", "[Unit]\nStartLimitIntervalSec=0\n")
    host.write("/etc/systemd/system/hostmedic-actuator.socket.d/often.conf", "[Socket]\nTriggerLimitIntervalSec=0\n")
    for unit in range(4):
        host.write(f"/etc/systemd/system/t{unit}.service",
                   "[Service]\nType=exec\nRestart=no\nExecStartPre=/bin/sh -c 'echo start %n >>/srv/count/marks'\n"
                   "ExecStart=/usr/bin/sleep inf\n")
    host.run("systemctl daemon-reload; systemctl restart hostmedic-actuator.socket; systemctl start t0 t1 t2 t3")
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"seed {seed}")
    orders, restarts = [], dict.fromkeys(range(4), 0)
    number = 0
    while len(orders) < 200:
        number += 1
        first = counted(number)
        orders.append(first)
        if number % 2 == 0:
            orders.append({**first, "key": key_of(number, "b"), "undoes": first["key"]})
        if number % 3 == 0:
            restarts[number % 4] += 1
            one = order("a", "service.restart", f"service:t{number % 4}.service")
            orders.append({**one, "key": key_of(number, "c")})
    begin = time.monotonic()
    done = host.run(["python3", "-c", DRIVER], input=json.dumps({"seed": seed, "orders": orders}), timeout=580)
    results = json.loads(done.stdout)
    took = time.monotonic() - begin

    seen, words = marks(host), {}
    for an_order, (key, before, after, text) in zip(orders, results):
        words[after] = words.get(after, 0) + 1
        assert before in (None, after), (key, before, after)
        if key[0] == "c":
            assert after in ("done", "failed", "interrupted", "unnecessary"), (key, after, text)
            continue
        mark = ("undo " if key[0] == "b" else "do ") + an_order["plan"]["parameters"]["args"]
        assert seen.get(mark, 0) <= 1, (mark, seen[mark], text)
        assert after != "done" or seen.get(mark) == 1, (mark, after, text)
        known = ask(host, "query", key=key)
        if seen.get(mark):
            assert known["known"] and known["outcome"]["result"] == after, (mark, known)
        # An undo of what was never done is refused; everything else has an end that says what happened.
        assert after in ("done", "failed", "interrupted") or (after == "refused" and key[0] == "b"), (key, after, text)
    for unit, faults in restarts.items():
        assert seen[f"start t{unit}.service"] <= 1 + faults, (unit, faults, seen)
    audit = ask(host, "audit")["audit"]
    print(f"{len(orders)} points in {took:.0f} s: {words}; {audit['orders']} rows, {audit['links']} links")
    assert audit["broken"] == "" and audit["open"] == 0, audit
    assert host.run("hostmedic audit verify", check=False).returncode == 0
    host.run(f"sqlite3 {LEDGER} \"update entry set begun_at = begun_at - 1 where key = '{key_of(7, 'a')}'\"")
    verified = host.run(f"hostmedic audit verify --file {LEDGER}", check=False)
    assert verified.returncode == 1 and key_of(7, "a") in verified.stdout, verified.stdout


@options(packages=PACKAGES)
def test_measures_end_by_themselves_each_at_its_time(host):
    alone(host, OFTEN)
    counting_scripts(host)
    for number, lasts in ((1, 3), (2, 8), (3, 3600)):
        outcome = execute(host, counted(number, lasts), user="hostmedic")
        assert outcome["result"] == "done", outcome
    begun = time.monotonic()
    measures = ask(host, "status")["status"]["measures"]
    assert [row["key"] for row in measures] == [key_of(n, "a") for n in (1, 2, 3)], measures
    # The actuator is gone when the first is over, and killed before the second.
    host.run("systemctl stop hostmedic-actuator.service")
    wait_for(lambda: "undo c1" in marks(host), 15, "the first measure is ended")
    assert "undo c2" not in marks(host)
    host.run("systemctl kill -s KILL hostmedic-actuator.service", check=False)
    wait_for(lambda: "undo c2" in marks(host), 20, "the second measure is ended")
    print(f"both ended {time.monotonic() - begun:.1f} s after the last order")
    assert "undo c3" not in marks(host)
    # One order at a time: while the end of the second is being written down, another is refused.
    wait_for(lambda: ask(host, "audit")["audit"]["open"] == 0, 10, "the end of the second measure is in the ledger")
    done = host.run(f"hostmedic undo {key_of(3, 'a')} --reason 'not this one'")
    assert "Undone" in done.stdout, done
    assert all(marks(host)[f"undo c{n}"] == 1 for n in (1, 2, 3))
    again = execute(host, {**counted(3), "key": "f" * 24})
    assert again["result"] == "refused" and "human-undo" in again["text"], again
    timers = host.out("systemctl list-timers --all --no-legend 'hostmedic-release-*'")
    assert timers == "", timers
    host.run("hostmedic reenable script.run service:nginx.service")
    assert execute(host, {**counted(3), "key": "e" * 24})["result"] == "done"
