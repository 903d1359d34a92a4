#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks 127.0.0.1:9000 and keeps a pool of connections. Words in /run/leaky.mode: leak=N forgets N connections a second,
which the peer closes; burst=N opens and closes N connections at once, once."""
import socket
import time

kept, pool, done = [], [], ""


def connect():
    connection = socket.create_connection(("127.0.0.1", 9000), 2)
    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
    return connection


while True:
    try:
        with open("/run/leaky.mode", encoding="utf-8") as f:
            mode = f.read().strip()
    except OSError:
        mode = ""
    name, _, count = mode.partition("=")
    try:
        if name == "leak":
            kept += [connect() for _ in range(max(1, int(count) // 5))]
        elif name == "burst" and mode != done:
            for _ in range(int(count)):
                connect().close()
        elif name == "pool" and mode != done:
            pool = [connect() for _ in range(int(count))]  # the peer closes them all, and nobody asks again soon
        elif not mode:
            with connect() as one:
                one.recv(64)
    except OSError as error:
        print("cannot connect:", error, flush=True)
    done = mode
    time.sleep(0.2)
