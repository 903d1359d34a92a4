# SPDX-License-Identifier: Apache-2.0
"""Processes that a runner starts from its threads, and that a signal to the runner ends."""
import os
import signal
import subprocess

RUNNING = set()


def run(argv, **options):
    """(exit status, what was written to a pipe) of a process that has ended."""
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **options)
    RUNNING.add(child)
    out, _ = child.communicate()
    RUNNING.discard(child)
    return child.returncode, out


def _stop(number, _frame):
    for child in list(RUNNING):
        child.terminate()
    for child in list(RUNNING):
        child.wait()
    os._exit(128 + number)


def end_with_me():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
