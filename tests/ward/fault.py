# SPDX-License-Identifier: Apache-2.0
"""What a fault is: one folder of tests/faults with fault.toml and scripts. Read here, and refused here when it is wrong.

    fault.toml   see KEYS below and any of the folders
    setup        once, before the agent is there: the healthy host (services, filesystems, certificates)
    before       once the agent has watched for a while: what happened on this host before the fault (optional)
    inject       makes the fault; ends at once. A line "fault at SECONDS" says when it began, else it is when inject began
    clear        takes it away: afterwards the host is healthy as before, whoever acted meanwhile
    twin         the healthy thing that looks like it; may last as long as it wants, is ended with the host
    agent.toml   configuration of the agent, as who runs this host would write it (optional)
    policy.toml  more of the guard's policy (optional); tier is auto for everything already
    runbooks/    runbooks of this site, as in /etc/hostmedic/runbooks.d (optional)
    monit.conf   what monit is told to check, written to win (optional: no such check)

All scripts run as root inside the host, in /opt/ward/<folder>, beside /opt/ward/common.
"""
import os
import tomllib
from dataclasses import dataclass, field

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "faults")

# key: (type, default). None as default: must be there.
KEYS = {
    "title": (str, None),            # a few words
    "what": (str, None),             # one sentence: what happens
    "twin": (str, None),             # one sentence: what looks like it and is healthy
    "proof": (bool, False),          # one signal is proof: noticed within a second, in the median
    "slow": (bool, False),           # takes minutes by nature: judged by the harm that was not done yet
    "loud": (bool, False),           # keeps the machine's CPUs or disks busy: measured while no other host runs
    "needs": (list, []),             # names of NEEDS in trial.py
    "ring": (str, "host"),           # where: host (a test host), or machine (a virtual machine: clock and kernel of its own)
    "baseline": (float, 12.0),       # seconds of health before
    "watch": (float, 60.0),          # seconds after, at most
    "twin_watch": (float, 25.0),     # seconds the twin is watched
    "ready": (str, ""),              # a command that must succeed before the baseline begins, within 90 s
}
NOTICE = {"kinds": (list, None), "roots": (list, None), "within": (float, 10.0)}
TREAT = {"actions": (list, []), "targets": (list, []), "also": (list, []), "within": (float, 3.0)}
PEERS = {"netdata": (list, [])}
RINGS = ("host", "machine")
CHECKS = ("http", "tcp", "dns", "tls", "alive", "space", "inodes", "writable", "memory", "tasks", "descriptors", "zombies", "cpu",
          "command")


class Wrong(Exception):
    """A fault.toml that does not say what it must; the text names file and key."""


@dataclass
class Fault:
    name: str
    directory: str
    keys: dict
    notice: dict       # kinds and roots of the incident that is right (patterns), and within how many seconds
    treat: dict        # actions and targets that are right (patterns); no actions: only telling is right. also: harmless
    observe: list      # what the independent observer asks; all must hold
    netdata: list      # patterns of netdata's stock alarms that speak of this fault
    scripts: set = field(default_factory=set)

    def __getattr__(self, key):
        return self.keys[key]

    def text(self, name):
        """Contents of a file of the folder, or nothing."""
        path = os.path.join(self.directory, name)
        if not os.path.isfile(path):
            return ""
        with open(path, encoding="utf-8") as f:
            return f.read()


def table(where, given, keys):
    """The values of a table, checked and completed."""
    for key in given:
        if key not in keys:
            raise Wrong(f"{where}: unknown key {key!r}; known: {', '.join(sorted(keys))}")
    values = {}
    for key, (kind, default) in keys.items():
        value = given.get(key, default)
        if value is None:
            raise Wrong(f"{where}: {key} is missing")
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind):
            raise Wrong(f"{where}: {key} must be {kind.__name__}, not {value!r}")
        values[key] = value
    return values


def load(name):
    directory = os.path.join(FOLDER, name)
    where = os.path.join("tests/faults", name, "fault.toml")
    try:
        with open(os.path.join(directory, "fault.toml"), "rb") as f:
            data = tomllib.load(f)
    except (OSError, tomllib.TOMLDecodeError) as err:
        raise Wrong(f"{where}: {err}") from err
    keys = table(where, {k: v for k, v in data.items() if k not in ("notice", "treat", "observe", "peers")}, KEYS)
    if keys["ring"] not in RINGS:
        raise Wrong(f"{where}: ring must be one of {', '.join(RINGS)}, not {keys['ring']!r}")
    observe = data.get("observe", [])
    if not observe:
        raise Wrong(f"{where}: [[observe]] is missing: how does one see that it is healthy?")
    for check in observe:
        if sum(kind in check for kind in CHECKS) != 1:
            raise Wrong(f"{where}: [[observe]] {check} must have one of {', '.join(CHECKS)}")
    scripts = {entry.name for entry in os.scandir(directory) if entry.is_file() and os.access(entry.path, os.X_OK)}
    for script in ("inject", "clear", "twin"):
        if script not in scripts:
            raise Wrong(f"{os.path.dirname(where)}: no executable {script}")
    return Fault(name, directory, keys, table(where + " [notice]", data.get("notice", {}), NOTICE),
                 table(where + " [treat]", data.get("treat", {}), TREAT), observe,
                 table(where + " [peers]", data.get("peers", {}), PEERS)["netdata"], scripts)


def names():
    return sorted(entry for entry in os.listdir(FOLDER) if os.path.isfile(os.path.join(FOLDER, entry, "fault.toml")))
