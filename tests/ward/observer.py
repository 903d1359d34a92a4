#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The independent observer: runs inside a test host, asks the service or the kernel every 50 ms, and knows no agent.

    observer.py JSON      {"checks": [...], "units": [...], "logs": [...], "period": 0.05}

Prints JSON lines, each with the wall clock in "t":
    {"k": "state", "ok": false, "why": "http: 500"}       on each change of the whole
    {"k": "sample", "values": [...], "cpu": s, "memory": MiB}  once a second; cpu and memory of the units
    {"k": "line", "text": "..."}                           what was appended to one of the logs
"""
import glob
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

PERIOD = 0.05
GROUP = "/sys/fs/cgroup/system.slice/"
out_lock = threading.Lock()


def say(**record):
    with out_lock:
        print(json.dumps({"t": time.time(), **record}), flush=True)


def text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def pids(unit):
    """Processes of a unit, from its control group; of the whole host for "*"."""
    if unit == "*":
        return [name for name in os.listdir("/proc") if name.isdigit()]
    return [pid for path in glob.glob(GROUP + unit + "/**/cgroup.procs", recursive=True) for pid in text(path).split()]


def cpu_seconds(unit):
    for line in text(GROUP + unit + "/cpu.stat").splitlines():
        if line.startswith("usage_usec"):
            return int(line.split()[1]) / 1e6
    return 0.0


def kib(path, key):
    return sum(int(line.split()[1]) for line in text(path).splitlines() if line.startswith(key))


# Each check returns (healthy, value, why). What raises is unhealthy.

def http_check(check):
    url = urllib.parse.urlsplit(check["http"])
    begin = time.monotonic()
    connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=check.get("within", 1.0))
    try:
        connection.request("GET", url.path or "/")
        status = connection.getresponse().status
    finally:
        connection.close()
    took = time.monotonic() - begin
    ok = status == check.get("status", 200) and took <= check.get("within", 1.0)
    return ok, took, f"http {status} in {took * 1000:.0f} ms"


def tcp_check(check):
    host, _, port = check["tcp"].rpartition(":")
    begin = time.monotonic()
    socket.create_connection((host, int(port)), check.get("within", 1.0)).close()
    return True, time.monotonic() - begin, ""


def dns_check(check):
    """An A record, from the server (127.0.0.1 when not said)."""
    name = b"".join(bytes([len(part)]) + part.encode() for part in check["dns"].split("."))
    begin = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(check.get("within", 1.0))
        asker.connect((check.get("server", "127.0.0.1"), 53))
        asker.send(b"\x77\x61\x01\0\0\1\0\0\0\0\0\0" + name + b"\0\0\1\0\1")
        answer = asker.recv(512)
    code, found = answer[3] & 15, int.from_bytes(answer[6:8], "big")
    return code == 0 and found > 0, time.monotonic() - begin, f"code {code} and {found} records"


def tls_check(check):
    """A handshake as a client makes it, and a certificate that goes on for at least so many days."""
    context = ssl.create_default_context(cafile=check.get("authority"))
    host, _, port = check["tls"].rpartition(":")
    with socket.create_connection((host, int(port)), check.get("within", 1.0)) as connection, \
            context.wrap_socket(connection, server_hostname=host) as encrypted:
        left = (ssl.cert_time_to_seconds(encrypted.getpeercert()["notAfter"]) - time.time()) / 86400
    return left >= check.get("days", 0), left, f"ends in {left:.1f} days"


def space_check(check):
    state = os.statvfs(check["space"])
    used = 1 - state.f_bavail / max(1, state.f_blocks)
    return used < check.get("below", 0.95), used, f"{used:.0%} of the space used"


def inodes_check(check):
    state = os.statvfs(check["inodes"])
    used = 1 - state.f_favail / max(1, state.f_files)
    return used < check.get("below", 0.97), used, f"{used:.0%} of the inodes used"


def writable_check(check):
    flags = os.statvfs(check["writable"]).f_flag
    return not flags & os.ST_RDONLY, 0, "read-only"


def alive_check(check):
    count = len(pids(check["alive"]))
    return count > 0, count, "no process"


def memory_check(check):
    mib = sum(kib(f"/proc/{pid}/status", "VmRSS:") for pid in pids(check["memory"])) / 1024
    return mib < check["below"], mib, f"{mib:.0f} MiB resident"


def tasks_check(check):
    count = sum(kib(f"/proc/{pid}/status", "Threads:") for pid in pids(check["tasks"]))
    return count < check["below"], count, f"{count} threads"


def descriptors_check(check):
    count = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids(check["descriptors"]))
    return count < check["below"], count, f"{count} descriptors"


def zombies_check(check):
    states = [text(f"/proc/{pid}/stat").rpartition(")")[2].split() for pid in pids(check["zombies"])]
    count = sum(state[:1] == ["Z"] for state in states)
    return count < check["below"], count, f"{count} zombies"


def cpu_check(check):
    now, used = time.monotonic(), cpu_seconds(check["cpu"])
    history = check.setdefault("_history", [])
    history.append((now, used))
    while len(history) > 1 and now - history[1][0] >= 1.0:
        history.pop(0)
    passed = now - history[0][0]
    share = (used - history[0][1]) / passed if passed > 0.3 else 0.0
    return share < check["below"], share, f"{share:.2f} CPUs"


def command_check(check):
    done = subprocess.run(["sh", "-c", check["command"]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=check.get("within", 3.0), text=True, check=False)
    return done.returncode == 0, 0, done.stdout.strip()[-100:] or f"exit status {done.returncode}"


class Watch:
    """One check at its own pace: a hung one delays no other."""

    def __init__(self, check, changed, period):
        self.check, self.changed, self.period = check, changed, period
        self.kind = next(name for name in KINDS if name in check)
        self.ok, self.value, self.why = True, 0.0, ""

    def run(self):
        period = self.check.get("every", self.period * (5 if self.kind == "command" else 1))
        while True:
            begin = time.monotonic()
            try:
                ok, value, why = KINDS[self.kind](self.check)
            except Exception as err:  # pylint: disable=broad-except
                ok, value, why = False, self.value, str(err) or type(err).__name__
            differs = ok != self.ok
            self.ok, self.value, self.why = ok, value, why
            if differs:
                self.changed()
            time.sleep(max(0.0, period - (time.monotonic() - begin)))


KINDS = {"http": http_check, "tcp": tcp_check, "dns": dns_check, "tls": tls_check, "alive": alive_check,
         "space": space_check, "inodes": inodes_check, "writable": writable_check, "memory": memory_check,
         "tasks": tasks_check, "descriptors": descriptors_check, "zombies": zombies_check, "cpu": cpu_check,
         "command": command_check}


def follow(path):
    """Lines that are appended to a file, from its present end on."""
    while True:
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                f.seek(0, os.SEEK_END)
                while True:
                    line = f.readline()
                    if line:
                        say(k="line", text=line.rstrip("\n")[:400])
                    else:
                        time.sleep(PERIOD)
        except OSError:
            time.sleep(PERIOD)


def main():
    wanted = json.loads(sys.argv[1])
    lock, known = threading.Lock(), [None]

    def changed():
        with lock:
            bad = [watch for watch in watches if not watch.ok]
            if known[0] != (not bad):
                known[0] = not bad
                say(k="state", ok=not bad, why="; ".join(f"{watch.kind}: {watch.why}" for watch in bad))

    watches = [Watch(check, changed, wanted.get("period", PERIOD)) for check in wanted["checks"]]
    for target in [watch.run for watch in watches] + [lambda path=path: follow(path) for path in wanted.get("logs", [])]:
        threading.Thread(target=target, daemon=True).start()
    time.sleep(0.3)
    changed()
    while True:
        units = wanted.get("units", [])
        say(k="sample", values=[round(watch.value, 4) for watch in watches],
            cpu=sum(cpu_seconds(unit) for unit in units),
            memory=sum(kib(f"/proc/{pid}/smaps_rollup", "Pss:") for unit in units for pid in pids(unit)) / 1024)
        time.sleep(1)


if __name__ == "__main__":
    main()
