#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the cells of faults.py, each on a fresh host, and prints fault x component -> outcome.

Each cell runs in a process of its own. What a failed one printed, and what its host knew, is in build/crash/<cell>/.
Exit status: 0 if none failed. --write puts the table into SECURITY.md, from a run of the whole matrix only.
"""
import argparse
import concurrent.futures
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
ARTIFACTS = os.path.join(REPO, "build", "crash")
sys.path[:0] = [HERE, os.path.join(REPO, "tests", "support")]
import children  # noqa: E402  pylint: disable=wrong-import-position
import faults  # noqa: E402  pylint: disable=wrong-import-position
import story  # noqa: E402  pylint: disable=wrong-import-position
import table  # noqa: E402  pylint: disable=wrong-import-position
import testhost  # noqa: E402  pylint: disable=wrong-import-position

CELL_SECONDS = 600


def directory_of(fault, component):
    return os.path.join(ARTIFACTS, f"{fault}-{component}".replace(" ", "-").replace("/", "-"))


# ---- in the process of one cell --------------------------------------------------------------

def run_one(fault, component, seed):
    """Prints one line of JSON: the outcome and what was noted."""
    testhost.exit_on_signals()
    cell = faults.FAULTS[fault][component]

    def too_late(*_):
        raise TimeoutError(f"the story did not end within {CELL_SECONDS} s")
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(CELL_SECONDS)
    with testhost.Host("crash") as host:
        try:
            host.install(*testhost.package_files(story.PACKAGES))
            notes = story.play(host, component, cell, seed)
            result = {"outcome": table.outcome(cell, notes), "notes": notes}
        except Exception as error:  # whatever it was: the cell failed
            traceback.print_exc()
            signal.alarm(90)
            host.collect(directory_of(fault, component))
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            result = {"outcome": table.FAILED + text}
        signal.alarm(0)
    print(json.dumps(result), flush=True)


# ---- in the runner ---------------------------------------------------------------------------

def run_child(fault, component, seed):
    directory = directory_of(fault, component)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    begin = time.monotonic()
    with open(f"{directory}/output.txt", "w", encoding="utf-8") as output:
        status, out = children.run([sys.executable, os.path.abspath(__file__), "--child", fault, component, "--seed", str(seed)],
                                   stdout=subprocess.PIPE, stderr=output, text=True)
    last = out.splitlines()[-1] if out.strip() else ""
    result = json.loads(last) if last.startswith("{") else {"outcome": f"{table.FAILED}ended with {status}"}
    return {"fault": fault, "component": component, "seed": seed, "seconds": round(time.monotonic() - begin, 1), **result}


def wanted(only, component):
    return [(fault, name) for fault, row in faults.FAULTS.items() for name, cell in row.items()
            if not isinstance(cell, str) and any(part in fault for part in only.split(",")) and component in ("", name)]


def run_all(cells, jobs, seed):
    results = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        pending = [pool.submit(run_child, fault, component, seed) for fault, component in cells]
        for done in concurrent.futures.as_completed(pending):
            result = done.result()
            results.append(result)
            print(f"{result['fault']} x {result['component']}: {result['outcome']}  ({result['seconds']} s)", flush=True)
            if result.get("notes", {}).get("line"):
                print("     " + result["notes"]["line"][:200], flush=True)
    return results


def with_earlier(results, paths):
    """And what earlier runs found of the other cells, the last of them that ran it."""
    found = {}
    for path in paths:
        with open(path, encoding="utf-8") as f:
            found.update({(result["fault"], result["component"]): result for result in json.load(f)})
    found.update({(result["fault"], result["component"]): result for result in results})
    return [found[cell] for cell in wanted("", "") if cell in found]


def count(path, passed, failed, skipped):
    if path:
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"{passed} {failed} {skipped}\n")


def main():
    parser = argparse.ArgumentParser(prog="./dev crash", description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="FAULT", default="", help="only faults whose name contains this; several with commas")
    parser.add_argument("--component", default="", choices=["", *faults.COMPONENTS])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--json", metavar="OUT")
    parser.add_argument("--with", dest="earlier", metavar="JSON", action="append", default=[],
                        help="what an earlier run with --json found of the cells that are not run now")
    parser.add_argument("--write", action="store_true", help="rewrite the table in SECURITY.md")
    parser.add_argument("--counts", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        run_one(*arguments.child, arguments.seed)
        return
    reason = testhost.why_not()
    if reason:
        count(arguments.counts, 0, 0, len(wanted("", "")))
        sys.exit(f"no test hosts here: {reason}")
    children.end_with_me()
    testhost.ensure_tree("base", say=print)
    print(f"seed {arguments.seed}", flush=True)
    cells = wanted(arguments.only, arguments.component)
    results = with_earlier(run_all(cells, arguments.jobs, arguments.seed), arguments.earlier)
    failed = sum(result["outcome"].startswith(table.FAILED) for result in results)
    print("\n" + table.render(results))
    print(f"{len(results) - failed} of {len(results)} cells hold")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)
    count(arguments.counts, len(results) - failed, failed, 0)
    if arguments.write:
        if len(results) != len(wanted("", "")):
            sys.exit("--write wants the whole matrix")
        table.write(results)
    sys.exit(1 if failed or not results else 0)


if __name__ == "__main__":
    main()
