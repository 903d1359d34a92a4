# SPDX-License-Identifier: Apache-2.0
"""One trial: a fresh host, a contender on it, a fault or its twin, and what the observer saw. Ends as a plain record."""
import json
import os
import queue
import subprocess
import threading
import time

import testhost
import virtual
from contender import Hostmedic, matches

HERE = os.path.dirname(os.path.abspath(__file__))
FAULTS = os.path.join(os.path.dirname(HERE), "faults")
HOLD = 3.0   # seconds of health that count as healed
REST = 6.0   # seconds more, in which something wrong may still be done

# Why a fault cannot be shown here, or None. A command that runs in the host and must succeed.
NEEDS = {
    "docker": "systemctl start docker && docker version",
    "fuse": "[ -c /dev/fuse ] || mknod /dev/fuse c 10 229; exec 3<>/dev/fuse",
    "memory-cgroup": "[ -e /sys/fs/cgroup/memory/cgroup.procs ] || { mkdir -p /run/ward/memory && "
                     "mount -t cgroup -o memory none /run/ward/memory; } || "
                     "grep -q memory /sys/fs/cgroup/cgroup.controllers",
    "netem": "ip link add wardprobe type veth peer name wardpeer && tc qdisc add dev wardprobe root netem delay 1ms; "
             "s=$?; ip link del wardprobe; exit $s",
}


