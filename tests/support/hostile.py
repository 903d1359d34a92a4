# SPDX-License-Identifier: Apache-2.0
"""What a program tries that was taken over: run inside a unit's sandbox, or outside to see what an attempt is worth.

One line per attempt, "NAME yes" if it did what it should not, "NAME no: why" otherwise. It puts back what it changed.
x86_64 numbers of system calls where libc has no name for them.
"""
import ctypes
import errno
import os
import socket
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
PERSONALITY_ASK, ADDR_NO_RANDOMIZE = 0xffffffff, 0x0040000
PTRACE_SEIZE, CLONE_NEWNS, CLONE_NEWUSER = 0x4206, 0x00020000, 0x10000000
SYS = {"bpf": 321, "finit_module": 313, "perf_event_open": 298, "process_vm_readv": 310, "adjtimex": 159, "iopl": 172}
PROT_RWX, MAP_PRIVATE_ANON = 7, 0x22


def call(function, *arguments):
    """The result of a libc function or a numbered system call; OSError as Python's own."""
    result = getattr(LIBC, function)(*arguments) if function not in SYS else LIBC.syscall(SYS[function], *arguments)
    if result in (-1, 0xffffffff):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def writes(path):
    def attempt():
        there = os.path.exists(path)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        if not there:
            os.unlink(path)
    return attempt


def opens(path, flags=os.O_RDONLY):
    return lambda: os.close(os.open(path, flags))


def talks(family, kind=socket.SOCK_STREAM, protocol=0):
    return lambda: socket.socket(family, kind, protocol).close()


def connects():
    """To the web server of the host."""
    socket.create_connection(("127.0.0.1", 80), 1).close()


def other():
    """A process of another, unprivileged user."""
    with open("/run/hostile.pid", encoding="utf-8") as f:
        return int(f.read())


def forks(attempt):
    """In a child: what cannot be put back. The child's errno is its exit status."""
    def parent():
        child = os.fork()
        if child == 0:
            try:
                attempt()
                os._exit(0)
            except OSError as err:
                os._exit(err.errno)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status != 0:
            raise OSError(status if status > 0 else errno.EPERM, os.strerror(status) if status > 0 else "killed")
    return parent


def loads_module():
    # A descriptor that is none: with the right to load modules the kernel would say so, without it EPERM.
    try:
        call("finit_module", -1, b"", 0)
    except OSError as err:
        if err.errno == errno.EPERM:
            raise


def sets_clock():
    modes = ctypes.create_string_buffer(b"\x04\0\0\0".ljust(208, b"\0"))  # ADJ_MAXERROR
    call("adjtimex", modes)


def makes_map():
    map_of_one = ctypes.create_string_buffer(b"".join(n.to_bytes(4, "little") for n in (2, 4, 8, 1)).ljust(72, b"\0"))
    os.close(call("bpf", 0, map_of_one, 72))


def sets_personality():
    was = call("personality", PERSONALITY_ASK)
    call("personality", was | ADDR_NO_RANDOMIZE)
    call("personality", was)


def writable_code():
    LIBC.mmap.restype = ctypes.c_long
    if LIBC.mmap(None, ctypes.c_size_t(4096), PROT_RWX, MAP_PRIVATE_ANON, -1, ctypes.c_long(0)) == -1:
        raise OSError(ctypes.get_errno(), "mmap")


def setuid_file():
    path = os.path.join(STATE or "/var/tmp", "hostile-setuid")
    writes(path)()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.fchmod(fd, 0o4755)
    finally:
        os.close(fd)
        os.unlink(path)


def enters_host():
    """The host's own mounts, by way of PID 1."""
    fd = os.open("/proc/1/ns/mnt", os.O_RDONLY)
    call("setns", fd, 0)


STATE = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
ATTEMPTS = {
    "write_etc": writes("/etc/hostile"), "write_usr": writes("/usr/lib/hostile"), "write_var": writes("/var/lib/hostile"),
    "write_tmp": writes("/var/tmp/hostile-seen"), "write_state": writes((STATE or "/nowhere") + "/hostile"),
    "write_policy": opens("/etc/hostmedic/policy.toml", os.O_WRONLY),
    "write_ledger": writes("/var/lib/hostmedic-actuator/hostile"),
    "write_sysctl": opens("/proc/sys/net/ipv4/ip_forward", os.O_WRONLY),
    "write_cgroup": opens("/sys/fs/cgroup/system.slice/cgroup.procs", os.O_WRONLY),
    "write_memory": lambda: opens(f"/proc/{other()}/mem", os.O_WRONLY)(),
    "read_memory": lambda: opens(f"/proc/{other()}/mem")(),
    "read_environment": lambda: open(f"/proc/{other()}/environ", encoding="utf-8").read(),
    "see_others": lambda: os.stat(f"/proc/{other()}"),
    "read_root": lambda: os.listdir("/root/."), "read_home": lambda: open("/home/hostile/secret", encoding="utf-8").read(),
    "read_shadow": opens("/etc/shadow"), "read_kmsg": opens("/dev/kmsg"), "read_mem": opens("/dev/mem"),
    "read_stat": opens("/proc/stat"),
    "socket_unix": talks(socket.AF_UNIX), "socket_inet": talks(socket.AF_INET), "socket_inet6": talks(socket.AF_INET6),
    "socket_netlink": talks(socket.AF_NETLINK, socket.SOCK_RAW), "socket_packet": talks(socket.AF_PACKET, socket.SOCK_RAW, 0x300),
    "socket_raw": talks(socket.AF_INET, socket.SOCK_RAW, 1), "connect_inet": connects,
    "ptrace": forks(lambda: call("ptrace", PTRACE_SEIZE, other(), None, None)),
    "signal_others": lambda: os.kill(other(), 0),
    "mount": forks(lambda: call("mount", b"tmpfs", b"/mnt", b"tmpfs", 0, None)),
    "chroot": forks(lambda: os.chroot("/mnt")), "enter_host": forks(enters_host),
    "new_namespace": forks(lambda: call("unshare", CLONE_NEWNS)), "new_user": forks(lambda: call("unshare", CLONE_NEWUSER)),
    "load_module": loads_module, "bpf": makes_map, "set_clock": sets_clock, "kernel_log": lambda: call("klogctl", 10, None, 0),
    "set_name": lambda: socket.sethostname(socket.gethostname()), "io_ports": forks(lambda: call("iopl", 3)),
    "personality": sets_personality, "writable_code": writable_code, "setuid_file": setuid_file,
    "setuid": forks(lambda: os.setresuid(4242, 4242, 4242)), "nice": forks(lambda: os.setpriority(os.PRIO_PROCESS, 0, -5)),
    "realtime": forks(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))),
    "change_owner": forks(lambda: os.chown("/var/tmp/hostile-file", 0, 0)),
}


def main():
    for name, attempt in ATTEMPTS.items():
        try:
            attempt()
            print(name, "yes")
        except Exception as err:  # whatever keeps it from it
            print(f"{name} no: {err}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
