# SPDX-License-Identifier: Apache-2.0
"""Runs in the test host of a soak: tells the driver what to live through, restarts, stops and asks the installed
programs, and writes one line of JSON for each ten minutes of the host's life. Python standard library only."""
import glob
import json
import os
import sqlite3
import subprocess
import sys
import time

AGENT, HUB = "hostmedic", "hostmedic-aggregator"
STATE = {AGENT: "/var/lib/hostmedic", HUB: "/var/lib/hostmedic-aggregator", "hostmedic-actuator": "/var/lib/hostmedic-actuator"}
STEP = 600  # simulated seconds from one sample to the next
# Simulated hours (of each 72) at which something is done; what lies behind the end of a shorter life is not done.
# All that ends a process lies in the first half: slow growth shows in the second, when caches are full.
OUTAGES = ((10, 13), (20, 22), (31, 35))  # the aggregator is away
SILENCES = (5, 29, 57)                    # the probe says nothing for five minutes
HUB_RESTARTS = (17, 26, 36)
RELOADS = (9, 27, 45, 63)
SHORT = {"outages": ((0.5, 1.0),), "silences": (0.34,), "hub": (1.34,), "reloads": (1.17,), "restarts": (0.84, 1.5)}


def run(*argv, check=True):
    return subprocess.run(argv, check=check, capture_output=True, text=True).stdout


def main_pid(unit):
    return int(run("systemctl", "show", "-P", "MainPID", unit))


def size_of(path):
    """Bytes of a file, or of all files below a directory; what goes meanwhile counts nothing."""
    total = 0
    for name in [path] if not os.path.isdir(path) else glob.glob(path + "/**", recursive=True):
        try:
            total += os.lstat(name).st_size if not os.path.isdir(name) else 0
        except OSError:
            pass
    return total


