# SPDX-License-Identifier: Apache-2.0
"""Who is measured: Hostmedic, and the tools that people use today. Each knows how it is installed, how one sees that
it noticed, and what it did. The ward's human says yes to everything that Hostmedic asks."""
import fnmatch
import json
import os

import medic
import testhost

ACTUATOR = "hostmedic-actuator.service"


def matches(text, patterns):
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)


class Contender:
    """One tool on one host. notices: [(seconds since the epoch, what, kind, root)], actions: dictionaries."""

    name = ""
    units = ()
    logs = ()

    def __init__(self, host, fault):
        self.host, self.fault = host, fault
        self.notices, self.actions, self.notes, self.asked = [], [], [], 0

    @classmethod
    def covers(cls, fault):
        """Whether it has a check for this fault at all."""
        return True

    def start(self):
        """Installs and starts it; returns when it watches."""

    def mark(self):
        """The fault comes now: what it said until now is not of it. By what was said and not by the time, which the
        fault may set."""

    def answer(self):
        """Says yes at once, where a human is asked."""

    def poll(self, began):
        """Looks once at what it says of the time since `began`."""

    def line(self, at, text, began):
        """One line of one of its logs."""

    def finish(self, result):
        """The last look, when all is over."""

    def right(self, kind, root):
        return True

    def has_acted(self):
        """Whether what it has to do is done, as far as one can know before the end."""
        return True


class Hostmedic(Contender):
    name = "hostmedic"
    units = ("hostmedic.service", "hostmedic-probe.service", "hostmedic-check.service", ACTUATOR)
    POLICY = '[guard]\ntier = "auto"\nboot_grace = "0s"\n'

    def start(self):
        self.host.install(*testhost.package_files(("hostmedic",)))
        self.host.write("/etc/hostmedic/conf.d/ward.toml", self.fault.text("agent.toml"))
        self.host.write("/etc/hostmedic/policy.toml", self.POLICY + self.fault.text("policy.toml"), mode=0o644)
        runbooks = os.path.join(self.fault.directory, "runbooks")
        for name in sorted(os.listdir(runbooks)) if os.path.isdir(runbooks) else ():
            self.host.push(os.path.join(runbooks, name), f"/etc/hostmedic/runbooks.d/{name}")
        self.host.run("hostmedic check")
        self.host.run("systemctl restart hostmedic hostmedic-probe")
        if "[[check]]" in self.fault.text("agent.toml") or "[[scrape]]" in self.fault.text("agent.toml"):
            self.host.run("systemctl enable --now hostmedic-check")
        medic.ready(self.host, 20 * self.host.slower)
        self.seen, self.approved, self.quiet, self.last, self.known = {}, set(), set(), [], {}
        self.lives = self.pids()

    def pids(self):
        return [self.host.show(unit)["MainPID"] for unit in self.units[:2]]

    def mark(self):
        self.known = {row["id"]: len(row["timeline"]) for row in medic.incidents(self.host)}

    def new(self, row):
        """Its entries since the mark."""
        return row["timeline"][self.known.get(row["id"], 0):]

    # When something was written down, as every question is: the agent is not kept busy by asking.
    ANSWER = 'n=$(stat -c %.9Z /var/lib/hostmedic/*-wal); [ "$n" != "$(cat /run/ward/answered 2>/dev/null)" ] || exit 1; ' \
             'hostmedic approve --yes; s=$?; echo "$n" >/run/ward/answered; exit $s'

    def answer(self):
        if self.host.run(self.ANSWER, check=False).returncode == 0:
            self.asked += 1

    def poll(self, began):
        now = self.host.run("date +%s.%N; hostmedic incidents --all --limit 200 --json", check=False).stdout
        at, _, rows = now.partition("\n")
        if not rows.startswith("["):
            return
        self.last = [row for row in json.loads(rows) if self.new(row)]
        for row in self.last:
            self.look(row, float(at))
        self.notices.sort()

    def look(self, row, at):
        again = next((entry for entry in self.new(row) if entry["text"].startswith("again: ")), None)
        opened = (again["at_unix_nano"] if again else row["opened_at_unix_nano"]) / 1e9
        first = self.seen.setdefault(row["id"], at)
        if row["state"] == "suppressed":  # silenced by a human: recorded, and nobody is told
            self.quiet.add(row["id"])
        told = not row["suspicion"] and row["id"] not in self.quiet
        fresh = again or row["id"] not in self.known
        if told and fresh and not any(notice[4] == row["id"] for notice in self.notices):
            # What opened as a suspicion counts from when it was seen to be more.
            sure = opened if first == at else at
            self.notices.append((sure, f"{row['kind']} on {row['root']}", row["kind"], row["root"], row["id"]))
        approvals = [entry["text"] for entry in self.new(row) if entry["kind"] == "approval"]
        asked = [text for text in approvals if "waits for a human" in text]
        if asked and "waits for a human" in approvals[-1] and (row["id"], len(asked)) not in self.approved:
            self.approved.add((row["id"], len(asked)))
            self.asked += 1
            done = self.host.run(["hostmedic", "approve", row["id"], "--yes"], check=False)
            if done.returncode != 0:
                self.notes.append("approve: " + (done.stderr or done.stdout).strip()[:120])

    def has_acted(self):
        return any(medic.entries(row, "acted") for row in self.last)

    def right(self, kind, root):
        return matches(kind, self.fault.notice["kinds"]) and matches(root, self.fault.notice["roots"])

    def finish(self, result):
        self.poll(result["began"])
        for row in self.last:
            plans, before = {}, self.known.get(row["id"], 0)
            for number, entry in enumerate(row["timeline"]):
                what = entry["attributes"]
                if entry["kind"] == "planned":
                    plans = what
                if number < before:
                    continue
                if entry["kind"] == "acted":
                    self.actions.append({"at": entry["at_unix_nano"] / 1e9, "action": what.get("action", plans.get("action", "?")),
                                         "target": what.get("target", row["root"]), "text": entry["text"],
                                         "incident": row["id"], "kind": row["kind"]})
        self.actions.sort(key=lambda action: action["at"])
        result["incidents"] = [{key: row[key] for key in ("id", "kind", "root", "severity", "state", "suspicion", "summary",
                                                          "diagnosis", "confidence", "part_of")} | {
            "opened": row["opened_at_unix_nano"] / 1e9,
            "timeline": [{"at": e["at_unix_nano"] / 1e9, "kind": e["kind"], "text": e["text"][:300]} for e in row["timeline"]]}
            for row in self.last]
        result["survived"] = self.lives == self.pids()


