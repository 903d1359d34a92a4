# SPDX-License-Identifier: Apache-2.0
"""The faults that the parts of Hostmedic are to survive, as a table: FAULTS[name][component] is a Cell, or the words that
say why the fault means nothing there.

How a row is added: an entry in FAULTS with a value for each of COMPONENTS. A Cell says
    begin(scene)  how the fault is made, at once and for real, inside the booted host of the scene (story.py)
    end(scene)    how it is ended from outside, as an administrator would; the part is stopped only where the fault cannot
                  be ended under it, and then `by_hand` says what for
    says          a pattern (grep -E) of the line that names the cause; it must stand in the journal of the component's
                  unit after begin(), or in the output of the command `asked`; "" where nothing happens that needs one
    place         the kind of file system of its own that the component's state is put on beforehand; "" for the host's
    bit           whether the fault has struck; without it: the line that `says` names is there. A cell is judged only after
                  that, and after one more death of nginx
    nginx         what becomes of a service that fails while the fault lasts: HEALED in spite of it, or HELD: nobody acts
                  on it and the agent says so; EITHER where that hangs on the moment
    again         the part is killed once more while the fault lasts, so that it meets it at its start too
    memory        the agent, started so, runs in memory: it sees and tells of what happens then, and does not act
    clock         the parts read a clock that the test can set (clock.c)
    deaf          the fault itself keeps others from connecting to the part while it lasts
    lost          what becomes of the component's own state where the fault itself destroys it: "" for nothing
Nothing else has to be touched: story.py plays the cell, matrix.py runs it, and `./dev crash --write` puts it in SECURITY.md.
A fault acts on the test host alone, and everything in it has a bound.
"""
import fcntl
import os
import struct
import time
from dataclasses import dataclass
from typing import Callable

HEALED, HELD, EITHER = "healed", "held", "either"


@dataclass(frozen=True)
class Component:
    unit: str
    state: str     # its state directory
    owner: str
    database: str  # the file in it that matters; "": none


COMPONENTS = {
    "agent": Component("hostmedic", "/var/lib/hostmedic", "hostmedic", "agent.db"),
    "actuator": Component("hostmedic-actuator", "/var/lib/hostmedic-actuator", "root", "ledger.db"),
    "aggregator": Component("hostmedic-aggregator", "/var/lib/hostmedic-aggregator", "hostmedic-aggregator", "fleet.db"),
    "probe": Component("hostmedic-probe", "/var/lib/hostmedic-probe", "hostmedic-probe", ""),
    "check": Component("hostmedic-check", "", "hostmedic-check", ""),
}


def nothing(_scene):
    pass


@dataclass(frozen=True)
class Cell:
    begin: Callable
    says: str
    end: Callable = nothing
    bit: Callable = None
    place: str = ""
    nginx: str = HEALED
    again: bool = False
    memory: bool = False
    clock: bool = False
    deaf: bool = False
    lost: str = ""
    by_hand: str = ""
    asked: str = ""

    @property
    def lasts(self):
        return self.end is not nothing


# ---- how faults are made ---------------------------------------------------------------------

def kill(scene):
    """At a moment between the death of nginx and what is done about it."""
    scene.pause(0, 0.6)
    scene.kill_part()


def fill(scene):
    """Takes every block of the component's file system, to the last one."""
    scene.host.run(f"cd {scene.part.state} && fallocate -l $(($(df --output=avail -B1 . | tail -n 1) - 65536)) ballast;"
                   " for size in 65536 4096 512; do dd if=/dev/zero of=crumbs bs=$size oflag=append conv=notrunc status=none; done;"
                   " sync -f .", check=False)


def empty(scene):
    scene.host.run(f"rm -f {scene.part.state}/ballast {scene.part.state}/crumbs")


EXT4_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2


def shut_down_state(scene, flags):
    """What xfstests do to a file system: from now on every operation is an I/O error; with NO_LOG_FLUSH what was not
    synced is lost, journal and pages."""
    with scene.opened_state() as fd:
        fcntl.ioctl(fd, EXT4_SHUTDOWN, struct.pack("I", flags))


