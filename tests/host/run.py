#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the host tests: every function test_* in tests/host/test_*.py, each with fresh test hosts.

Every test runs in a process of its own, one after the other unless --jobs says more. One line is printed
per test; what a failing test printed, and what its hosts knew, is in build/test-artifacts/<test>/.
Exit status: 0 if none failed. With --counts FILE the counts go there instead of to the last line.
"""
import argparse
import ast
import concurrent.futures
import glob
import importlib.util
import os
import shutil
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
ARTIFACTS = os.path.join(REPO, "build", "test-artifacts")
SKIPPED = 77
sys.path.insert(0, os.path.join(REPO, "tests", "support"))
import children  # noqa: E402
import medic  # noqa: E402
import testhost  # noqa: E402


def discover():
    """(file, test) of every test, in order of file and appearance."""
    found = []
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        with open(path, encoding="utf-8") as f:
            tree = ast.parse(f.read(), path)
        found += [(path, node.name) for node in tree.body
                  if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return found


def title(path, name):
    return os.path.basename(path)[len("test_"):-len(".py")] + "." + name[len("test_"):]


# ---- in the process of one test --------------------------------------------------------------

def load(path, name):
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def run_one(path, name):
    """Boots the hosts a test asks for, runs it, keeps what explains a failure. Returns the exit status."""
    testhost.exit_on_signals()
    function = load(path, name)
    if not hasattr(function, "host_options"):
        function = testhost.options()(function)
    wanted = function.host_options

    def too_late(*_):
        raise TimeoutError(f"the test did not end within {wanted['timeout']} s")
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(wanted["timeout"])
    hosts = []
    try:
        files = testhost.package_files(wanted["packages"])
        for host_name in wanted["hosts"]:
            host = testhost.Host(host_name, wanted["tree"])
            hosts.append(host)
            host.start()
            if files:
                host.install(*files)
        function(*hosts)
        for host in hosts:
            medic.replay_elsewhere(host, files)
        return 0
    except testhost.Skip as why:
        print(f"skipped: {why}")
        return SKIPPED
    except Exception:
        traceback.print_exc()
        signal.alarm(60)  # collecting must end too
        for host in hosts:
            if host.leader:
                host.collect(os.path.join(ARTIFACTS, title(path, name)))
        return 1
    finally:
        signal.alarm(0)
        for host in hosts:
            host.stop()


# ---- in the runner ---------------------------------------------------------------------------

def run_child(test):
    """Runs one test in a process; returns (outcome, seconds, output)."""
    path, name = test
    directory = os.path.join(ARTIFACTS, title(path, name))
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    begin = time.monotonic()
    with open(f"{directory}/output.txt", "w+", encoding="utf-8", errors="replace") as output:
        status, _ = children.run([sys.executable, os.path.abspath(__file__), "--child", path, name],
                                 stdout=output, stderr=output)
        output.seek(0)
        text = output.read()
    if status in (0, SKIPPED):
        shutil.rmtree(directory, ignore_errors=True)
    return {0: "passed", SKIPPED: "skipped"}.get(status, "failed"), time.monotonic() - begin, text


def report(test, outcome, seconds, text):
    word = {"passed": "ok  ", "skipped": "skip", "failed": "FAIL"}[outcome]
    reason = "  " + text.strip().splitlines()[-1] if outcome == "skipped" and text.strip() else ""
    print(f"{word} {title(*test)}  {seconds:.1f} s{reason}", flush=True)
    if outcome == "failed":
        for line in text.splitlines()[-40:]:
            print("     " + line)
        print(f"     more: {os.path.relpath(os.path.join(ARTIFACTS, title(*test)), REPO)}/", flush=True)


def run_all(tests, jobs):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        pending = {pool.submit(run_child, test): test for test in tests}
        for done in concurrent.futures.as_completed(pending):
            outcome, seconds, text = done.result()
            counts[outcome] += 1
            report(pending[done], outcome, seconds, text)
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="TEXT", action="append", help="only tests whose name contains TEXT, or one of several")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--counts", metavar="FILE")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        sys.exit(run_one(*arguments.child))
    tests = [test for test in discover() if any(text in title(*test) for text in arguments.only or [""])]
    if arguments.list:
        print("\n".join(title(*test) for test in tests))
        return
    reason = testhost.why_not()
    if reason:
        print(f"host tests skipped: {reason}")
        counts = {"passed": 0, "failed": 0, "skipped": len(tests)}
    else:
        children.end_with_me()
        begin = time.monotonic()
        testhost.ensure_tree("base", say=lambda text: print(text + " ...", flush=True))
        if time.monotonic() - begin > 1:
            print(f"root tree built: {time.monotonic() - begin:.1f} s", flush=True)
        counts = run_all(tests, arguments.jobs)
    if arguments.counts:
        with open(arguments.counts, "w", encoding="utf-8") as f:
            f.write(f"{counts['passed']} {counts['failed']} {counts['skipped']}\n")
    else:
        print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
