# SPDX-License-Identifier: Apache-2.0
"""Test hosts: full Debian systems with systemd as PID 1, booted by systemd-nspawn for one test each.

A root tree is built once with mmdebstrap and cached; every host is an overlay on top of it, so a test
gets a fresh machine in about half a second and nothing it does outlives it. Python standard library only.

    with Host("web") as host:
        host.run("systemctl restart nginx")
        wait_for(lambda: host.show("nginx.service")["ActiveState"] == "active", 5, "nginx up")

What belongs to a host, and goes with it: the directory <scratch>/hmtest-<owner pid>-<n>-<name>/ (overlay,
images, console log), the cgroup of the same name, its processes, its loop devices. Leftovers of a run that
was killed are removed by the next one, only when the prefix fits and the owner is dead.

Facts, seen on Debian 12 (systemd 252) in a test host; those a program of ours relies on are held by
tests/host/test_harness.py:

 * cgroup v2 is the only hierarchy inside, with PSI per unit, freeze, kill and cpu.stat. Where the machine
   itself holds controllers in cgroup v1 there is no memory, cpu, io or pids controller inside: MemoryMax=,
   TasksMax=, CPUQuota= and IOWeight= are accepted and do nothing; memory.current and pids.current are absent.
 * FreezeUnit/ThawUnit over D-Bus work (cgroup.events then says "frozen 1").
 * tp_btf programs load and attach, and ring buffers are made, as an ordinary user with ambient CAP_BPF and
   CAP_PERFMON; without them: EPERM. systemd-run --uid=... -p AmbientCapabilities=... is the way to try.
 * BPF sees the whole kernel: programs report events of the machine and of every other test host, with process
   ids of the outermost PID namespace. Only bpf_get_ns_current_pid_tgid, or a filter on the namespace, gives the
   numbers this host knows.
 * /proc/PID/io, exe and fd of others are readable with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.
 * A uid-0 process with an empty capability set, AF_UNIX only and no network restarts units over D-Bus.
 * These unit options start and take effect: ProtectSystem=strict, ProtectHome, PrivateNetwork,
   ProtectKernelTunables, RestrictNamespaces, RestrictAddressFamilies, SystemCallFilter, LoadCredential,
   StateDirectory, sysusers.d; IPAddressDeny=any too (it drops, so a connect times out instead of failing).
 * /sys is a read-only view of the machine's: its block devices and its /proc/diskstats show through. So do
   /proc/loadavg, /proc/meminfo, /proc/stat and /proc/pressure. /proc/sys is read-only but for net.
 * Loop devices work: the node is made inside with mknod, then an ordinary mount inside. ext4 and xfs on them
   have FALLOC_FL_PUNCH_HOLE and FALLOC_FL_COLLAPSE_RANGE; tmpfs has only PUNCH_HOLE. The overlay has what the
   file system of the scratch directory has.
 * Docker (tree "docker") starts by itself and runs containers with its bridge and nft rules, cgroup driver
   systemd; its storage driver is vfs, because the host's root is an overlay already.
 * systemd-run expands $NAME in its command line itself: write $$NAME for the shell inside.
 * CAP_SYS_RESOURCE may be missing on the machine: then no program inside raises a hard limit.
"""
import atexit
import contextlib
import fcntl
import glob
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import coverage
import peers

PREFIX = "hmtest-"
CAPS_FILTER = "@keyring bpf perf_event_open"
CLEAN_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
             "LANG": "C.UTF-8", "TERM": "dumb"}
REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Where the packages of the hosts are, in the repository: those of the Debian release HM_RELEASE lie beside this machine's.
PACKAGES = os.environ.get("HM_PACKAGES") or "-".join(filter(None, ("build/package", os.environ.get("HM_RELEASE"))))
OVERLAY_MAGIC = "overlayfs"

# ---- root trees ------------------------------------------------------------------------------

# What a tree holds. The libraries are those the Hostmedic packages depend on, per Debian release.
BASE_PACKAGES = ("systemd systemd-sysv dbus procps iproute2 nginx-light logrotate nftables sqlite3 curl "
                 "ca-certificates python3 sysstat e2fsprogs xfsprogs libsystemd0 libsqlite3-0 libstdc++6 zlib1g").split()