def process(unit):
    """What the kernel says of the unit's main process; nothing while it is away."""
    pid = main_pid(unit)
    try:
        rollup = {line.split(":")[0]: int(line.split()[1]) for line in open(f"/proc/{pid}/smaps_rollup") if line.endswith("kB\n")}
        stat = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        return {"pid": pid, "rss": rollup["Rss"], "pss": rollup["Pss"], "anonymous": rollup["Anonymous"],
                "descriptors": len(os.listdir(f"/proc/{pid}/fd")), "threads": int(stat[17]),
                "cpu": (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")}
    except (OSError, KeyError):
        return {}


def status():
    for _ in range(100):  # a daemon that has just started listens in a moment
        done = subprocess.run(["hostmedic", "status", "--json"], check=False, capture_output=True, text=True)
        if done.stdout.startswith("{"):
            return json.loads(done.stdout)
        time.sleep(0.1)
    raise SystemExit("the agent does not answer: " + done.stderr)


def rows(database, query):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20) as connection:
        return connection.execute(query).fetchall()


def incidents(unit):
    return dict(rows(glob.glob(STATE[unit] + "/*.db")[0], "SELECT id, revision FROM incident"))


class Life:
    def __init__(self, job):
        self.job = job
        self.driver = subprocess.Popen(
            ["/root/soak/soak_driver", "/run/hostmedic/probe.sock", "/run/soak/clock", str(job["speed"]), str(job["seed"])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.told = json.loads(self.driver.stdout.readline())
        self.recordings = sorted(glob.glob("/root/soak/*.hmrec"))
        self.played, self.kills, self.seen, self.away = 0, 0, {}, False

    def tell(self, line):
        self.driver.stdin.write(line + "\n")
        self.driver.stdin.flush()
        answer = self.driver.stdout.readline()
        if not answer:
            raise SystemExit(f"the driver ended at '{line}'; the agent: " + run("systemctl", "status", AGENT, check=False))
        self.told = json.loads(answer)

    def restart(self, unit, kill):
        run("systemctl", "reset-failed", unit)
        if not kill:
            run("systemctl", "restart", unit)
            return
        pid = main_pid(unit)
        run("systemctl", "kill", "-s", "KILL", unit)
        self.kills += 1
        while main_pid(unit) in (0, pid) or run("systemctl", "is-active", unit, check=False).strip() != "active":
            time.sleep(0.05)

    def settle(self):
        """Until nothing waits for delivery. Seconds of the host's life that it took, or None."""
        for waited in range(0, 300, 5):
            if status()["upstream"]["pending"] == 0:
                return waited
            self.tell("run 5")
        return None

    def compare(self):
        """Incidents that the agent has and the aggregator has not, or in an older revision. What was written just now
        is given the time to be delivered."""
        for _ in range(5):
            mine, theirs = incidents(AGENT), incidents(HUB)
            for one, revision in mine.items():
                self.seen[one] = max(revision, self.seen.get(one, 0))
            missing = sorted(one for one, revision in mine.items() if theirs.get(one) != revision)
            if not missing:
                break
            self.tell("run 2")
            self.settle()
        return missing

    def sample(self):
        settled = None if self.away else self.settle()
        told = status()
        files = {f"{unit}/{os.path.basename(path)}": size_of(path) for unit, state in STATE.items() for path in glob.glob(state + "/*")}
        line = {**self.told, "time": time.time(), "agent": process(AGENT), "hub": process(HUB), "files": files,
                "detect": told["detect"], "incidents": told["incidents"], "probe": told["probe"], "store": told["store"],
                "upstream": told["upstream"], "recorder": told["recorder"], "settled": settled, "away": self.away, "kills": self.kills,
                "behind": None if self.away else len(self.compare()), "seen": len(self.seen), "played": self.played}
        print(json.dumps(line), flush=True)

    def happen(self, hour, plan, step):
        """What is planned between this time and one step later."""
        def now(times):
            return any(hour <= at < hour + step for at in times)
        for number, at in enumerate(plan["restarts"]):
            if now((at,)):
                self.restart(AGENT, kill=number % 2 == 1)
        if now([begin for begin, _ in plan["outages"]]):
            run("systemctl", "stop", HUB)
            self.away = True
        if now([end for _, end in plan["outages"]]):
            run("systemctl", "start", HUB)
            self.away = False
        for number, at in enumerate(plan["hub"]):
            if now((at,)) and not self.away:
                self.restart(HUB, kill=number % 2 == 1)
        if now(plan["reloads"]):
            run("systemctl", "reload", AGENT)
        if now(plan["silences"]):
            self.tell("silent 300")

    def live(self, hours):
        plan = SHORT if hours < 12 else {"outages": OUTAGES, "silences": SILENCES, "hub": HUB_RESTARTS, "reloads": RELOADS,
                                         "restarts": range(6, int(hours / 2) + 1, 6)}
        steps = int(hours * 3600 / STEP)
        for step in range(steps):
            self.happen(step * STEP / 3600, plan, STEP / 3600)
            if self.recordings and step % 12 == 6:  # every two hours
                self.tell("play " + self.recordings[self.played % len(self.recordings)])
                self.played += 1
            self.tell(f"run {STEP}")
            self.sample()


def last_words(life):
    run("systemctl", "start", HUB)
    life.away = False
    settled = life.settle()
    missing = life.compare()
    errors = run("journalctl", "-o", "cat", "-p", "err", "_COMM=hostmedicd", "+", "_COMM=hostmedic-aggre", "+", "_COMM=hostmedic-actua", check=False)
    watchdog = run("journalctl", "-o", "cat", "_PID=1", "--grep", "[Ww]atchdog.*hostmedic|hostmedic.*[Ww]atchdog", check=False)
    restarts = {unit: int(run("systemctl", "show", "-P", "NRestarts", unit)) for unit in (AGENT, HUB)}
    lost = rows(glob.glob(STATE[HUB] + "/*.db")[0], "SELECT coalesce(sum(lost), 0), count(*) FROM host")[0]
    print(json.dumps({"end": True, "settled": settled, "missing": missing[:20], "errors": errors.splitlines()[:20],
                      "watchdog": watchdog.splitlines()[:5], "restarts": restarts, "gaps": lost[0], "hosts": lost[1],
                      "incidents": len(life.seen), "hub_incidents": len(incidents(HUB)), "kills": life.kills}), flush=True)


if __name__ == "__main__":
    JOB = json.loads(sys.argv[1])
    LIFE = Life(JOB)
    LIFE.live(JOB["hours"])
    last_words(LIFE)
