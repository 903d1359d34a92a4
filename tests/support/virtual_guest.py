#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs commands inside a virtual machine for who sits at the other end of its virtio ports, and is that end as well.

    virtual_guest.py serve              in the machine: a thread per port hmtest.N
    virtual_guest.py exec DIR ARGV...   outside: runs ARGV through the first free port DIR/port.N, as if it ran here

A port carries one command at a time, as JSON lines: {"id", "argv"} and {"id", "in": base64 or ""} go in (the empty one is
the end of input), {"id", "fd": 1 or 2, "data": base64} and {"id", "exit": status} come out. Who goes away ends its command.
"""
import base64
import fcntl
import glob
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

CHUNK = 32768
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "LANG": "C.UTF-8", "TERM": "dumb"}


def line(**record):
    return json.dumps(record).encode() + b"\n"


def encoded(data):
    return base64.b64encode(data).decode()


class Lines:
    """Records out of a byte stream; what is none (the rest of an older command) is passed over."""

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        *whole, self.rest = (self.rest + data).split(b"\n")
        for one in whole:
            try:
                record = json.loads(one)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data):]


# ---- in the machine ----

class Port:
    def __init__(self, path):
        self.fd, self.lines, self.lock = os.open(path, os.O_RDWR), Lines(), threading.Lock()
        self.process, self.id = None, None

    def serve(self):
        while True:
            try:
                data = os.read(self.fd, CHUNK)
            except OSError:
                data = b""
            if not data:  # nobody at the other end
                self.end()
                self.lines = Lines()
                time.sleep(0.04)
                continue
            for record in self.lines.feed(data):
                self.obey(record)

    def obey(self, record):
        if "argv" in record:
            self.end()
            self.begin(record["id"], record["argv"])
        elif "in" in record and self.process is not None and record["id"] == self.id:
            try:
                if record["in"]:
                    write_all(self.process.stdin.fileno(), base64.b64decode(record["in"]))
                else:
                    self.process.stdin.close()
            except (OSError, ValueError):
                pass  # it does not read any more

    def begin(self, ident, argv):
        self.id = ident
        try:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            env=ENVIRONMENT, cwd="/", start_new_session=True)
        except OSError as error:
            self.process = None
            self.say(ident, fd=2, data=encoded(f"{argv[0]}: {error.strerror}\n".encode()))
            self.say(ident, exit=127)
            return
        threading.Thread(target=self.carry, args=(self.process, ident), daemon=True).start()

    def carry(self, process, ident):
        """Output as it comes; when both pipes end, or a while after the end of the process (a service may hold them)."""
        pipes = {process.stdout.fileno(): 1, process.stderr.fileno(): 2}
        while pipes:
            ready = select.select(list(pipes), [], [], 0.2)[0]
            if not ready and process.poll() is not None:
                break
            for fd in ready:
                data = os.read(fd, CHUNK)
                if not data:
                    del pipes[fd]
                elif ident == self.id:
                    self.say(ident, fd=1 if fd == process.stdout.fileno() else 2, data=encoded(data))
        self.say(ident, exit=process.wait())
        process.stdout.close()
        process.stderr.close()

    def say(self, ident, **record):
        with self.lock:
            if ident == self.id:
                try:
                    write_all(self.fd, line(id=ident, **record))
                except OSError:
                    pass

    def end(self):
        process, self.process, self.id = self.process, None, None
        if process is not None and process.poll() is None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def serve():
    ports = []
    while not ports:
        ports = sorted(glob.glob("/dev/virtio-ports/hmtest.*"))
        time.sleep(0.1)
    threads = [threading.Thread(target=Port(path).serve) for path in ports]
    for thread in threads:
        thread.start()


# ---- outside ----

def free_port(directory):
    """A port of the machine that nobody uses, ours until we end."""
    while os.path.isdir(directory):
        for path in sorted(glob.glob(f"{directory}/port.*[0-9]")):
            lock = open(path + ".lock", "w", encoding="ascii")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            port = socket.socket(socket.AF_UNIX)
            port.connect(path)
            return port, lock
        time.sleep(0.02)
    sys.exit(f"{directory} is gone")


def execute(directory, argv):
    port, _lock = free_port(directory)
    ident, lines = f"{os.getpid()}-{time.monotonic_ns()}", Lines()
    port.sendall(b"\n" + line(id=ident, argv=argv))
    watched = [port.fileno(), 0]
    while True:
        ready = select.select(watched, [], [])[0]
        if 0 in ready:
            data = os.read(0, CHUNK)
            port.sendall(line(id=ident, **{"in": encoded(data)}))
            if not data:
                watched.remove(0)
        if port.fileno() not in ready:
            continue
        data = port.recv(1 << 20)
        if not data:
            return 255
        for record in lines.feed(data):
            if record.get("id") != ident:
                continue
            if "exit" in record:
                return record["exit"]
            write_all(record["fd"], base64.b64decode(record["data"]))


def main():
    if sys.argv[1] == "serve":
        serve()
        return 0
    status = execute(sys.argv[2], sys.argv[3:])
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
