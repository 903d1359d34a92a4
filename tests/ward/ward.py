#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ward: real faults on real hosts, and what Hostmedic and other tools do about them.

    ward.py [--only PATTERN] [--repeat N] [--against monit,netdata] [--twins only|none] [--json OUT] [--html OUT]

Each trial boots a fresh test host, installs one tool, waits for health, injects one fault of tests/faults (or its healthy
twin), and watches with an observer of its own. Exit status 1: a wrong action, or a trial that could not be judged.
"""
import argparse
import concurrent.futures
import fnmatch
import json
import os
import platform
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support")]
import fault as faults_of  # noqa: E402
import report  # noqa: E402
import table  # noqa: E402
import testhost  # noqa: E402
import virtual  # noqa: E402
from contender import CONTENDERS, Hostmedic  # noqa: E402
from trial import Trial  # noqa: E402

OUT = os.path.join(testhost.REPO, "build", "ward")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="PATTERN", default="*", help="faults whose name fits; several with commas")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--against", default="", help="monit,netdata: measured too, each on hosts of its own")
    parser.add_argument("--alone", action="store_true", help="only those of --against")
    parser.add_argument("--twins", choices=("with", "none", "only"), default="with")
    parser.add_argument("--ring", choices=faults_of.RINGS, default="host", help="machine: all in virtual machines, which take "
                        "minutes for each trial; without it what needs one is not here")
    parser.add_argument("--jobs", type=int, default=1, help="quiet hosts at once")
    parser.add_argument("--record", metavar="DIR", help="keep the recording of each fault's incident there")
    parser.add_argument("--json", default=os.path.join(OUT, "result.json"))
    parser.add_argument("--html", default=os.path.join(OUT, "report.html"))
    parser.add_argument("--join", nargs="*", default=[], metavar="JSON", help="add the results of earlier runs to the table")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def planned(faults, options, kinds):
    trials = []
    for repeat in range(options.repeat):
        for fault in faults:
            if not options.alone and options.twins != "only":
                trials.append((fault, False, Hostmedic, repeat))
            if not options.alone and options.twins != "none" and repeat == 0:
                trials.append((fault, True, Hostmedic, repeat))
            for kind in (kind for kind in kinds if kind.covers(fault)):
                if options.twins != "only":
                    trials.append((fault, False, kind, repeat))
                if options.twins != "none" and repeat == 0:
                    trials.append((fault, True, kind, repeat))
    return trials


def one_line(result):
    name = f"{result['fault']}{' twin' if result['twin'] else ''}"
    text = f"{name:<34} {result['against']:<10} {result['outcome']:<8}"
    if result["outcome"] in ("noticed", "missed"):
        text += (f" noticed {table.seconds(result['noticed']):>7}  healed "
                 f"{'before harm' if result['prevented'] and result['noticed'] is not None else table.seconds(result['healed']):>11}  "
                 f"{result['notice'] or 'others: ' + ', '.join(result['others'])}")
    did = ", ".join(f"{a['action']} at {a['at']:.1f} s" for a in result.get("actions", []))
    text += f"  [{did}]" if did else ""
    if result.get("wrong"):
        text += "  WRONG: " + ", ".join(f"{a['action']} on {a['target']}" for a in result["wrong"])
    if result["outcome"] == "twin" and result["first_notice"]:
        text += "  told: " + ", ".join(result["others"] or [result["first_notice"]])
    if result["outcome"] in ("broken", "not here"):
        text += " " + result["notes"][-1]
    return text


def saying(fault, twin, kind, options):
    """Tells at a terminal what goes on, on a line that the result replaces."""
    if options.jobs > 1 or not sys.stdout.isatty():
        return lambda text: None
    return lambda text: print(f"\r\033[K    {fault.name}{' twin' if twin else ''} {kind.name}: {text} ...", end="", flush=True)


def run(trials, options):
    """The records of all trials: the quiet ones several at once, then each loud one by itself."""
    results = []
    loud = [trial for trial in trials if trial[0].loud]
    for some, jobs in (([trial for trial in trials if not trial[0].loud], options.jobs), (loud, 1)):
        pool = concurrent.futures.ThreadPoolExecutor(jobs)
        try:
            for done in concurrent.futures.as_completed([pool.submit(Trial(*trial, saying(*trial[:3], options)).run) for trial in some]):
                results.append(done.result())
                clear = "\r\033[K" if sys.stdout.isatty() else ""
                print(f"{clear}{len(results):>3}/{len(trials)} {one_line(results[-1])}", flush=True)
                with open(options.json, "w", encoding="utf-8") as f:
                    json.dump(results, f)
        finally:
            pool.shutdown(cancel_futures=True)  # who interrupts waits for the hosts that run, not for all
    return results


def show(faults, results, options):
    covers = lambda fault, peer: any(kind.name == peer and kind.covers(fault) for group in CONTENDERS.values() for kind in group)
    seen = {result["fault"] for result in results}
    faults = [fault for fault in faults if fault.name in seen]
    rows = [table.row_of(fault, results, covers) for fault in faults]
    peers = [peer for peer in table.PEERS if any(result["against"] == peer for result in results)]
    bar, slower = table.bar(faults, rows), table.slower_than_peers(faults, results)
    setup = f"{len(results)} trials on {platform.system()} {platform.release()}, {os.cpu_count()} CPUs"
    print("\n" + table.markdown(rows, peers) + "\n")
    for holds, text in bar:
        print(("ok    " if holds else "SHORT ") + text)
    for text in table.wrong_of_peers(faults, results):
        print("peer  " + text)
    for text in slower:
        print("SHORT " + text)
    for row in rows:
        if row["notes"]:
            print("note  " + row["notes"])
    report.write(options.html, faults, rows, results, bar, slower, setup)
    print(f"\n{setup}; report: {os.path.relpath(options.html)}; all of it: {os.path.relpath(options.json)}")


def main():
    options = arguments()
    try:
        faults = [faults_of.load(name) for name in faults_of.names()
                  if any(fnmatch.fnmatch(name, pattern) for pattern in options.only.split(","))]
    except faults_of.Wrong as wrong:
        sys.exit(f"ward: {wrong}")
    for fault in faults if options.ring == "machine" else ():
        fault.keys["ring"] = options.ring
    Trial.machines = options.ring == "machine"
    if options.list:
        for fault in faults:
            print(f"{fault.name:<28} {fault.title}{' (in a virtual machine)' if fault.ring == 'machine' else ''}")
        return 0
    unknown = [name for name in options.against.split(",") if name and name not in CONTENDERS]
    if unknown:
        sys.exit(f"ward: --against knows monit and netdata, not {', '.join(unknown)}")
    kinds = [kind for name in options.against.split(",") if name for kind in CONTENDERS[name]]
    reason = testhost.why_not()
    if reason:
        print(f"the ward is closed: {reason}")
        return 0
    testhost.exit_on_signals()
    for path in (options.json, options.html):
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    if options.record:
        os.makedirs(options.record, exist_ok=True)
        Trial.keep = options.record
    if any(fault.ring == "host" for fault in faults):
        testhost.ensure_tree("ward", say=print)
    if Trial.machines and not virtual.why_not():
        testhost.ensure_tree("machine", say=print)
    results = run(planned(faults, options, kinds), options)
    for path in options.join:
        with open(path, encoding="utf-8") as f:
            results += json.load(f)
    show(faults, results, options)
    return 1 if any(r["outcome"] == "broken" or (r.get("wrong") and r["against"] == "hostmedic") for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