RELEASE_PACKAGES = {
    "bookworm": ["libelf1", "libmbedtls14", "libmbedx509-1", "libmbedcrypto7"],
    "trixie": ["libelf1t64", "libmbedtls21", "libmbedx509-7", "libmbedcrypto16"],
}
TREES = {"base": BASE_PACKAGES, "docker": BASE_PACKAGES + ["docker.io", "iptables"],
         "rpm": BASE_PACKAGES + ["rpm"], "peers": BASE_PACKAGES + peers.PACKAGES, "database": BASE_PACKAGES + ["postgresql", "zstd"],
         "ward": BASE_PACKAGES + "docker.io iptables postgresql zstd openssl dnsmasq-base monit netdata dpkg-dev".split()}
# What a tree holds and does not start by itself.
STILL = {"ward": "docker.service docker.socket containerd.service postgresql.service monit.service netdata.service nginx.service".split()}
# A tree that a virtual machine boots: the distribution's kernel, and an initrd with no more than leads to the root disk.
TREES["machine"] = TREES["ward"] + "linux-image-amd64 initramfs-tools udev kmod apparmor".split()
STILL["machine"] = STILL["ward"]
FINISH = {"machine": "printf 'MODULES=list\\nCOMPRESS=gzip\\n' >$1/etc/initramfs-tools/conf.d/hmtest;"
                     " printf 'virtio_pci\\nvirtio_blk\\next4\\n' >>$1/etc/initramfs-tools/modules;"
                     " chroot $1 update-initramfs -u"}
# The same with the kernel of another release: older and newer ones than what the packages were built beside.
KERNELS_OF = ("bullseye", "trixie")
for suite in KERNELS_OF:
    TREES[f"machine-{suite}"] = [package for package in TREES["machine"] if package != "linux-image-amd64"]
    STILL[f"machine-{suite}"] = STILL["machine"]
    FINISH[f"machine-{suite}"] = (f"echo deb http://deb.debian.org/debian {suite} main >$1/etc/apt/sources.list.d/kernel.list;"
                                  " chroot $1 apt-get update -q && chroot $1 apt-get install -y -q --no-install-recommends"
                                  f" linux-image-amd64/{suite} || exit 1; rm $1/etc/apt/sources.list.d/kernel.list;"
                                  + FINISH["machine"])
# Units that only wait for hardware or a network that a test host does not have.
MASKED_UNITS = ["apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_reap.service", "e2scrub_all.timer",
                "console-getty.service", "systemd-networkd-wait-online.service"]


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


def release():
    """Debian release of the trees: HM_RELEASE if it is set, else that of this machine, whose packages the hosts install."""
    name = os.environ.get("HM_RELEASE") or own_release()
    if name not in RELEASE_PACKAGES:
        raise RuntimeError(f"no test hosts for Debian '{name}', only for {', '.join(RELEASE_PACKAGES)}")
    return name


def own_release():
    with open("/etc/os-release", encoding="utf-8") as f:
        fields = dict(line.rstrip().split("=", 1) for line in f if "=" in line)
    name = fields.get("VERSION_CODENAME", "").strip('"')
    return name if name in RELEASE_PACKAGES else "bookworm"


def apt_sources(suite):
    """Where this machine gets Debian from: files that mmdebstrap takes, or none for its default."""
    listed = []
    for path in ("/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources"):
        with contextlib.suppress(OSError), open(path, encoding="utf-8") as f:
            lines = [line for line in f.read().splitlines() if not re.match(r"deb-src|deb cdrom:", line)]
            if any(re.search(rf"\b{suite}\b", line) and not line.startswith("#") for line in lines):
                listed.append((path, "\n".join(lines) + "\n"))
    return listed


