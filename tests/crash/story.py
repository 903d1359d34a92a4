# SPDX-License-Identifier: Apache-2.0
"""The story that every cell of the matrix plays on a fresh host, and what must hold at its end.

An agent with its probe, check and actuator, and an aggregator on one host, tier auto. nginx, which systemd does not
restart, is killed: that incident is healed and delivered. It is killed again, and there the fault strikes. When it is seen
to have struck, nginx dies once more. While the fault lasts every part answers or is being started; then it ends, and a last death of nginx is healed and delivered as the first. What must hold, seen from
outside: whatever was acknowledged before is there (incidents of the agent, rows of the ledger, records of the
aggregator), nginx was started once for each death, the ledger's chain is whole, no part is dead or has grown, and a line
names the cause.
"""
import contextlib
import json
import os
import random
import re
import struct
import subprocess
import tempfile
import time

import medic
from faults import COMPONENTS, EITHER, HEALED, HELD
from testhost import wait_for

PACKAGES = ("hostmedic", "hostmedic-aggregator")
FREELY = ('cooldown = "0s"\nper_target_count = 100\nper_runbook_count = 100\nper_host_count = 100\n'
          "crash_loop_restarts = 100\n")
PLACE_MIB = 48
ANSWER_SECONDS = 20   # what a part may take to answer while the fault lasts, on a loaded machine
BITE_SECONDS = 60     # until a fault that was made has struck
AGAIN_SECONDS = 35    # long enough for a part that dies at once to use up its starts, were they counted
BACK_SECONDS = 90     # until all parts are there again after it
MOST_DESCRIPTORS, MOST_MEMORY = 256, 192 << 20
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = ("hostmedic", "hostmedic-probe", "hostmedic-check", "hostmedic-actuator", "hostmedic-aggregator")
STEADY = ("hostmedic", "hostmedic-probe", "hostmedic-check", "hostmedic-aggregator", "hostmedic-actuator.socket")
ALIVE = {
    "agent": "hostmedic status --json",
    "actuator": "hostmedic audit --json",
    "aggregator": "curl -sS -o /dev/null http://127.0.0.1:8320/api/incidents",
    "probe": "hostmedic list probes",
    "check": "systemctl is-active hostmedic-check",
}
# So that there is something to check.
CHECK = '[[check]]\nid = "web"\nurl = "http://127.0.0.1/"\ninterval = "1s"\nservice = "nginx.service"\n'


