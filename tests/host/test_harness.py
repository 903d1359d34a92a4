# SPDX-License-Identifier: Apache-2.0
"""The test hosts themselves: that they are what testhost.py says they are, and that they leave nothing behind."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import testhost
from testhost import Host, Skip, join, options, wait_for

BPF_PROBE = r'''
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
MAP_CREATE, PROG_LOAD, RAW_TRACEPOINT_OPEN, RINGBUF, TRACING, TRACE_RAW_TP = 0, 5, 17, 27, 26, 23
def bpf(what, command, attributes, size):
    fd = libc.syscall(321, command, ctypes.create_string_buffer(attributes.ljust(size, b"\0"), size), size)
    print(what, "ok" if fd >= 0 else os.strerror(ctypes.get_errno()))
    return fd
program = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xb7, 0, 0, 0, 0x95, 0, 0, 0))  # return 0
licence = ctypes.create_string_buffer(b"GPL")
fd = bpf("load", PROG_LOAD, struct.pack("<IIQQIIQII16sIIIIQIIQII", TRACING, 2, ctypes.addressof(program),
         ctypes.addressof(licence), 0, 0, 0, 0, 0, b"hm", 0, TRACE_RAW_TP, 0, 0, 0, 0, 0, 0, 0, int(sys.argv[1])), 160)
if fd >= 0:
    bpf("attach", RAW_TRACEPOINT_OPEN, struct.pack("<QII", 0, fd, 0), 16)
bpf("ringbuf", MAP_CREATE, struct.pack("<IIII", RINGBUF, 0, 0, 4096), 16)
'''

FALLOCATE = r'''
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o644)
os.write(fd, b"x" * 1048576)
for name, mode in (("punch", 3), ("collapse", 8)):
    if libc.fallocate(fd, mode, 0, 65536) == 0:
        print(name)
'''


def as_service(host, command, *properties, user="nobody", check=True, text_in=None):
    """Runs a command as a transient service inside, with unit properties."""
    argv = ["systemd-run", "--quiet", "--pipe", "--wait", f"--uid={user}"]
    for name in properties:
        argv += ["-p", name]
    return host.run(argv + command, check=check, input=text_in)


def test_boots(host):
    assert host.out("systemctl is-system-running") == "running", host.out("systemctl --failed")
    assert host.out("cat /proc/1/comm") == "systemd"
    assert host.out("hostname") == "host"
    assert host.boot_seconds < 10, host.boot_seconds
    assert host.out("pwd; env | sort").splitlines()[0] == "/"


def test_has_cgroup_v2_only_with_pressure(host):
    assert host.out("stat -f -c %T /sys/fs/cgroup") == "cgroup2fs"
    assert not re.search(r" cgroup rw", host.read("/proc/mounts").replace("cgroup2", ""))
    for file in ("cpu.pressure", "memory.pressure", "io.pressure", "cpu.stat", "cgroup.freeze", "cgroup.events"):
        assert host.read(f"/sys/fs/cgroup/system.slice/nginx.service/{file}") != ""
    host.run("test -e /sys/fs/cgroup/system.slice/nginx.service/cgroup.kill")
    assert "some avg10=" in host.read("/proc/pressure/cpu")


def test_nginx_is_a_real_service(host):
    assert host.out("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/") == "200"
    host.kill_unit("nginx.service", "KILL")
    wait_for(lambda: host.show("nginx.service")["ActiveState"] == "failed", 5, "nginx failed")
    assert any("Main process exited" in e["MESSAGE"] for e in host.journal("-u", "nginx.service"))
    host.run("systemctl restart nginx")
    assert host.is_active("nginx.service")


@options(hosts=("hub", "left", "right"))
def test_joined_hosts_talk(hub, left, right):
    join(hub, left, right)
    for host in (hub, left):
        assert host.out("curl -s -o /dev/null -w '%{http_code}' http://right/") == "200"
    right.run("ip link set lan0 down")
    assert left.run("curl -s -m 1 http://10.77.0.3/", check=False).returncode != 0
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert "lan0" not in links and "port2" not in links, "the machine itself has the hosts' links"


@options(hosts=("one", "two"))
def test_hosts_are_isolated(one, two):
    one.write("/etc/only-here", "x")
    assert two.run("test -e /etc/only-here", check=False).returncode != 0
    assert not os.path.exists(testhost.tree_path("base") + "/etc/only-here")
    assert one.out("cat /etc/machine-id") != two.out("cat /etc/machine-id")
    assert "127.0.0.1" in one.out("ip -o address show lo") and len(one.out("ip -o link").splitlines()) == 1


def test_files_come_and_go(host):
    data = bytes(range(256)) * 5000
    with tempfile.TemporaryDirectory() as here:
        with open(f"{here}/blob", "wb") as f:
            f.write(data)
        os.chmod(f"{here}/blob", 0o750)
        host.push(f"{here}/blob", "/opt/deep/down/blob")
        assert host.out("stat -c '%a %s' /opt/deep/down/blob") == f"750 {len(data)}"
        host.pull("/opt/deep", f"{here}/back")
        with open(f"{here}/back/deep/down/blob", "rb") as f:
            assert f.read() == data


def test_installs_a_package(host):
    with tempfile.TemporaryDirectory() as here:
        os.makedirs(f"{here}/p/DEBIAN")
        os.makedirs(f"{here}/p/usr/bin")
        with open(f"{here}/p/DEBIAN/control", "w", encoding="utf-8") as f:
            f.write("Package: hm-try\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n")
        with open(f"{here}/p/usr/bin/hm-try", "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\necho here\n")
        os.chmod(f"{here}/p/usr/bin/hm-try", 0o755)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", f"{here}/p", f"{here}/hm-try.deb"], check=True,
                       capture_output=True)
        host.install(f"{here}/hm-try.deb")
    assert host.out("hm-try") == "here"


def test_comes_back_after_a_power_cut(host):
    host.write("/var/lib/kept", "kept")
    before = host.out("cat /proc/sys/kernel/random/boot_id")
    host.run("sync")
    host.power_cut()
    host.boot()
    assert host.read("/var/lib/kept") == "kept"
    assert host.out("cat /proc/sys/kernel/random/boot_id") != before
    host.shutdown()
    host.boot()
    assert host.is_active("nginx.service")


# ---- nothing stays ---------------------------------------------------------------------------

def traces(name):
    """Everything on this machine that carries a host's name."""
    found = [path for mount in testhost.cgroup_mounts() for path in [f"{mount}/{name}"] if os.path.exists(path)]
    scratch = os.path.join(testhost.scratch_base(), name)
    found += [scratch] if os.path.exists(scratch) else []
    with open("/proc/self/mounts", encoding="utf-8") as f:
        found += [line for line in f if name in line]
    found += [line for line in subprocess.run(["losetup", "-a"], capture_output=True, text=True).stdout.splitlines()
              if name in line]
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return found + [line for line in processes if name in line and "nspawn" in line]


