#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A shop: a small HTTP service as people write them, that misbehaves when told so. Modes are words in the file
$SHOP_MODE (default /run/shop.mode), looked at five times a second:

    hang          accepts, never answers        errors     answers 500, and logs why
    slow=SECONDS  waits before it answers       log=TEXT   writes that line 20 times a second to stderr
    memory=MIB    keeps so much more a second   files=N    opens N files a second and forgets them
    threads=N     starts N threads a second     children=N starts N children a second and never asks for them
    spin=N        N threads that only compute   upstream=HOST:PORT  each request asks there first, 502 if that fails

    shop.py PORT
"""
import http.server
import os
import socket
import subprocess
import sys
import threading
import time

MODE = os.environ.get("SHOP_MODE", "/run/shop.mode")
mode, kept = {}, []


def read_mode():
    try:
        with open(MODE, encoding="utf-8") as f:
            return dict((word + "=1").split("=")[:2] for word in f.read().split())
    except OSError:
        return {}


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        while "hang" in mode:
            time.sleep(0.1)
        time.sleep(float(mode.get("slow", 0)))
        status = 200
        if "errors" in mode:
            print("ERROR cannot read the catalogue: internal state is inconsistent", file=sys.stderr, flush=True)
            status = 500
        if "upstream" in mode:
            status = self.ask(mode["upstream"])
        text = b"ok\n" if status == 200 else b"sorry\n"
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def ask(self, address):
        host, _, port = address.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), 2) as upstream:
                upstream.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return 200 if b" 200 " in upstream.recv(64) else 502
        except OSError:
            return 502

    def log_message(self, *_):
        pass


def spin():
    while "spin" in mode:
        for _ in range(100000):
            pass


def misbehave():
    global mode
    spinning = False
    while True:
        mode = read_mode()
        kept.append(bytearray(b"x") * int(float(mode.get("memory", 0)) * 0.2 * 1048576))
        for _ in range(max(1, int(mode["files"]) // 5) if "files" in mode else 0):
            try:
                kept.append(open(os.devnull, encoding="utf-8"))
            except OSError:
                break
        for _ in range(int(mode.get("threads", 0)) // 5):
            threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
        for _ in range(int(mode.get("children", 0)) // 5):
            kept.append(subprocess.Popen(["/bin/true"]))
        if "log" in mode:
            for _ in range(4):
                print(mode["log"].replace("_", " "), file=sys.stderr, flush=True)
        if "spin" in mode and not spinning:
            # Processes, not threads: an interpreter computes with one thread at a time.
            for _ in range(int(mode["spin"])):
                if os.fork() == 0:
                    while "spin" in read_mode():
                        for _ in range(3000000):
                            pass
                    os._exit(0)
        spinning = "spin" in mode
        kept[:] = [thing for thing in kept if thing]
        time.sleep(0.2)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    threading.Thread(target=misbehave, daemon=True).start()
    Server(("0.0.0.0", int(sys.argv[1])), Page).serve_forever()


if __name__ == "__main__":
    main()