def apt_options():
    """The machine's own way to reach the mirror (proxy, retries, date checks), for mmdebstrap."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in dump.splitlines() if re.match(r"Acquire::(http|https|Retries|Check)", line)) + "\n"


def tree_path(name):
    packages = TREES[name] + RELEASE_PACKAGES[release()]
    recipe = "\n".join([release(), *packages, *MASKED_UNITS, *STILL.get(name, ()), *FINISH.get(name, "").splitlines()])
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    return os.path.join(cache, "hostmedic", f"tree-{name}-{digest}")


def ensure_tree(name, say=lambda text: None):
    """Path of the named root tree, built now if it is not cached. Safe to call from several processes."""
    path = tree_path(name)
    if os.path.isdir(path):
        return path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(path):
            say(f"building the root tree '{name}' of the test hosts (once, about half a minute)")
            build_tree(name, path)
    return path


def build_tree(name, path):
    suite = release()
    partial = path + ".partial"  # the lock is held: whatever is there is dead
    shutil.rmtree(partial, ignore_errors=True)
    scratch = path + ".apt"
    os.makedirs(scratch, exist_ok=True)
    with open(f"{scratch}/apt.conf", "w", encoding="utf-8") as f:
        f.write(apt_options())
    sources = []
    for number, (origin, text) in enumerate(apt_sources(suite)):
        sources.append(f"{scratch}/{number}{os.path.splitext(origin)[1]}")
        with open(sources[-1], "w", encoding="utf-8") as f:
            f.write(text)
    tidy = (f"{FINISH.get(name, ':')} || exit 1;"
            " rm -f $1/etc/hostname $1/etc/resolv.conf $1/etc/apt/apt.conf.d/99mmdebstrap; : >$1/etc/machine-id;"
            " mkdir -p $1/etc/systemd/system; for unit in " + " ".join(MASKED_UNITS) + "; do ln -sf /dev/null $1/etc/systemd/system/$unit; done" +
            "".join(f"; systemctl --quiet --root=$1 disable {unit}" for unit in STILL.get(name, ())))
    done = subprocess.run(
        # Its mounts are its own: one that was killed leaves none through which removing the tree would reach the machine.
        ["unshare", "--mount", "mmdebstrap", "--mode=root", "--variant=minbase", f"--aptopt={scratch}/apt.conf",
         "--include=" + ",".join(TREES[name] + RELEASE_PACKAGES[suite]), "--customize-hook=" + tidy,
         suite, partial, *sources], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    shutil.rmtree(scratch, ignore_errors=True)
    if done.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise RuntimeError("mmdebstrap failed:\n" + done.stderr[-3000:])
    os.rename(partial, path)


# ---- what the machine allows -----------------------------------------------------------------

def cgroup_mounts():
    """Mount points of the hierarchies systemd uses: the v2 one first, then v1's name=systemd if any."""
    v2, named = [], []
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            head, _, tail = line.partition(" - ")
            kind, _, options = tail.split(" ", 2)
            if kind == "cgroup2":
                v2.append(head.split()[4])
            elif kind == "cgroup" and "name=systemd" in options:
                named.append(head.split()[4])
    return v2[:1] + named[:1]


def own_memory_group():
    """Our own control group in the version 1 memory hierarchy, if there is one: a host that mounts it sees this as "/"."""
    with open("/proc/self/cgroup", encoding="utf-8") as f:
        paths = [line.rstrip().split(":", 2)[2] for line in f if line.split(":")[1] == "memory"]
    found = ["/sys/fs/cgroup/memory" + path.rstrip("/") for path in paths]
    return [path for path in found if os.path.isdir(path)]


