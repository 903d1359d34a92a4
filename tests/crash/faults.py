# SPDX-License-Identifier: Apache-2.0
"""The faults that the parts of Hostmedic are to survive, as a table: FAULTS[name][component] is a Cell, or the words that
say why the fault means nothing there.

How a row is added: an entry in FAULTS with a value for each of COMPONENTS. A Cell says
    begin(scene)  how the fault is made, at once and for real, inside the booted host of the scene (story.py)
    end(scene)    how it is ended from outside, as an administrator would; a part that stopped may be started again only
                  where the fault cannot be ended under it, and then `by_hand` says so
    says          a pattern (grep -E) of the line that names the cause; it must stand in the journal of the component's
                  unit after begin()
    place         the kind of file system of its own that the component's state is put on beforehand; "" for the host's
    nginx         what becomes of a service that fails while the fault lasts: HEALED in spite of it, or HELD: nobody acts
                  on it and the agent says so; EITHER where that hangs on the moment
    lost          what of the component's own state the fault itself destroys: "" for nothing
Nothing else has to be touched: story.py plays the cell, matrix.py runs it, and `./dev crash --write` puts it in SECURITY.md.
A fault acts on the test host alone, and everything in it has a bound.
"""
from dataclasses import dataclass
from typing import Callable

HEALED, HELD, EITHER = "healed", "held", "either"


@dataclass(frozen=True)
class Component:
    unit: str
    state: str     # its state directory
    owner: str
    database: str  # the file in it that matters


COMPONENTS = {
    "agent": Component("hostmedic", "/var/lib/hostmedic", "hostmedic", "agent.db"),
    "actuator": Component("hostmedic-actuator", "/var/lib/hostmedic-actuator", "root", "ledger.db"),
    "aggregator": Component("hostmedic-aggregator", "/var/lib/hostmedic-aggregator", "hostmedic-aggregator", "fleet.db"),
}


def nothing(_scene):
    pass


@dataclass(frozen=True)
class Cell:
    begin: Callable
    says: str
    end: Callable = nothing
    place: str = ""
    nginx: str = HEALED
    lost: str = ""
    by_hand: bool = False


# ---- how faults are made ---------------------------------------------------------------------

def kill(scene):
    """At a moment between the death of nginx and what is done about it."""
    scene.pause(0, 0.6)
    scene.host.run(f"systemctl kill -s KILL {scene.part.unit}", check=False)


def fill(scene):
    """Takes every block of the component's file system, to the last one."""
    scene.host.run(f"cd {scene.part.state} && fallocate -l $(($(df --output=avail -B1 . | tail -n 1) - 65536)) ballast;"
                   " for size in 65536 4096 512; do dd if=/dev/zero of=crumbs bs=$size oflag=append conv=notrunc status=none; done;"
                   " sync -f .", check=False)


def empty(scene):
    scene.host.run(f"rm -f {scene.part.state}/ballast {scene.part.state}/crumbs")


# ---- the table -------------------------------------------------------------------------------

KILLED = "code=killed, status=9/KILL"

FAULTS = {
    "kill -9": {name: Cell(kill, KILLED) for name in COMPONENTS},
    "no space left": {
        "agent": Cell(fill, "disk is full|No space left", empty, "ext4", EITHER),
        "actuator": Cell(fill, "disk is full|No space left", empty, "ext4", EITHER),
        "aggregator": Cell(fill, "disk is full|No space left", empty, "ext4"),
    },
}