class Monit(Contender):
    """monit of the distribution, as its manual recommends for the same host; `cycle` is its poll time in seconds."""

    cycle = 1
    units = ("monit.service",)
    logs = ("/var/log/monit.log",)

    @classmethod
    def covers(cls, fault):
        return bool(fault.text("monit.conf"))

    def start(self):
        self.host.write("/etc/monit/monitrc", f"set daemon {self.cycle}\nset log /var/log/monit.log\n"
                        "set pidfile /run/monit.pid\nset idfile /var/lib/monit/id\nset statefile /var/lib/monit/state\n"
                        "set httpd unixsocket /run/monit.socket allow root:root\n" + self.fault.text("monit.conf"), mode=0o600)
        self.host.run("mkdir -p /var/lib/monit; : >/var/log/monit.log; monit -t && systemctl restart monit")
        testhost.wait_for(lambda: self.host.run("monit summary", check=False).returncode == 0, 30 + self.cycle, "monit is up")

    def line(self, at, text, began):
        if at >= began and ("trying to " in text or " exec: " in text):
            self.actions.append({"at": at, "action": text.partition("] info")[2].strip(" :") or text, "target": "", "text": text})
        # What people would be told of begins with the name of the check; single tries that fail are logged as well.
        event = text.partition(": ")[2].strip()
        if at >= began and ("error" in text or "warning" in text) and event.startswith("'"):
            self.notices.append((at, event, "", "", ""))

    def finish(self, result):
        log = self.host.run("cat /var/log/monit.log").stdout.splitlines()
        self.notes += [line for line in log if "trying to" in line or " exec:" in line][-3:]


class MonitSlow(Monit):
    name, cycle = "monit 30s", 30


class MonitFast(Monit):
    name, cycle = "monit 1s", 1


class Netdata(Contender):
    """netdata of the distribution with its stock alarms; it does not act."""

    name = "netdata"
    units = ("netdata.service",)
    logs = ("/run/ward-netdata.log",)
    NOTIFY = '#!/bin/sh\n# host, unique id, ... name is the seventh, status the ninth argument of netdata\'s notification\n' \
             'echo "$*" >>/run/ward-netdata.log\n'

    @classmethod
    def covers(cls, fault):
        return bool(fault.netdata)

    def start(self):
        self.host.write("/usr/local/bin/ward-netdata", self.NOTIFY, mode=0o755)
        self.host.run("touch /run/ward-netdata.log && chmod 666 /run/ward-netdata.log")
        self.host.write("/etc/netdata/netdata.conf", "[global]\nrun as user = root\nupdate every = 1\n"
                        "[health]\nscript to execute on alarm = /usr/local/bin/ward-netdata\n"
                        "postpone alarms during hibernation for seconds = 0\n")
        self.host.run("systemctl restart netdata")
        testhost.wait_for(lambda: self.host.run("curl -fs http://127.0.0.1:19999/api/v1/info", check=False).returncode == 0,
                          30, "netdata is up")

    def line(self, at, text, began):
        if at < began or not ("WARNING" in text or "CRITICAL" in text):
            return
        words = text.split()
        if any(matches(word, self.fault.netdata) for word in words):
            self.notices.append((at, text[:160], "", "", ""))


CONTENDERS = {"hostmedic": (Hostmedic,), "monit": (MonitFast, MonitSlow), "netdata": (Netdata,)}
