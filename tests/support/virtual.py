# SPDX-License-Identifier: Apache-2.0
"""Virtual machines as test hosts: the distribution's own kernel, a clock of its own, every controller in cgroup v2.

For what a test host of testhost.py cannot show. Software emulation: a boot takes about a minute, and all inside is
twenty to fifty times slower, so a test here proves what happens and says little of how fast it is.

The root disk is an ext4 image of the tree "machine", made once beside the trees without mounting anything; each machine
writes to a temporary file over it. Commands go through virtio ports to virtual_guest.py inside. No network but loopback.
"""
import fcntl
import os
import shutil
import subprocess
import sys
import time

import testhost
from testhost import Host, ensure_tree, process_start, wait_for

QEMU = "qemu-system-x86_64"
GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "virtual_guest.py")
IMAGE_SIZE = "6G"  # sparse
MEMORY_MIB = 1536
PORTS = 6          # commands at once

# Starts before anything is judged as booted, and outlives the order to isolate another target.
SERVICE = """[Unit]
Description=Commands of the test
DefaultDependencies=no
After=systemd-udevd.service
[Service]
ExecStart=/usr/bin/python3 -u /usr/local/lib/hmtest/virtual_guest.py serve
Restart=always
[Install]
WantedBy=sysinit.target
"""


def why_not():
    """None if a virtual machine can be run here, otherwise the reason in words."""
    for tool in (QEMU, "mke2fs", "systemctl"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    return None


def image_of(tree):
    """The image of a tree, with the service that runs commands inside; made when it is missing or older."""
    image, newest = tree + ".ext4", os.stat(GUEST).st_mtime
    with open(image + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(image) or os.stat(image).st_mtime < newest:
            place = f"{tree}/usr/local/lib/hmtest"
            os.makedirs(place, exist_ok=True)
            shutil.copy(GUEST, place)
            with open(f"{tree}/etc/systemd/system/hmtest-command.service", "w", encoding="utf-8") as f:
                f.write(SERVICE)
            testhost.command(["systemctl", "--quiet", f"--root={tree}", "enable", "hmtest-command.service"])
            partial = image + ".partial"
            if os.path.exists(partial):
                os.unlink(partial)
            testhost.command(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", tree, partial, IMAGE_SIZE])
            os.rename(partial, image)
    return image


class VirtualHost(Host):
    """One booted virtual machine, with the interface of Host as far as it makes sense: no leader, links or loop mounts."""

    slower = 4

    def __init__(self, name="machine", tree="machine"):
        super().__init__(name, tree)
        self._machine = None

    def start(self, timeout=400):
        begin = time.monotonic()
        image = image_of(ensure_tree(self.tree, say=print))
        os.makedirs(self._directory)
        with open(f"{self._directory}/owner", "w", encoding="utf-8") as f:
            f.write(process_start(os.getpid()))
        testhost.LIVE.append(self)
        try:
            self._boot(image)
            wait_for(self._answers, timeout, f"{self.name}: answers", 1)
            self.run(["hostname", self.name])
            wait_for(lambda: self.run("systemctl is-system-running --wait", check=False, timeout=timeout).stdout.strip()
                     in ("running", "degraded"), timeout, f"{self.name}: booted", 1)
        except BaseException:
            self.stop()
            raise
        self.boot_seconds = time.monotonic() - begin

    def _boot(self, image):
        tree = testhost.tree_path(self.tree)
        ports = [part for i in range(PORTS) for part in (
            "-chardev", f"socket,id=port{i},path={self._directory}/port.{i},server=on,wait=off",
            "-device", f"virtserialport,chardev=port{i},name=hmtest.{i}")]
        self._machine = subprocess.Popen(
            [QEMU, "-accel", "tcg", "-cpu", "Nehalem", "-M", "q35", "-smp", "1", "-m", str(MEMORY_MIB), "-nodefaults",
             "-display", "none", "-nic", "none", "-serial", f"file:{self._directory}/console.log", "-no-reboot",
             "-kernel", f"{tree}/vmlinuz", "-initrd", f"{tree}/initrd.img",
             "-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet",
             "-drive", f"file={image},format=raw,if=virtio,snapshot=on", "-device", "virtio-serial-pci", *ports],
            env={**testhost.CLEAN_ENV, "TMPDIR": self._directory}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True)
        with open(f"{self._directory}/machine", "w", encoding="utf-8") as f:  # for who cleans up after us
            f.write(f"{self._machine.pid} {process_start(self._machine.pid)}")

    def _answers(self):
        if self._machine.poll() is not None:
            raise RuntimeError(f"{QEMU} ended with {self._machine.returncode}: {self._machine.stderr.read().decode()[-2000:]}")
        try:
            return super().run(["true"], check=False, timeout=20).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def stop(self):
        """Ends the machine at once and removes every trace of it. Does nothing the second time."""
        if self not in testhost.LIVE:
            return
        testhost.LIVE.remove(self)
        testhost.remove_host_traces(self._directory)
        if self._machine is not None:
            self._machine.wait()
            self._machine.stderr.close()

    def popen(self, argv, **kwargs):
        """Starts a command inside: a list, or a string for sh. Clean environment, cwd /."""
        if isinstance(argv, str):
            argv = ["sh", "-c", argv]
        return subprocess.Popen([sys.executable, "-IS", GUEST, "exec", self._directory, *argv],
                                start_new_session=True, **kwargs)

    def run(self, argv, check=True, input=None, timeout=60, text=True):
        return super().run(argv, check, input, timeout * self.slower, text)