def why_not():
    """None if test hosts can run here, otherwise the reason in words."""
    if os.geteuid() != 0:
        return "needs root (a container is booted)"
    for tool in ("systemd-nspawn", "mmdebstrap", "nsenter", "ip", "losetup"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    mounts = cgroup_mounts()
    if not mounts:
        return "cgroup v2 is not mounted"
    clean_leftovers()
    probe = os.path.join(scratch_base(), f"{PREFIX}{os.getpid()}-0-probe")
    try:
        for mount in mounts:
            os.mkdir(f"{mount}/{os.path.basename(probe)}")
            os.rmdir(f"{mount}/{os.path.basename(probe)}")
        for part in ("lower", "upper", "work", "root"):
            os.makedirs(f"{probe}/{part}")
        done = subprocess.run(["unshare", "-m", "mount", "-t", "overlay", "overlay", "-o",
                               overlay_options(f"{probe}/lower", probe), f"{probe}/root"],
                              capture_output=True, text=True)
        return None if done.returncode == 0 else "an overlay cannot be mounted: " + done.stderr.strip()
    except OSError as err:
        return f"cgroups or the scratch directory cannot be written: {err}"
    finally:
        shutil.rmtree(probe, ignore_errors=True)


def scratch_base():
    """A directory whose file system can hold the upper half of an overlay (an overlay cannot)."""
    for path in (os.environ.get("HOSTMEDIC_SCRATCH"), "/var/tmp", "/tmp", "/dev/shm"):
        if path and os.path.isdir(path):
            kind = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True).stdout.strip()
            if kind != OVERLAY_MAGIC:
                return path
    raise RuntimeError("no directory outside an overlay for the test hosts; set HOSTMEDIC_SCRATCH")


def overlay_options(lower, work):
    return f"lowerdir={lower},upperdir={work}/upper,workdir={work}/work"


# ---- cleaning up -----------------------------------------------------------------------------

def process_start(pid):
    """Start time of a process in clock ticks; None when it is gone. Tells a reused pid from the old one."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def clean_leftovers():
    """Removes what a killed run left behind: our prefix, and an owner that is no longer alive."""
    for directory in glob.glob(os.path.join(scratch_base(), PREFIX + "*")):
        owner = re.match(rf"{PREFIX}(\d+)-", os.path.basename(directory))
        recorded = None
        with contextlib.suppress(OSError), open(f"{directory}/owner", encoding="utf-8") as f:
            recorded = f.read()
        alive = process_start(int(owner[1])) if owner else "not ours"
        if alive is None or (recorded is not None and alive != recorded and owner):
            remove_host_traces(directory)


def remove_host_traces(directory):
    """Ends every process of the host, then removes its mounts, loop devices, cgroups and files."""
    name = os.path.basename(directory)
    mounts = cgroup_mounts()
    with contextlib.suppress(OSError), open(f"{mounts[0]}/{name}/cgroup.kill", "w", encoding="utf-8") as f:
        f.write("1")
    with contextlib.suppress(OSError), open(f"{directory}/machine", encoding="utf-8") as f:
        pid, start = f.read().split()  # of a virtual machine
        if process_start(int(pid)) == start:
            os.kill(int(pid), signal.SIGKILL)
    for mount in mounts + own_memory_group():
        remove_cgroup(f"{mount}/{name}")
    for mounted in (f"{directory}/root",):
        if os.path.ismount(mounted):
            subprocess.run(["umount", "--lazy", mounted], check=False)
    for image in glob.glob(f"{directory}/*.img"):
        listed = subprocess.run(["losetup", "-n", "-O", "NAME", "-j", image], capture_output=True, text=True).stdout
        for device in listed.split():
            subprocess.run(["losetup", "-d", device], check=False)
    if not os.path.ismount(f"{directory}/root"):
        shutil.rmtree(directory, ignore_errors=True)


def remove_cgroup(path):
    """Removes a cgroup and all below it; the kernel needs a moment to forget killed processes."""
    deadline = time.monotonic() + 5
    while os.path.isdir(path) and time.monotonic() < deadline:
        for below, _, _ in os.walk(path, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(below)
        if os.path.isdir(path):
            time.sleep(0.02)


def exit_on_signals():
    """SIGINT, SIGTERM and SIGHUP end the program through its `finally` blocks."""
    def leave(number, _frame):
        signal.signal(number, signal.SIG_IGN)
        sys.exit(128 + number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


LIVE = []  # hosts not yet stopped, for atexit


@atexit.register
def stop_all():
    while LIVE:
        LIVE[-1].stop()


# ---- waiting ---------------------------------------------------------------------------------

def wait_for(predicate, timeout, what, interval=0.05):
    """The first true value of predicate(); AssertionError naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what} (last: {value!r})")
        time.sleep(interval)


# ---- the host --------------------------------------------------------------------------------