class Scene:
    """One host in one cell of the matrix."""

    def __init__(self, host, component, cell, seed):
        self.host, self.component, self.cell = host, component, cell
        self.part = COMPONENTS[component]
        self.dice = random.Random(seed)
        self.starts = 0        # of nginx that have a reason
        self.since = 0         # time of the fault
        self.ahead = 0         # seconds that the parts' clock is before the machine's
        self.last = {}         # entry of the journal, then
        self.notes = {}        # what the test leaves to see: numbers and lines

    def wait(self, predicate, seconds, what):
        """A part that does not answer is asked again."""
        def holds():
            try:
                return predicate()
            except AssertionError:
                return False
        return wait_for(holds, seconds * self.host.slower, what, 0.3)

    def pause(self, least, most):
        time.sleep(self.dice.uniform(least, most))

    # ---- what faults.py acts with ----

    def kill_part(self, then="true"):
        """Kills the component; `then` is run at once, before systemd starts it again."""
        self.host.run(f"systemctl kill -s KILL {self.part.unit}; {then}", check="true" != then)

    def wait_spooled(self, least):
        """So many records wait in the agent for the aggregator."""
        self.wait(lambda: self.ask_agent()["upstream"]["pending"] >= least, 60, f"{least} records wait")

    def state_device(self):
        return self.host.out(f"findmnt -n -o SOURCE {self.part.state}")

    @contextlib.contextmanager
    def opened_state(self):
        fd = os.open(f"/proc/{self.host.leader}/root{self.part.state}", os.O_RDONLY)
        try:
            yield fd
        finally:
            os.close(fd)

    def freeze_host(self):
        self.host.freeze()

    def boot_again(self):
        self.host.power_cut()
        self.host.boot()
        starts = self.count_starts()  # nginx starts with the host, whether it had been healed before or not
        assert starts in (self.starts, self.starts + 1), f"{starts} starts of nginx after the boot, {self.starts} before"
        self.starts = starts

    def set_descriptors(self, most):
        """The soft limit of the part that runs; by its own user, for whom that needs no capability."""
        self.host.run(f"runuser -u {self.part.owner} -- prlimit --nofile={most}:"
                      f" --pid $(systemctl show -p MainPID --value {self.part.unit})")

    def ask_agent(self):
        return medic.ask(self.host, "status")

    def memory_path(self):
        return f"/run/memory/{self.host.machine}"

    def memory_group(self, limit):
        """A group of the version 1 memory controller with the component in it; removed with the host."""
        path = self.memory_path()
        self.host.run("mkdir -p /run/memory && { mountpoint -q /run/memory || mount -t cgroup -o memory none /run/memory; }"
                      f" && mkdir -p {path} && echo {limit} >{path}/memory.limit_in_bytes;"
                      f" p=$(systemctl show -p MainPID --value {self.part.unit}); [ $p = 0 ] || echo $p >{path}/cgroup.procs")
        return path

    # ---- before ----

    def prepare(self):
        host = self.host
        # Its pid file is not on /run: a full one is to be our trouble alone.
        host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\nPIDFile=/var/lib/nginx.pid\n")
        host.run("sed -i 's,/run/nginx.pid,/var/lib/nginx.pid,' /etc/nginx/nginx.conf && systemctl daemon-reload && systemctl restart nginx")
        host.write("/etc/hostmedic/conf.d/checks.toml", CHECK)
        host.run("systemctl restart hostmedic-check")
        if self.cell.place:
            self.place()
        if self.cell.clock:
            self.clock()
        medic.enroll(host, host)
        medic.ready(host, 20 * host.slower)
        medic.policy(host, "auto", FREELY)
        self.starts = self.count_starts()

    def place(self):
        """Puts the component's state on a file system of its own."""
        host, part = self.host, self.part
        host.run(f"systemctl stop {part.unit} && rm -rf {part.state}.old; mv {part.state} {part.state}.old; mkdir {part.state}",
                 check=False)
        kind = host.filesystem(part.state, PLACE_MIB, self.cell.place)
        assert kind == self.cell.place, f"no {self.cell.place} here, only {kind}"
        host.run(f"chown {part.owner}: {part.state} && chmod 750 {part.state} && rmdir {part.state}/lost+found;"
                 f" cp -a {part.state}.old/. {part.state}/; [ {self.component} = actuator ] || systemctl start {part.unit}",
                 check=False)
        host.run(f"sync -f {part.state}")  # the copy is ours, and not what a power cut is to test
        device = self.state_device()
        # At the next boot its disk comes first.
        host.write("/etc/systemd/system/disk.service", "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n"
                   "RemainAfterExit=yes\n"
                   f"ExecStart=sh -c '[ -b {device} ] || mknod {device} b 7 {device[len('/dev/loop'):]};"
                   f" mountpoint -q {part.state} || mount {device} {part.state}'\n")
        host.write(f"/etc/systemd/system/{part.unit}.service.d/disk.conf", "[Unit]\nRequires=disk.service\nAfter=disk.service\n")
        host.run("systemctl daemon-reload")

    def clock(self):
        """From now on the parts read a clock of the test's own."""
        host = self.host
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", f"{scratch}/clock.so", f"{HERE}/clock.c", "-ldl"], check=True)
            host.push(f"{scratch}/clock.so", "/usr/local/lib/clock.so")
        host.write("/run/crash-clock", struct.pack("q", 0), 0o644)
        for unit in PROGRAMS:
            host.write(f"/etc/systemd/system/{unit}.service.d/clock.conf",
                       "[Service]\nEnvironment=LD_PRELOAD=/usr/local/lib/clock.so\n")
        host.run("systemctl daemon-reload && systemctl restart hostmedic hostmedic-probe")

    def set_clock(self, seconds):
        """In one moment, for all of them; the journal keeps the machine's."""
        self.ahead = seconds
        data = "".join(f"\\{byte:03o}" for byte in struct.pack("q", seconds))
        self.host.run(f"printf '{data}' | dd of=/run/crash-clock conv=notrunc status=none")

    # ---- nginx, its deaths and its starts ----

    def count_starts(self):
        return len(self.host.journal("-u", "nginx", "--grep", "^Started "))

    def kill_nginx(self):
        """One death, which is to be followed by one start."""
        self.wait(lambda: self.host.is_active("nginx"), 30, "nginx runs")
        time.sleep(1.5)
        self.host.kill_unit("nginx.service", "KILL", "main")
        self.starts += 1

    def kill_nginx_again(self):
        """One more death under a fault that lasts, if the last one was healed, and proved to be, before it struck."""
        if not self.cell.lasts:
            return
        try:
            self.wait(lambda: self.host.is_active("nginx"), 10, "nginx runs")
            self.wait_settled(20)
        except AssertionError:
            return
        self.kill_nginx()

    def wait_healed(self, what, seconds=60):
        self.wait(lambda: self.host.is_active("nginx"), seconds, f"nginx was healed {what}")

    def wait_settled(self, seconds=60):
        def settled():
            rows = medic.incidents(self.host, "service.failed")
            return all(row["closed_at_unix_nano"] or row["state"] == "resolved" or
                       (row["flapping"] and not row["anomalies"][0]["firing"]) for row in rows)
        self.wait(settled, seconds, "the incident is resolved, or waits because it flaps")

    def wait_delivered(self, since=0):
        """Every incident of nginx opened since then is at the aggregator as the agent knows it."""
        def delivered():
            known = {row["id"]: row["state"] for row in medic.incidents(self.host, "service.failed")
                     if row["opened_at_unix_nano"] >= since * 1e9}
            there = {row["id"]: row["state"] for row in medic.fleet(self.host)["incidents"]}
            return all(there.get(i) == state for i, state in known.items())
        self.wait(delivered, 120, "every incident at the aggregator")

    def heal_and_deliver(self, what):
        # What a torn aggregator forgot is not sent again.
        since = self.since if self.cell.lost else 0
        self.kill_nginx()
        self.wait_healed(what, 150)  # after each order that was refused the agent waits longer
        self.wait_settled()
        self.wait_delivered(since)

    # ---- what is there ----

    def rows(self, component, sql):
        part = COMPONENTS[component]
        return set(self.host.out(["sqlite3", "-readonly", f"{part.state}/{part.database}", sql]).splitlines())

    def acknowledged(self):
        """All that a part has said that it has."""
        return {
            "probe": set(), "check": set(),
            "agent": {row["id"] for row in medic.incidents(self.host)},
            "actuator": self.rows("actuator", "select key || ' ' || result from entry where result is not null"),
            "aggregator": self.rows("aggregator", "select host || ' ' || uid from log"),
        }

    def said(self):
        """The first line since the fault that names its cause."""
        if self.cell.asked:
            text = self.host.run(self.cell.asked + " 2>&1", check=False).stdout
            return next((line.strip() for line in text.splitlines() if re.search(self.cell.says, line)), None)
        # By the clock that nobody sets; --after-cursor with a unit leaves out the first entry in systemd 252.
        def later(row):
            return (row["_BOOT_ID"] != self.last["_BOOT_ID"] or
                    int(row["__MONOTONIC_TIMESTAMP"]) > int(self.last["__MONOTONIC_TIMESTAMP"]))
        lines = [str(row["MESSAGE"]) for row in self.host.journal("-u", self.part.unit) if later(row)]
        return next((line for line in lines if re.search(self.cell.says, line)), None)

    def usage(self):
        """{component: (descriptors, bytes)} of those that run."""
        found = {}
        for name, part in COMPONENTS.items():
            pid = self.host.show(part.unit)["MainPID"]
            if pid != "0":
                text = self.host.out(f"ls /proc/{pid}/fd | wc -l; awk '/^VmRSS/ {{ print $2 }}' /proc/{pid}/status", check=False).split()
                if len(text) == 2:
                    found[name] = (int(text[0]), int(text[1]) << 10)
        return found

    # ---- while it lasts, and afterwards ----

    def answers(self):
        """Any answer will do, a refusal too; a part that is being started is asked again."""
        for name, command in ALIVE.items():
            if name == self.component and self.cell.deaf:
                self.host.run(["timeout", "3", "sh", "-c", command], check=False)  # it is knocked at all the same
                continue
            begin = time.monotonic()
            done = self.host.run(["timeout", str(ANSWER_SECONDS * self.host.slower), "sh", "-c", command], check=False)
            assert done.returncode != 124, f"{name} does not answer while the fault lasts"
            self.notes[f"{name} answered after"] = round(time.monotonic() - begin, 2)

    def bitten(self):
        return self.cell.bit(self) if self.cell.bit else bool(self.said())

    def wait_bitten(self):
        """Until the fault has struck; each part is given something to do, the actuator by one more death."""
        for seconds in (10, BITE_SECONDS):
            for command in ALIVE.values():
                self.host.run(["timeout", "3", "sh", "-c", command], check=False)
            try:
                return self.wait(self.bitten, seconds, "the fault strikes")
            except AssertionError:
                self.kill_nginx_again()
        raise AssertionError("the fault never struck")

    def endure(self):
        """What becomes of nginx, which dies under the fault, and that nobody hangs."""
        self.wait_bitten()
        self.kill_nginx_again()
        self.answers()
        try:
            self.wait_healed("while the fault lasts", 45 if self.cell.nginx == HEALED else 25)
            self.notes["nginx"] = HEALED
        except AssertionError:
            if self.cell.nginx == HEALED:
                raise
            self.notes["nginx"] = HELD
        assert self.cell.nginx in (EITHER, self.notes["nginx"]), f"nginx was {self.notes['nginx']}, not {self.cell.nginx}"
        if self.cell.again:
            self.kill_part()
            time.sleep(AGAIN_SECONDS)
        self.answers()
        if self.cell.memory:
            self.watch_in_memory()

    def watch_in_memory(self):
        """An agent without its disk sees one more death, says why it does nothing, and tells the aggregator."""
        self.wait(lambda: self.ask_agent()["store"]["no_disk"], 30, "the agent runs in memory")
        if not self.host.is_active("nginx"):
            self.host.run("systemctl start nginx")  # of a death that nobody healed
        self.wait(lambda: self.ask_agent()["probe"]["connected"], 30, "the probe has found it")
        self.wait_settled()
        self.kill_nginx()

        def seen():
            rows = [row for row in medic.incidents(self.host, "service.failed")
                    if not row["closed_at_unix_nano"] and row["state"] != "resolved"]
            there = {row["id"]: row["state"] for row in medic.fleet(self.host)["incidents"]}
            return bool(rows) and all(there.get(row["id"]) == row["state"] for row in rows)
        self.wait(seen, 60, "a death is seen in memory, and told")
        time.sleep(5)
        assert not self.host.is_active("nginx"), "an order was given that is on no disk"

    def come_back(self):
        def back():
            return (all(self.host.is_active(unit) for unit in STEADY) and
                    self.host.show("hostmedic-actuator")["ActiveState"] != "failed" and not self.ask_agent()["store"]["no_disk"])
        self.wait(back, BACK_SECONDS, "all parts run again")
        medic.ready(self.host, 40 * self.host.slower)
        if not self.host.is_active("nginx"):
            time.sleep(3)  # who still wants to act on it does so now
        if not self.host.is_active("nginx"):
            self.host.run("systemctl start nginx")  # a human does what nobody dared to
        self.wait_settled()

    def judge(self, before):
        """What must hold, whatever the fault was."""
        after = self.acknowledged()
        for name, had in before.items():
            lost = had - after[name]
            if not (name == self.component and self.cell.lost):
                assert not lost, f"{name} lost {len(lost)} of {len(had)} acknowledged: {sorted(lost)[:3]}"
        twice = self.rows("aggregator", "select count(*) - count(distinct host || uid) from log")
        assert twice == {"0"}, f"delivered twice: {twice}"
        starts = self.count_starts()
        assert starts == self.starts, f"{starts} starts of nginx, {self.starts} have a reason"
        audit = json.loads(self.host.out("hostmedic audit --json"))
        assert audit["whole"], f"the ledger is broken: {audit['broken']}"
        assert audit["open"] == 0, f"{audit['open']} orders without an end"
        for name, (descriptors, memory) in self.usage().items():
            self.notes[f"{name} holds"] = f"{descriptors} descriptors, {memory >> 20} MiB"
            assert descriptors < MOST_DESCRIPTORS and memory < MOST_MEMORY, f"{name} has grown: {self.notes}"
        if self.ahead:
            told = [entry["at_unix_nano"] / 1e9 - time.time() for row in medic.incidents(self.host) for entry in row["timeline"]]
            assert any(abs(age - self.ahead) < 1800 for age in told), "no part read the clock that was set"
        if self.cell.says:
            self.notes["line"] = self.said()
            assert self.notes["line"], f"no line of {self.part.unit} says /{self.cell.says}/"


def play(host, component, cell, seed):
    """Plays one cell; returns its notes. AssertionError says what did not hold."""
    scene = Scene(host, component, cell, seed)
    scene.prepare()
    scene.heal_and_deliver("before the fault")
    before = scene.acknowledged()
    scene.since = float(host.out("date +%s.%N"))
    scene.last = host.journal("-n", "1")[0]
    scene.kill_nginx()
    cell.begin(scene)
    scene.endure()
    cell.end(scene)
    scene.come_back()
    scene.heal_and_deliver("after the fault")
    scene.judge(before)
    return scene.notes
