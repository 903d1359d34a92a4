#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the unit tests of the pure libraries under Valgrind's memcheck: what AddressSanitizer does not see is reading
memory that nobody set. Built without sanitizers. Fails on any error and on any block that is definitely lost.

slow.txt beside this file names the cases that are left out, and why; they run under the sanitizers all the same.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# Program and, of a program that is only pure in parts, the files whose cases count.
PROGRAMS = {
    "unit_base": "*", "unit_detect": "*", "unit_actions": "*", "unit_config": "*", "unit_record": "*",
    "unit_recorder": "*", "unit_score": "*", "unit_probes": "*/probes/parse/*",
}
MOST_SECONDS = 600  # of one program
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite", "--track-origins=no", "--num-callers=20"]
CASES = re.compile(r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped")


def left_out():
    """program -> its cases that are left out."""
    cases = {}
    with open(os.path.join(HERE, "slow.txt"), encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                program, case, _why = (part.strip() for part in line.split("|"))
                cases.setdefault(program, []).append(case)
    return cases


def run(program, directory, slow):
    # In doctest's patterns a comma separates and a star stands for anything.
    filters = [f"-sf={PROGRAMS[program]}", "-tce=" + ",".join(case.replace(",", "*") for case in slow)]
    begin = time.monotonic()
    try:
        ended = subprocess.run([*VALGRIND, os.path.join(directory, program), *filters], capture_output=True, text=True,
                               timeout=MOST_SECONDS, check=False)
        output, status = ended.stdout + ended.stderr, ended.returncode
    except subprocess.TimeoutExpired as late:
        output, status = (late.stdout or b"").decode(errors="replace"), f"not ended after {MOST_SECONDS} s"
    found = CASES.search(output)
    return {"program": program, "seconds": round(time.monotonic() - begin), "status": status, "output": output,
            "passed": int(found[2]) if found else 0, "failed": int(found[3]) if found else 0}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="where the unit tests were built")
    parser.add_argument("--only", choices=PROGRAMS, nargs="*", default=list(PROGRAMS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--counts", help="write 'passed failed skipped' there")
    args = parser.parse_args()
    slow, bad, passed = left_out(), 0, 0
    print(f"{'program':<16}{'cases':>7}{'left out':>10}{'errors':>8}{'seconds':>9}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        jobs = [pool.submit(run, program, args.directory, slow.get(program, [])) for program in args.only]
        for done in concurrent.futures.as_completed(jobs):
            row = done.result()
            wrong = row["status"] != 0 or row["passed"] == 0
            bad += wrong
            passed += row["passed"]
            print(f"{row['program']:<16}{row['passed']:>7}{len(slow.get(row['program'], [])):>10}"
                  f"{row['status'] if wrong else 0:>8}{row['seconds']:>9}", flush=True)
            if wrong:
                print(row["output"][-4000:])
    skipped = sum(len(slow.get(program, [])) for program in args.only)
    if args.counts:
        with open(args.counts, "w", encoding="utf-8") as out:
            out.write(f"{passed} {bad} {skipped}\n")
    print(f"{passed} cases under memcheck, {skipped} left out, {bad} programs with errors")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