class Host:
    """One booted test host. Not thread-safe. Use as a context manager, or call start() and stop()."""

    numbers = itertools.count(1)
    slower = 1  # how many times as long things may take inside

    def __init__(self, name="host", tree="base"):
        self.name = name
        self.tree = tree
        self.leader = None       # pid of the host's PID 1, as this machine sees it
        self.address = None      # set by join()
        self.boot_seconds = None
        self._nspawn = None
        self._directory = os.path.join(scratch_base(), f"{PREFIX}{os.getpid()}-{next(self.numbers)}-{name}")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, timeout=30):
        """Boots and returns when systemd says that start-up is complete."""
        begin = time.monotonic()
        tree = ensure_tree(self.tree)
        for part in ("upper", "work", "root"):
            os.makedirs(f"{self._directory}/{part}")
        os.chmod(f"{self._directory}/upper", 0o755)  # it becomes the host's "/", whatever our umask
        with open(f"{self._directory}/owner", "w", encoding="utf-8") as f:
            f.write(process_start(os.getpid()))
        LIVE.append(self)
        try:
            command(["mount", "-t", "overlay", "overlay", "-o", overlay_options(tree, self._directory), self._root()])
            for mount in cgroup_mounts():
                os.mkdir(f"{mount}/{os.path.basename(self._directory)}")
            self._launch()
            self.leader = wait_for(self._find_leader, timeout, f"{self.name}: PID 1 started", 0.01)
            wait_for(lambda: self.run("systemctl is-system-running --wait", check=False).stdout.strip()
                     in ("running", "degraded"), timeout, f"{self.name}: booted")
        except BaseException:
            self.stop()
            raise
        self.boot_seconds = time.monotonic() - begin

    @property
    def machine(self):
        """The host's name on this machine; a control group of that name that it makes is removed with it."""
        return os.path.basename(self._directory)

    def _root(self):
        return f"{self._directory}/root"

    def _cgroups(self, below=""):
        return [f"{mount}/{os.path.basename(self._directory)}{below}" for mount in cgroup_mounts()]

    def _enter(self, below=""):
        """For a child about to exec: moves it into the host's own cgroups, and into its own session."""
        for path in self._cgroups(below):
            with open(f"{path}/cgroup.procs", "w", encoding="utf-8") as f:
                f.write("0")

    def _launch(self):
        """Each host has a cgroup of its own: nspawn --keep-unit makes "payload" below where it is started."""
        with open(f"{self._directory}/console.log", "wb") as console:
            self._nspawn = subprocess.Popen(
                ["systemd-nspawn", "-q", "-M", os.path.basename(self._directory)[:64], f"--hostname={self.name}",
                 "-D", self._root(), "-b", "--register=no", "--keep-unit", "--capability=all",
                 f"--system-call-filter={CAPS_FILTER}", "--private-network", "--resolv-conf=off", "--console=pipe"],
                env={**CLEAN_ENV, "UNIFIED_CGROUP_HIERARCHY": "1"}, stdin=subprocess.DEVNULL, stdout=console,
                stderr=console, preexec_fn=self._enter, start_new_session=True)

    def _find_leader(self):
        if self._nspawn.poll() is not None:
            with open(f"{self._directory}/console.log", encoding="utf-8", errors="replace") as f:
                raise RuntimeError(f"systemd-nspawn ended with {self._nspawn.returncode}: {f.read()[-2000:]}")
        pid = self._nspawn.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            children = f.read().split()
        for child in children:
            with contextlib.suppress(OSError):
                # Ready to be entered once it is systemd itself in the cgroup that nspawn gave it.
                with open(f"/proc/{child}/comm", encoding="ascii") as f:
                    if f.read().strip() == "systemd":
                        for path in self._cgroups("/payload"):
                            os.makedirs(f"{path}/harness", exist_ok=True)
                        return int(child)
        return None

    def stop(self):
        """Ends the host at once and removes every trace of it. Does nothing the second time."""
        if self not in LIVE:
            return
        LIVE.remove(self)
        with contextlib.suppress(Exception):  # counts that are lost fail no test
            coverage.fetch(self, f"{self._directory}/upper")
        remove_host_traces(self._directory)
        if self._nspawn is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._nspawn.wait(5)
            if self._nspawn.poll() is None:
                self._nspawn.kill()
                self._nspawn.wait()
        self.leader = None

    def power_cut(self):
        """Kills the host as a power failure would, keeps its disk; boot() brings it back."""
        with open(f"{self._cgroups()[0]}/cgroup.kill", "w", encoding="utf-8") as f:
            f.write("1")
        self._nspawn.wait(10)
        for path in self._cgroups("/payload"):
            remove_cgroup(path)
        with open(f"{self._cgroups()[0]}/cgroup.freeze", "w", encoding="utf-8") as f:
            f.write("0")

    def freeze(self):
        """Stops every process of the host in one moment; power_cut() ends it."""
        with open(f"{self._cgroups()[0]}/cgroup.freeze", "w", encoding="utf-8") as f:
            f.write("1")
        wait_for(lambda: "frozen 1" in open(f"{self._cgroups()[0]}/cgroup.events", encoding="utf-8").read(), 10,
                 f"{self.name}: frozen", 0.005)

    def shutdown(self, timeout=100):
        """Orderly shutdown (units are stopped), keeps its disk; boot() brings it back."""
        self.run("systemctl poweroff", check=False)
        self._nspawn.wait(timeout)
        for path in self._cgroups("/payload"):
            remove_cgroup(path)

    def boot(self, timeout=30):
        """Boots again after power_cut() or shutdown(). Network links and loop mounts are gone."""
        self._launch()
        self.leader = wait_for(self._find_leader, timeout, f"{self.name}: PID 1 started", 0.01)
        wait_for(lambda: self.run("systemctl is-system-running --wait", check=False).stdout.strip()
                 in ("running", "degraded"), timeout, f"{self.name}: booted")

    # ---- commands and files ----

    def popen(self, argv, **kwargs):
        """Starts a command inside: a list, or a string for sh. Clean environment, cwd /, own cgroup."""
        if isinstance(argv, str):
            argv = ["sh", "-c", argv]
        environment = [f"{key}={value}" for key, value in {**CLEAN_ENV, **coverage.ENVIRONMENT}.items()]
        return subprocess.Popen(["nsenter", "-t", str(self.leader), "-a", "--wd=" + f"/proc/{self.leader}/root",
                                 "env", "-i", *environment, *argv],
                                preexec_fn=lambda: self._enter("/payload/harness"), start_new_session=True, **kwargs)

    def run(self, argv, check=True, input=None, timeout=60, text=True):
        """Runs a command inside and returns the CompletedProcess; AssertionError with its output if it fails."""
        process = self.popen(argv, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text)
        try:
            out, err = process.communicate(input, timeout)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()  # not communicate(): a service that systemd-run started still holds the pipes
            raise
        finally:
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        if check and process.returncode != 0:
            said = out + err if text else err.decode(errors="replace")  # bytes are for programs
            raise AssertionError(f"{self.name}: {argv!r} ended with {process.returncode}\n{said}")
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def out(self, argv, **kwargs):
        """Standard output of a command that must succeed, without the last line end."""
        return self.run(argv, **kwargs).stdout.rstrip("\n")

    def write(self, path, content, mode=None):
        """Makes or replaces a file inside; parent directories are made."""
        data = content.encode() if isinstance(content, str) else content
        self.run(["sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "sh", path], input=data, text=False)
        if mode is not None:
            self.run(["chmod", f"{mode:o}", path])

    def read(self, path):
        return self.run(["cat", path]).stdout

    def push(self, source, path):
        """Copies a file of this machine into the host, mode included."""
        with open(source, "rb") as f:
            self.write(path, f.read(), os.stat(source).st_mode & 0o7777)

    def pull(self, path, target):
        """Copies a file or directory out of the host, to target/<its name>. A file may grow meanwhile."""
        tar = self.run(["tar", "-C", os.path.dirname(path) or "/", "-cf", "-", os.path.basename(path)], check=False, text=False)
        if tar.returncode not in (0, 1):  # 1: a file changed while it was read
            raise AssertionError(f"{self.name}: no copy of {path}: {tar.stderr.decode(errors='replace')}")
        os.makedirs(target, exist_ok=True)
        subprocess.run(["tar", "-C", target, "-xf", "-"], input=tar.stdout, check=True)

    def install(self, *packages):
        """Installs Debian packages from files of this machine. What they depend on is in the tree."""
        coverage.prepare(self)
        inside = []
        for package in packages:
            inside.append("/var/tmp/" + os.path.basename(package))
            self.push(package, inside[-1])
        return self.out(["dpkg", "--install", *inside], timeout=120)

    # ---- looking ----

    def show(self, unit):
        """Properties of a unit, as `systemctl show` has them."""
        lines = self.out(["systemctl", "show", unit]).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def journal(self, *arguments):
        """Journal entries as dictionaries, oldest first; arguments go to journalctl ("-u", "nginx")."""
        lines = self.out(["journalctl", "--no-pager", "-q", "-o", "json", *arguments]).splitlines()
        return [json.loads(line) for line in lines]

    def is_active(self, unit):
        return self.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0

    def collect(self, directory):
        """Writes what explains a failure to a directory of this machine. Never fails itself."""
        os.makedirs(directory, exist_ok=True)
        sources = {
            "journal.txt": "journalctl --no-pager -o short-precise",
            "units.txt": "systemctl --failed --no-pager; systemctl status --no-pager --full 'hostmedic*'; "
                         "systemctl list-units --no-pager --all",
            "processes.txt": "ps -eo pid,ppid,user,stat,rss,etimes,args --forest",
            "disks.txt": "df -h; df -i; mount",
            "network.txt": "ip address; ss -lntup",
            "hostmedic-status.json": "hostmedic status --json",
            "hostmedic-incidents.json": "hostmedic incidents --json",
            "hostmedic-doctor.txt": "hostmedic doctor",
        }
        for name, script in sources.items():
            with contextlib.suppress(Exception):
                done = self.run(script + " 2>&1", check=False, timeout=15)
                with open(f"{directory}/{self.name}-{name}", "w", encoding="utf-8") as f:
                    f.write(done.stdout)
        for path in ("/var/lib/hostmedic", "/var/lib/hostmedic-aggregator", "/etc/hostmedic"):
            with contextlib.suppress(Exception):
                if self.run(["test", "-d", path], check=False).returncode == 0:
                    self.pull(path, f"{directory}/{self.name}-files")
        with contextlib.suppress(OSError):
            shutil.copy(f"{self._directory}/console.log", f"{directory}/{self.name}-console.log")

    # ---- real faults ----

    def kill_unit(self, unit, signal_name="KILL", whom="main"):
        """Sends a signal to a unit's main process (or whom="all"). Returns time.time() just before."""
        at = time.time()
        self.run(["systemctl", "kill", f"--kill-who={whom}", f"--signal={signal_name}", unit])
        return at

    def filesystem(self, path, megabytes, kind="ext4"):
        """Mounts a new file system of its own at path. Returns its kind: "tmpfs" where loop devices are not to
        be had. xfs wants at least 300 MB."""
        self.run(["mkdir", "-p", path])
        if kind == "tmpfs" or not self._loop_mount(path, megabytes, kind):
            self.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path])
            return "tmpfs"
        return kind

    def _loop_mount(self, path, megabytes, kind):
        image = f"{self._directory}/{len(glob.glob(self._directory + '/*.img'))}.img"
        with open(image, "wb") as f:
            f.truncate(megabytes << 20)
        command([f"mkfs.{kind}", "-q", *(["-m", "0"] if kind == "ext4" else []), image])
        made = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True)
        if made.returncode != 0:
            return False
        device = made.stdout.strip()
        minor = os.minor(os.stat(device).st_rdev)
        return self.run(f"[ -b {device} ] || mknod {device} b 7 {minor}; mount {device} {path}",
                        check=False).returncode == 0

    def usage(self, path):
        """Used share of a file system, 0 to 1, as df counts it (root's reserve is not free)."""
        used, free = (int(n) for n in self.out(f"df --output=used,avail -B1 {path} | tail -n 1").split())
        return used / (used + free)

    def fill(self, path, ratio, file="ballast"):
        """Fills the file system at path up to a used share with one file. Returns the bytes it took."""
        used, free = (int(n) for n in self.out(f"df --output=used,avail -B1 {path} | tail -n 1").split())
        need = int((used + free) * ratio) - used
        if need > 0:
            self.run(["fallocate", "--length", str(need), f"{path}/{file}"])
        return max(need, 0)

    def log_writer(self, path, bytes_per_second, unit="runaway.service", line_bytes=200):
        """Starts a unit that appends numbered lines to a file at a rate, as a program with its log open does.

        A line is its number, a space and padding. On a full disk it waits and goes on where it stopped, so a
        gap in the numbers is a loss that somebody else caused. SIGHUP makes it open the path again.
        """
        self.write("/usr/local/bin/hm-log-writer", LOG_WRITER, 0o755)
        self.run(["systemd-run", "--quiet", f"--unit={unit}", "-p", "Restart=no",
                  "/usr/local/bin/hm-log-writer", path, str(bytes_per_second), str(line_bytes)])


