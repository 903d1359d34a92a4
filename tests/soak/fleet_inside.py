# SPDX-License-Identifier: Apache-2.0
"""Runs in the test host of the fleet phase: HOSTS agents' certificates, each with a connection of its own over mutual
TLS, say what agents say, minute by minute of a time that this program sets (clock.h). Each minute some come back over
a new connection, some send again what was taken already, and some are strangers. Python standard library only."""
import glob
import http.client
import json
import mmap
import os
import socket
import ssl
import struct
import subprocess
import sys
import time
import tomllib

from inside import HUB, STATE, process, rows, size_of

PORT = 4318
RECONNECTS, REPEATS, STRANGERS, INCIDENTS = 20, 5, 5, 30  # in a minute
MINUTE = 60 * 10**9


class Clock:
    def __init__(self, path):
        self.page = mmap.mmap(os.open(path, os.O_RDWR), 4096)
        self.mono, self.wall = (int(time.monotonic()) + 9 * 86400) * 10**9, time.time_ns()
        self.forward(0)

    def forward(self, by):
        self.mono, self.wall = self.mono + by, self.wall + by
        self.page[:24] = struct.pack("qqq", self.mono, self.wall, 100)


def incident(host, number, revision, now):
    return {"id": f"{host}-{number}", "revision": revision, "root": f"service:app{number % 40}.service", "kind": "service.failed",
            "fingerprint": "service.failed", "severity": "error", "state": "open" if revision == 1 else "resolved", "confidence": 0.99,
            "signals": 1, "proof": True, "active": revision == 1, "suspicion": False, "flaps": 0, "flapping": False, "part_of": "",
            "acknowledged_by": "", "fault_at_unix_nano": now, "opened_at_unix_nano": now, "opened_mono_nano": 10**15,
            "closed_at_unix_nano": None if revision == 1 else now, "summary": "app failed <b>&'\"; --", "diagnosis": "d" * 1000,
            "anomalies": [], "affected": [], "causes": [], "candidates": [], "changes": [], "context": [], "timeline": []}


def attribute(key, value):
    return {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}


class Agent:
    def __init__(self, name):
        with open(f"/root/fleet/{name}.bundle", "rb") as file:
            bundle = tomllib.load(file)
        for part in ("ca", "certificate", "key"):
            with open(f"/root/fleet/{name}.{part}", "w", encoding="ascii") as file:
                file.write(bundle[part])
        self.name, self.connection = name, None
        self.tls = ssl.create_default_context(cafile=f"/root/fleet/{name}.ca")
        self.tls.load_cert_chain(f"/root/fleet/{name}.certificate", f"/root/fleet/{name}.key")

    def hang_up(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def post(self, path, body):
        for attempt in range(3):
            try:
                if not self.connection:
                    self.connection = http.client.HTTPSConnection("127.0.0.1", PORT, context=self.tls, timeout=30)
                self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
                answer = self.connection.getresponse()
                text = answer.read()
                if answer.status == 200:
                    return
                raise SystemExit(f"{self.name} {path}: {answer.status} {text[:300]}")
            except (OSError, http.client.HTTPException) as error:
                self.hang_up()
                if attempt == 2:
                    raise SystemExit(f"{self.name} {path}: {error}") from error

    def resource(self):
        return {"attributes": [attribute("host.name", self.name), attribute("host.id", "id-" + self.name), attribute("service.version", "1")]}

    def heartbeat(self, now):
        points = [{"name": f"hostmedic.agent.{name}", "unit": "1", "gauge": {"dataPoints": [{"timeUnixNano": str(now), "asDouble": 1.5}]}}
                  for name in ("cpu", "memory", "series", "incidents", "spool", "up")]
        self.post("/v1/metrics", {"resourceMetrics": [{"resource": self.resource(), "scopeMetrics": [{"metrics": points}]}]})

    def tell(self, number, revision, now):
        record = {"timeUnixNano": str(now), "severityNumber": 17, "eventName": "hostmedic.incident.opened", "body": {"stringValue": "app failed"},
                  "attributes": [attribute("log.record.uid", f"{self.name}-{number}.{revision}"),
                                 attribute("hostmedic.incident.record", json.dumps(incident(self.name, number, revision, now)))]}
        self.post("/v1/logs", {"resourceLogs": [{"resource": self.resource(), "scopeLogs": [{"logRecords": [record]}]}]})


def strange():
    """Somebody without a certificate, and somebody who says nothing and goes."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", PORT), timeout=5) as plain, context.wrap_socket(plain) as line:
            line.sendall(b"POST /v1/logs HTTP/1.1\r\n\r\n")
            line.recv(100)
    except OSError:
        pass
    socket.create_connection(("127.0.0.1", PORT), timeout=5).close()


def live(job):
    clock = Clock("/run/soak/clock")
    agents = [Agent(name) for name in job["names"]]
    store = glob.glob(STATE[HUB] + "/*.db")[0]
    sent = told = 0
    for minute in range(job["minutes"]):
        clock.forward(MINUTE)
        for number, agent in enumerate(agents):
            if number % len(agents) // RECONNECTS == minute % (len(agents) // RECONNECTS):
                agent.hang_up()
            agent.heartbeat(clock.wall)
            sent += 1
        for place in range(INCIDENTS):
            agent, number = agents[(told + place) % len(agents)], (told + place) // len(agents)
            for revision in (1, 2) + (2,) * (place < REPEATS):
                agent.tell(number, revision, clock.wall)
                sent += 1
        told += INCIDENTS
        for _ in range(STRANGERS):
            strange()
        if minute % 10 == 9:
            files = {"fleet.db": size_of(store), "fleet.db-wal": size_of(store + "-wal")}
            counts = rows(store, "SELECT (SELECT count(*) FROM host), (SELECT count(*) FROM incident), (SELECT count(*) FROM log), "
                                 "(SELECT count(*) FROM metric)")[0]
            print(json.dumps({"seconds": (minute + 1) * 60, "hub": process(HUB), "files": files, "sent": sent, "told": told,
                              "rows": counts, "away": False}), flush=True)
    last = {f"{agents[n % len(agents)].name}-{n // len(agents)}" for n in range(told - min(told, 1000), told)}
    kept = dict(rows(store, "SELECT id, revision FROM incident"))
    errors = subprocess.run(["journalctl", "-o", "cat", "-p", "err", "_COMM=hostmedic-aggre"], capture_output=True, text=True, check=False)
    print(json.dumps({"end": True, "missing": sorted(one for one in last if kept.get(one) != 2)[:10], "asked": len(last),
                      "errors": errors.stdout.splitlines()[:5]}), flush=True)


if __name__ == "__main__":
    live(json.loads(sys.argv[1]))