OTHER_OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
import testhost
testhost.exit_on_signals()
with testhost.Host("orphan") as host:
    host.filesystem("/srv/full", 16)
    print(host._directory, flush=True)
    time.sleep(60)
"""


def start_other_owner():
    owner = subprocess.Popen([sys.executable, "-c", OTHER_OWNER, os.path.dirname(testhost.__file__)],
                             stdout=subprocess.PIPE, text=True)
    return owner, os.path.basename(owner.stdout.readline().strip())


@options(hosts=())
def test_leaves_nothing_after_stop_or_exception():
    try:
        with Host("gone") as host:
            name = os.path.basename(host._directory)
            host.filesystem("/srv/full", 16)
            assert len(traces(name)) >= 4
            raise KeyError("as a test would")
    except KeyError:
        pass
    assert traces(name) == []


@options(hosts=())
def test_leaves_nothing_after_sigterm():
    owner, name = start_other_owner()
    assert traces(name)
    owner.send_signal(signal.SIGTERM)
    owner.wait(20)
    assert traces(name) == []


@options(hosts=())
def test_cleans_after_a_killed_owner_only():
    killed, dead_name = start_other_owner()
    alive, live_name = start_other_owner()
    try:
        killed.kill()
        killed.wait()
        testhost.clean_leftovers()
        assert traces(dead_name) == []
        assert len(traces(live_name)) >= 4
    finally:
        alive.terminate()
        alive.wait(20)
    assert traces(live_name) == []


def test_collects_what_explains_a_failure(host):
    with tempfile.TemporaryDirectory() as here:
        host.write("/var/lib/hostmedic/note", "evidence")
        host.collect(here)
        with open(f"{here}/host-journal.txt", encoding="utf-8") as f:
            assert "Startup finished" in f.read()
        with open(f"{here}/host-files/hostmedic/note", encoding="utf-8") as f:
            assert f.read() == "evidence"


# ---- faults ----------------------------------------------------------------------------------

def test_log_writer_writes_every_line_at_its_rate(host):
    kind = host.filesystem("/srv/log", 64)
    host.log_writer("/srv/log/app.log", 20_000_000)
    size = wait_for(lambda: int(host.out("stat -c %s /srv/log/app.log 2>/dev/null || echo 0")), 5, "first lines")
    begin = time.monotonic()
    time.sleep(1)
    rate = (int(host.out("stat -c %s /srv/log/app.log")) - size) / (time.monotonic() - begin)
    assert 14e6 < rate < 26e6, f"{rate:.0f} bytes/s on {kind}"
    wait_for(lambda: host.usage("/srv/log") > 0.98, 30, "the file system is full")
    assert host.is_active("runaway.service"), "the writer survives a full disk"
    host.run("head -c 30000000 /srv/log/app.log >/var/tmp/head.log; : >/srv/log/app.log")
    wait_for(lambda: int(host.out("stat -c %s /srv/log/app.log")) > 0, 5, "the writer goes on")
    host.run("systemctl stop runaway.service")
    assert host.out("awk '$1 != NR {print NR; exit 1}' /var/tmp/head.log | head -1; head -c 10 /var/tmp/head.log") \
        == "0000000001"


def test_fills_file_systems(host):
    for path, kind in (("/srv/a", "ext4"), ("/srv/b", "xfs"), ("/srv/c", "tmpfs")):
        host.filesystem(path, 320, kind)
        host.fill(path, 0.9)
        assert abs(host.usage(path) - 0.9) < 0.01, (path, host.usage(path))


# ---- facts others build on -------------------------------------------------------------------

def test_units_freeze_over_dbus(host):
    call = "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager "
    host.run(call + "FreezeUnit s nginx.service")
    assert "frozen 1" in host.read("/sys/fs/cgroup/system.slice/nginx.service/cgroup.events")
    assert host.run("curl -s -m 1 http://127.0.0.1/", check=False).returncode != 0
    host.run(call + "ThawUnit s nginx.service")
    assert host.run("curl -s -m 1 http://127.0.0.1/", check=False).returncode == 0


def test_bpf_loads_with_two_capabilities_only(host):
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        raise Skip("the kernel has no BTF")
    dump = subprocess.run(["bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"], capture_output=True,
                          text=True, check=True).stdout
    type_id = re.search(r"^\[(\d+)\] TYPEDEF 'btf_trace_sched_process_exec'", dump, re.M)[1]
    caps = "CAP_BPF CAP_PERFMON"
    with_caps = as_service(host, ["python3", "-", type_id], f"AmbientCapabilities={caps}",
                           f"CapabilityBoundingSet={caps}", "NoNewPrivileges=yes",
                           "SystemCallFilter=@system-service bpf perf_event_open", text_in=BPF_PROBE).stdout
    assert with_caps == "load ok\nattach ok\nringbuf ok\n", with_caps
    without = as_service(host, ["python3", "-", type_id], text_in=BPF_PROBE).stdout
    assert without == "load Operation not permitted\nringbuf Operation not permitted\n", without


def test_others_are_read_with_two_capabilities(host):
    script = ["sh", "-c", "p=$$(cat /run/nginx.pid); cat /proc/$$p/io && readlink /proc/$$p/exe /proc/$$p/fd/1"]
    caps = "CAP_SYS_PTRACE CAP_DAC_READ_SEARCH"
    assert "/usr/sbin/nginx" in as_service(host, script, f"AmbientCapabilities={caps}").stdout
    assert as_service(host, script, check=False).returncode != 0


def test_root_without_capabilities_restarts_units(host):
    before = host.show("nginx.service")["MainPID"]
    as_service(host, ["systemctl", "restart", "nginx.service"], "CapabilityBoundingSet=", "NoNewPrivileges=yes",
               "RestrictAddressFamilies=AF_UNIX", "PrivateNetwork=yes", "ProtectSystem=strict", user="root")
    assert host.show("nginx.service")["MainPID"] != before
    assert as_service(host, ["systemctl", "restart", "nginx.service"], check=False).returncode != 0


def test_sandbox_options_take_effect(host):
    def refused(script, *properties, user="root"):
        assert as_service(host, ["sh", "-c", script], user=user).returncode == 0, f"{script} fails by itself"
        assert as_service(host, ["sh", "-c", script], *properties, user=user, check=False).returncode != 0, properties

    refused("touch /etc/x", "ProtectSystem=strict")
    refused("curl -s -m 1 http://127.0.0.1/", "PrivateNetwork=yes")
    refused("curl -s -m 1 http://127.0.0.1/", "IPAddressDeny=any")
    refused("curl -s -m 1 http://127.0.0.1/", "RestrictAddressFamilies=AF_UNIX")
    refused("echo 1 >/proc/sys/net/ipv4/ip_forward", "ProtectKernelTunables=yes")
    refused("unshare --mount true", "RestrictNamespaces=yes")
    refused("mkdir /var/tmp/d$$$$", "SystemCallFilter=~mkdir mkdirat")
    refused("cat /root/.bashrc", "ProtectHome=yes")
    key = as_service(host, ["sh", "-c", "cat $$CREDENTIALS_DIRECTORY/key"], "LoadCredential=key:/etc/shadow").stdout
    assert "\nroot:" in key, "an ordinary user reads the credential that root owns"
    state = as_service(host, ["sh", "-c", "stat -c %U $$STATE_DIRECTORY; echo $$STATE_DIRECTORY"],
                       "StateDirectory=hm-try").stdout
    assert state == "nobody\n/var/lib/hm-try\n", state
    host.write("/usr/lib/sysusers.d/hm-try.conf", 'u hm-try - "try" /\n')
    host.run("systemd-sysusers")
    assert host.run("getent passwd hm-try").returncode == 0


def test_file_ranges_can_be_removed(host):
    expected = {"ext4": ["punch", "collapse"], "xfs": ["punch", "collapse"], "tmpfs": ["punch"]}
    for kind, can in expected.items():
        if host.filesystem(f"/srv/{kind}", 320, kind) != kind:
            raise Skip("no loop devices here")
        assert host.out(["python3", "-", f"/srv/{kind}/file"], input=FALLOCATE).split() == can, kind