LOG_WRITER = r'''#!/usr/bin/python3
import os, signal, sys, time
path, rate, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def reopen(*_):
    global fd
    old, fd = fd, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    if old >= 0: os.close(old)
fd = -1
reopen()
signal.signal(signal.SIGHUP, reopen)
number, begin, sent = 1, time.monotonic(), 0
while True:
    due = int((time.monotonic() - begin) * rate) - sent
    lines = min(due // width, 20000)
    if lines <= 0:
        time.sleep(0.02)
        continue
    data = b"".join((b"%010d " % n).ljust(width - 1, b".") + b"\n" for n in range(number, number + lines))
    number += lines
    sent += len(data)
    while data:
        try:
            data = data[os.write(fd, data):]
        except OSError:
            time.sleep(0.05)
'''


def command(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")


def join(hub, *others):
    """Puts hosts on one network: a bridge "lan0" in the first one, a veth "lan0" in each other.

    Addresses are 10.77.0.1, .2, ... in order, kept in host.address; names go to every /etc/hosts.
    All links live in the hosts' own network namespaces; the machine's is not touched.
    """
    hosts = [hub, *others]
    hub.run("ip link add lan0 type bridge && ip link set lan0 up")
    for number, host in enumerate(hosts, 1):
        host.address = f"10.77.0.{number}"
        if host is not hub:
            command(["ip", "link", "add", f"port{number}", "netns", str(hub.leader), "type", "veth",
                     "peer", "name", "lan0", "netns", str(host.leader)])
            hub.run(f"ip link set port{number} master lan0 up")
        host.run(f"ip address add {host.address}/24 dev lan0 && ip link set lan0 up")
    names = "".join(f"{host.address} {host.name}\n" for host in hosts)
    for host in hosts:
        host.run("cat >>/etc/hosts", input=names)


# ---- options of a test -----------------------------------------------------------------------

def options(hosts=("host",), tree="base", packages=(), timeout=120):
    """Decorator of a host test: names of the hosts it is given, their tree, the Hostmedic packages that are
    installed in each before it starts, and its time limit in seconds."""
    def mark(function):
        function.host_options = {"hosts": hosts, "tree": tree, "packages": packages, "timeout": timeout}
        return function
    return mark


def package_files(names):
    """The built .deb of each name; Skip while the project has no packaging, else a missing one is an error."""
    files = []
    for name in names:
        found = glob.glob(os.path.join(REPO, PACKAGES, f"{name}_*.deb"))
        if not found and not os.path.isdir(os.path.join(REPO, "packaging", "debian")):
            raise Skip("there is no packaging/debian yet")
        if len(found) != 1:
            raise AssertionError(f"{PACKAGES} has {len(found)} packages named {name}; run ./dev package")
        files.append(found[0])
    return files


def main():
    """testhost.py [TREE]: builds the root tree if it is missing, or says why there can be no test host."""
    reason = why_not()
    if reason:
        print(f"no test hosts here: {reason}")
    else:
        ensure_tree(sys.argv[1] if len(sys.argv) > 1 else "base", say=lambda text: print(text, flush=True))


if __name__ == "__main__":
    exit_on_signals()
    main()