def cut_power(scene):
    """The whole host stops in one moment, and its state's disk with it."""
    scene.pause(0, 0.6)
    scene.freeze_host()
    shut_down_state(scene, NO_LOG_FLUSH)
    scene.boot_again()


def break_disk(scene):
    scene.pause(0, 0.3)
    shut_down_state(scene, 0)


def turn_read_only(scene):
    """The kernel finds an error in the file system, which is mounted errors=remount-ro."""
    device = scene.state_device()
    scene.host.run(f"mount -o remount,errors=remount-ro {scene.part.state}")
    with open(f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error", "w", encoding="ascii") as f:
        f.write("test")


def mend_disk(scene):
    """As an administrator does it: nothing may hold the file system."""
    part, device = scene.part, scene.state_device()
    scene.host.run(f"systemctl stop {part.unit}; umount {part.state}; e2fsck -fy {device}; mount {device} {part.state};"
                   f" [ {scene.component} = actuator ] || systemctl start {part.unit}", check=False)
    scene.host.run(f"mountpoint -q {part.state}")


def read_only_at_start(scene):
    """While it is being started again: nobody else has a file open for writing there."""
    scene.kill_part(f"for i in 1 2 3 4 5 6 7 8 9; do mount -o remount,ro {scene.part.state} && exit; sleep 0.05; done; exit 1")


def writable(scene):
    scene.host.run(f"mount -o remount,rw {scene.part.state}")


def limit_descriptors(scene):
    """Every number that a new descriptor could get is past the limit."""
    scene.set_descriptors(6)


def blind(scene):
    """When nothing is to be proved any more: what nobody sees has not helped, and a human is asked the next time."""
    scene.wait_settled()
    limit_descriptors(scene)


def unlimit_descriptors(scene):
    scene.set_descriptors(1024)


def tear_database(scene):
    """All that it holds is in the file, and pages of it are noise when it starts again."""
    path = f"{scene.part.state}/{scene.part.database}"
    page = scene.dice.choice((1, 2, 3))
    scene.kill_part(f"sqlite3 {path} 'pragma wal_checkpoint(truncate)' >/dev/null;"
                    f" dd if=/dev/urandom of={path} bs=4096 seek={page} count=4 conv=notrunc status=none")


def spoil_spool(scene):
    """While the aggregator is away, the oldest record that waits for it becomes noise."""
    path = f"{scene.part.state}/{scene.part.database}"
    scene.host.run("systemctl stop hostmedic-aggregator")
    scene.wait_healed("without an aggregator")
    scene.wait_spooled(3)
    scene.kill_part(f"sqlite3 -cmd '.timeout 5000' {path} 'update spool set payload = randomblob(size)"
                    " where id = (select min(id) from spool)'")
    scene.host.run("systemctl start hostmedic-aggregator")


def spoil_recorder(scene):
    """Of the newest segment the middle is zeroed and the end is cut; of the others a few bytes are turned."""
    scene.kill_part(f"cd {scene.part.state}/recorder && last=$(ls *.hmseg | tail -n 1) && size=$(stat -c %s $last) &&"
                    " dd if=/dev/zero of=$last bs=1 seek=$((size / 2)) count=64 conv=notrunc status=none &&"
                    " truncate -s -7 $last")


def fill_run(scene):
    scene.host.run("mount -o remount,size=$(($(df --output=used -B1 /run | tail -n 1) + 262144)) /run;"
                   " dd if=/dev/zero of=/run/ballast bs=4096 status=none", check=False)


def empty_run(scene):
    scene.host.run("rm -f /run/ballast; mount -o remount,size=1g /run")


BURNERS, BURN_SECONDS = 4, 45


def burn(scene):
    """More work than there are processors, none of it polite."""
    for number in range(BURNERS):
        scene.host.run(["systemd-run", "--quiet", f"--unit=burner{number}", f"--property=RuntimeMaxSec={BURN_SECONDS}",
                        "sh", "-c", "while :; do :; done"])


def stop_burning(scene):
    scene.host.run("systemctl stop 'burner*'", check=False)


HOG = "import time\nblocks = []\nwhile True:\n    blocks.append(b'x' * (1 << 20))\n    time.sleep(0.01)\n"


def squeeze(scene):
    """The part shares a memory group with a program that eats all of it, is killed, and begins anew."""
    group = scene.memory_group(64 << 20)
    scene.host.write("/root/hog.py", HOG)
    scene.host.run(["systemd-run", "--quiet", "--unit=hog", "-p", "Restart=always", "-p", "RestartSec=100ms",
                    "-p", "StartLimitIntervalSec=0", "-p", "OOMScoreAdjust=1000", f"--property=RuntimeMaxSec={BURN_SECONDS}",
                    "sh", "-c", f"echo $$$$ >{group}/cgroup.procs; exec python3 /root/hog.py"])


def short_of_memory(scene):
    """The kernel had to refuse a page to the group, whoever wanted it."""
    return int(scene.host.read(f"{scene.memory_path()}/memory.failcnt")) > 0


def relax(scene):
    scene.host.run("systemctl stop hog", check=False)


def starve(scene):
    """The kernel finds no page for it any more, and kills it when it wants one."""
    group = scene.memory_group(64 << 10)
    scene.host.run(f"[ -s {group}/cgroup.procs ] || exit 0; for i in $(seq 50); do hostmedic status >/dev/null 2>&1;"
                   f" timeout 2 hostmedic audit >/dev/null 2>&1; timeout 2 curl -s http://127.0.0.1:8320/ >/dev/null;"
                   f" [ -s {group}/cgroup.procs ] || exit 0; done", check=False)


def set_clock(days):
    return lambda scene: scene.set_clock(days * 86400)


def clock_was_read(scene):
    """The agent says when its last delivery was, by the clock that it reads."""
    at = scene.ask_agent()["upstream"]["last_success_unix_nano"] / 1e9
    return abs(at - time.time() - scene.ahead) < 1800


def run_is_full(scene):
    """What was freed there meanwhile is taken, too."""
    more = scene.host.run("dd if=/dev/zero of=/run/ballast bs=4096 oflag=append conv=notrunc 2>&1", check=False)
    return "No space left" in more.stdout


def processors_are_busy(scene):
    """Each of the burners got a second of them."""
    used = scene.host.out("systemctl show -p CPUUsageNSec --value 'burner*'").split()
    return len(used) == BURNERS and all(int(nanoseconds) > 1e9 for nanoseconds in used)


def was_booted(scene):
    return scene.host.journal("-n", "1")[0]["_BOOT_ID"] != scene.last["_BOOT_ID"]


# ---- the table -------------------------------------------------------------------------------

KILLED = "code=killed, status=9/KILL"
FULL = "disk is full|No space left"
BROKEN = "I/O error|Input/output error"
READ_ONLY = "readonly|[Rr]ead-only|I/O error"
IN_MEMORY = "the agent runs in memory and nothing is treated"
CROWDED = "Too many open files|unable to open database file"


TOGETHER = "all at once: it is the host's"
NO_STATE = "it keeps nothing that was acknowledged"
STOPPED = "stopped while its disk is mended"


def resume(scene):
    scene.host.run("hostmedic resume")


def of_all(make, **differing):
    """The same cell for each component, with what differs for some."""
    return {name: make(**differing.get(name, {})) for name in COMPONENTS}


def keepers(**cells):
    """Of the components that keep something."""
    return {**cells, "probe": NO_STATE, "check": NO_STATE}


def alone(cell, **others):
    """The agent's cell, for a fault of all at once, or of it alone."""
    return {"agent": cell, **{name: others.get(name, others.get("all", TOGETHER)) for name in COMPONENTS if name != "agent"}}


def killed(**options):
    return Cell(kill, KILLED, **options)


def crowded(**options):
    return Cell(limit_descriptors, CROWDED, unlimit_descriptors, **options)


def run_filled(**options):
    return Cell(**{"begin": fill_run, "says": "", "end": empty_run, "bit": run_is_full, "again": True, **options})


def squeezed(**options):
    return Cell(squeeze, "", relax, short_of_memory, **options)


def starved(says=KILLED, **options):
    return Cell(starve, says, bit=short_of_memory, **options)


FAULTS = {
    "kill -9": of_all(killed),
    "power cut": keepers(**{name: Cell(cut_power, "", bit=was_booted, place="ext4") for name, part in COMPONENTS.items()
                            if part.database}),
    "no space left": keepers(
        agent=Cell(fill, FULL, empty, place="ext4", nginx=EITHER, again=True),
        actuator=Cell(fill, FULL, empty, place="ext4", nginx=EITHER, again=True),
        aggregator=Cell(fill, FULL, empty, place="ext4", again=True)),
    "disk fails (EIO)": keepers(
        agent=Cell(break_disk, BROKEN, mend_disk, place="ext4", nginx=EITHER, again=True, by_hand=STOPPED),
        actuator=Cell(break_disk, BROKEN, mend_disk, place="ext4", nginx=EITHER, again=True, by_hand=STOPPED),
        aggregator=Cell(break_disk, BROKEN, mend_disk, place="ext4", again=True, by_hand=STOPPED)),
    "disk turns read-only": keepers(
        agent=Cell(turn_read_only, READ_ONLY, mend_disk, place="ext4", nginx=EITHER, again=True, memory=True, by_hand=STOPPED),
        actuator=Cell(turn_read_only, READ_ONLY, mend_disk, place="ext4", nginx=EITHER, again=True, by_hand=STOPPED),
        aggregator=Cell(turn_read_only, READ_ONLY, mend_disk, place="ext4", again=True, by_hand=STOPPED)),
    "read-only state directory at start": keepers(
        agent=Cell(read_only_at_start, IN_MEMORY, writable, place="ext4", nginx=HELD, memory=True),
        actuator=Cell(read_only_at_start, READ_ONLY, writable, place="ext4", nginx=EITHER, again=True),
        aggregator=Cell(read_only_at_start, READ_ONLY, writable, place="ext4", again=True)),
    "no descriptors left (EMFILE)": {
        "agent": crowded(nginx=EITHER, deaf=True),
        "actuator": crowded(nginx=EITHER, deaf=True),
        "aggregator": crowded(deaf=True),
        "probe": Cell(blind, "Watchdog timeout", unlimit_descriptors, nginx=EITHER),
        "check": crowded(),
    },
    "torn database": keepers(
        agent=Cell(tear_database, "the store was broken and a new one was begun", nginx=EITHER,
                   lost="begins a new store, the old one is kept aside"),
        actuator=Cell(tear_database, "the ledger was broken, so nothing is done until a human resumes", resume,
                      nginx=HELD, lost="halted until a human resumes, the old ledger is kept aside"),
        aggregator=Cell(tear_database, "the store was broken and a new one was made",
                        lost="begins a new store, the old one is kept aside")),
    "corrupt spool": alone(Cell(spoil_spool, "upstream refused"), all="it has none",
                           aggregator="it has none; what an agent sends is checked before it is stored"),
    "corrupt recorder": alone(Cell(spoil_recorder, "are cut or damaged", asked="hostmedic replay /var/lib/hostmedic/recorder"),
                              all="it has none"),
    "full /run": of_all(run_filled, agent={"says": "filesystem:/run", "nginx": EITHER, "asked": "hostmedic incidents --all"},
                        actuator={"nginx": EITHER}, probe={"nginx": EITHER}),
    "clock steps a day ahead": alone(Cell(set_clock(1), "", bit=clock_was_read, nginx=EITHER, clock=True)),
    "clock steps two days back": alone(Cell(set_clock(-2), "", bit=clock_was_read, nginx=EITHER, clock=True)),
    "100 % CPU": alone(Cell(burn, "", stop_burning, processors_are_busy)),
    "memory pressure": of_all(squeezed),
    # Some ask for none once they run.
    "no memory for it": of_all(starved, actuator={"says": ""}, probe={"says": ""}, check={"says": ""}),
}