class Observer:
    """The observer's process and what it said."""

    def __init__(self, host, spec):
        self.process = host.popen(["python3", "-u", "/opt/ward/observer.py", json.dumps(spec)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.states, self.samples, self.lines = [], [], queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for raw in self.process.stdout:
            record = json.loads(raw)
            if record["k"] == "state":
                self.states.append(record)
            elif record["k"] == "sample":
                self.samples.append(record)
            else:
                self.lines.put(record)

    def shift(self, by):
        """The host's clock was set by so much: what was said before is as old as it was."""
        for record in self.states + self.samples:
            record["t"] += by

    def healthy(self):
        return bool(self.states) and self.states[-1]["ok"]

    def healthy_since(self):
        return self.states[-1]["t"] if self.healthy() else None

    def stop(self):
        self.process.kill()
        self.process.wait()


class Trial:
    def __init__(self, fault, twin, contender, repeat, say=lambda text: None):
        self.fault, self.is_twin, self.kind, self.say = fault, twin, contender, say
        self.result = {"fault": fault.name, "title": fault.title, "twin": twin, "against": contender.name, "repeat": repeat,
                       "outcome": "", "notes": []}

    def script(self, host, name, timeout=120):
        return host.run(f"cd /opt/ward/{self.fault.name} && ./{name}", timeout=timeout).stdout

    def run(self):
        """The record; never raises for what a host or a tool does."""
        begin = time.monotonic()
        try:
            with self.boot() as host:
                self.run_on(host)
        except testhost.Skip as why:
            self.result.update(outcome="not here", notes=[str(why)])
        except Exception as err:  # pylint: disable=broad-except
            self.result.update(outcome="broken", notes=[f"{type(err).__name__}: {err}"[:600]])
        self.result["seconds"] = time.monotonic() - begin
        return self.result

    def boot(self):
        if self.fault.ring == "host":
            return testhost.Host("ward", "ward")
        reason = virtual.why_not() if self.machines else "needs a virtual machine: --ring machine"
        if reason:
            raise testhost.Skip(reason)
        return virtual.VirtualHost("ward")

    def prepare(self, host):
        host.run("mkdir -p /opt/ward /run/ward && ip link set lo up")
        host.write("/run/ward/machine", host.machine)
        for folder in ("common", self.fault.name):
            tar = subprocess.run(["tar", "-C", FAULTS, "-cf", "-", folder], capture_output=True, check=True).stdout
            host.run(["tar", "-C", "/opt/ward", "--no-same-owner", "-xf", "-"], input=tar, text=False)
        host.push(os.path.join(HERE, "observer.py"), "/opt/ward/observer.py")
        for need in self.fault.needs:
            done = host.run(NEEDS[need], check=False)
            if done.returncode != 0:
                raise testhost.Skip(f"needs {need}: {(done.stderr or done.stdout).strip()[-160:]}")
        if "setup" in self.fault.scripts:
            self.say("setting up")
            self.script(host, "setup", 180)

    def run_on(self, host):
        self.prepare(host)
        tool = self.kind(host, self.fault)
        self.say("starting " + tool.name)
        tool.start()
        if self.fault.ready:
            testhost.wait_for(lambda: host.run(self.fault.ready, check=False).returncode == 0, 90, self.fault.ready, 1)
        observer = Observer(host, {"checks": self.fault.observe, "units": list(tool.units), "logs": list(tool.logs),
                                   "period": 0.05 * host.slower})
        try:
            self.watch(host, tool, observer)
        finally:
            observer.stop()

    def watch(self, host, tool, observer):
        self.say("baseline")
        time.sleep(self.fault.baseline * host.slower)
        if not observer.healthy():
            raise AssertionError(f"not healthy before anything happened: {observer.states[-1:]}")
        self.meet(host)
        if "before" in self.fault.scripts and not self.is_twin:
            self.say("what happened before")
            before = self.ahead
            self.script(host, "before", 300)
            self.follow_clock(host, observer, before)
        tool.mark()
        self.meet(host)
        began, ahead = self.now(), self.ahead
        self.say("twin" if self.is_twin else "fault")
        process, self.printed = None, ""
        if self.is_twin:  # what is healthy may last
            process = host.popen(f"cd /opt/ward/{self.fault.name} && exec ./twin", stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        else:
            for line in self.script(host, "inject").splitlines():
                if line.startswith("fault at "):
                    began = float(line.split()[2])
        self.follow_clock(host, observer, ahead)
        self.result["began"] = began
        self.loop(tool, observer, began)
        tool.finish(self.result)
        if process is not None and process.poll() not in (None, 0):
            raise AssertionError(f"twin ended with {process.returncode}: {process.stdout.read()[-300:]}")
        self.judge(tool, observer, began)
        if self.kind is Hostmedic and self.keep and not self.is_twin:
            self.keep_recording(host, tool)

    keep = None  # directory of recordings
    machines = False
    ahead = 0.0  # of the host's clock against ours

    def meet(self, host):
        self.ahead = float(host.out("date +%s.%N")) - time.time()

    def follow_clock(self, host, observer, before):
        self.meet(host)
        if abs(self.ahead - before) > 1:
            observer.shift(self.ahead - before)

    def now(self):
        """By the host's clock."""
        return time.time() + self.ahead

    def loop(self, tool, observer, began):
        end = began + (self.fault.twin_watch if self.is_twin else self.fault.watch)
        rest = None
        while self.now() < end:
            for _ in range(3):
                time.sleep(0.16)
                tool.answer()
            tool.poll(began)
            while not observer.lines.empty():
                record = observer.lines.get()
                tool.line(record["t"], record["text"], began)
            if self.is_twin:
                continue
            if not self.complete(tool, observer, began):
                rest = None
            elif rest is None:
                rest = self.now() + (REST if isinstance(tool, Hostmedic) else 0)
            elif self.now() >= rest:
                break

    def complete(self, tool, observer, began):
        """Whether nothing more is expected of this tool."""
        noticed = [notice for notice in tool.notices if tool.right(notice[2], notice[3])]
        if not noticed:
            return False
        acts = bool(self.fault.treat["actions"]) and self.kind.name != "netdata"
        since = observer.healthy_since()
        return not acts or (tool.has_acted() and since is not None and self.now() - since > HOLD and self.now() - noticed[0][0] > HOLD)

    def judge(self, tool, observer, began):
        result = self.result
        first = next((n for n in tool.notices if tool.right(n[2], n[3])), None)
        harm = next((s for s in observer.states if not s["ok"] and s["t"] >= began - 0.1), None)
        last = observer.states[-1]
        result.update(
            outcome="twin" if self.is_twin else "noticed" if first else "missed",
            visible=harm and harm["t"] - began, noticed=first and first[0] - began, notice=first and first[1],
            first_notice=tool.notices[0][1] if tool.notices else None,
            first_right=bool(tool.notices) and first is tool.notices[0],
            others=sorted({n[1] for n in tool.notices if not tool.right(n[2], n[3])}),
            healed=last["t"] - began if harm and last["ok"] and first else None, prevented=not harm,
            healthy_at_end=last["ok"], asked=tool.asked, actions=[dict(a, at=a["at"] - began) for a in tool.actions],
            states=[dict(s, t=s["t"] - began) for s in observer.states],
            samples=[dict(s, t=round(s["t"] - began, 2)) for s in observer.samples])
        result["notes"] += tool.notes
        # A tool that has what to do in its configuration does nothing else; where nothing is wrong it should do nothing.
        right = [] if self.is_twin else self.fault.treat["actions"] if self.kind is Hostmedic else ["*"]
        harmless = [] if self.is_twin else self.fault.treat["also"]
        targets = self.fault.treat["targets"] if self.kind is Hostmedic else ["*"]
        result["wrong"] = [a for a in result["actions"] if not matches(a["action"], harmless)
                           and not (matches(a["action"], right) and matches(a["target"], targets))]
        result["action_right"] = not result["wrong"] and (
            not right or any(matches(a["action"], right) for a in result["actions"]))
        self.costs(observer, began)

    def costs(self, observer, began):
        end = observer.samples[-1]["t"] if observer.samples else began
        during = [s for s in observer.samples if s["t"] >= end - 60]  # the governor's own window
        if len(during) > 1:
            passed = during[-1]["t"] - during[0]["t"]
            self.result["cpu"] = (during[-1]["cpu"] - during[0]["cpu"]) / passed  # of one core
            self.result["memory"] = max(s["memory"] for s in during)

    def keep_recording(self, host, tool):
        """The right incident's own recording, for the replay library."""
        row = next((r for r in tool.last if tool.right(r["kind"], r["root"]) and not r["part_of"]), None)
        if row is None:
            return
        path = f"/var/lib/hostmedic/recorder/kept/{row['id']}.hmrec"
        try:
            testhost.wait_for(lambda: host.run(["test", "-s", path], check=False).returncode == 0, 20, "the recording")
        except AssertionError as err:
            self.result["notes"].append(str(err))
            return
        data = host.run(["cat", path], text=False).stdout
        with open(os.path.join(self.keep, self.fault.name + ".hmrec"), "wb") as f:
            f.write(data)
