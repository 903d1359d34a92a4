#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the tests reached of the sources: a table per room, and of the rooms that act every line that nothing reached
and nobody explained (explained.py). Reads the counts that the programs of a coverage build left beside its objects,
and with --hosts those that came out of test hosts (tests/support/coverage.py).

Exit status 1 when a line of the rooms that act is neither reached nor explained; without --hosts these are only told,
since much of what acts can only be run in a host.
"""
import argparse
import collections
import concurrent.futures
import glob
import json
import os
import shutil
import subprocess
import sys

import explained

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ACTING = ("actions/", "agent/actuator/")
ROOMS = ("agent/", "detect/", "probes/", "actions/")


def room_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "agent" else parts[0]


def summed(directories, work):
    """One directory with the sum of all counts, made two by two; gcov-tool knows the format."""
    def merge(job):
        number, pair = job
        if len(pair) == 1:
            return pair[0]
        target = f"{work}/sum-{len(directories)}-{number}"
        subprocess.run(["gcov-tool", "merge", "-o", target, *pair], check=True, stderr=subprocess.DEVNULL)
        return target
    with concurrent.futures.ThreadPoolExecutor(4 * os.cpu_count()) as pool:
        while len(directories) > 1:
            pairs = [directories[at:at + 2] for at in range(0, len(directories), 2)]
            directories = list(pool.map(merge, enumerate(pairs)))
    return directories[0]


def counts_into(work, build, hosts):
    """Makes `work` hold the objects' notes (links) and the summed counts of the unit tests and of all hosts."""
    shutil.rmtree(work, ignore_errors=True)
    own, merged = f"{work}/own", f"{work}/counts"
    os.makedirs(own)
    copy = f"find . -name '*.gcda' -print0 | tar --null -T - -cf - | tar -xf - -C {own}"
    subprocess.run(copy, shell=True, cwd=build, check=True)
    of_hosts = sorted(glob.glob(f"{hosts}/*/coverage/*" + build) + glob.glob(f"{hosts}/*" + build)) if hosts else []
    shutil.copytree(summed(([own] if os.listdir(own) else []) + of_hosts, work), merged)
    for notes in (path for room in ROOMS for path in glob.glob(f"{build}/{room}**/*.gcno", recursive=True)):
        link = os.path.join(merged, os.path.relpath(notes, build))
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(notes, link)
    return merged, len(of_hosts)


def gcov(counts, notes):
    """What gcov says of some objects, one dictionary each."""
    done = subprocess.run(["gcov", "--json-format", "--stdout", *notes], cwd=counts, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def read_counts(counts, build):
    """{path: {line: count}} of our sources, whichever way a header was reached."""
    notes = sorted(glob.glob("**/*.gcno", root_dir=counts, recursive=True))
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for reports in pool.map(lambda some: gcov(counts, some), [notes[at:at + 8] for at in range(0, len(notes), 8)]):
            for file in (file for report in reports for file in report["files"]):
                path = os.path.relpath(os.path.realpath(os.path.join(build, file["file"])), REPO)
                if path.startswith(ROOMS):
                    for line in file["lines"]:
                        lines[path][line["line_number"]] += line["count"]
    for path, of in lines.items():
        text = text_of(path)
        for number in [number for number in of if text[number - 1].strip() in ("}", "};")]:
            del of[number]  # what an exception would leave by: there is nothing to reach
    return lines


def text_of(path):
    with open(os.path.join(REPO, path), encoding="utf-8") as f:
        return f.read().splitlines()


def write_pages(lines, work, target):
    """A page per source file: genhtml of lcov makes them from the counts."""
    with open(f"{work}/coverage.info", "w", encoding="utf-8") as f:
        for path, of in sorted(lines.items()):
            counts = "".join(f"DA:{number},{count}\n" for number, count in sorted(of.items()))
            f.write(f"SF:{REPO}/{path}\n{counts}end_of_record\n")
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["genhtml", "--quiet", "--prefix", REPO, "--output-directory", target, f.name], check=True)
    print(f"pages: {target}/index.html")


def table(lines, reasons):
    rooms = collections.defaultdict(lambda: [0, 0, 0])
    for path, of in lines.items():
        for name in {room_of(path), "all"}:
            rooms[name][0] += len(of)
            rooms[name][1] += sum(count > 0 for count in of.values())
            rooms[name][2] += sum(count == 0 and number in reasons[path] for number, count in of.items())
    print(f"{'room':18} {'lines':>7} {'covered':>8} {'%':>6} {'explained':>10}")
    for name in sorted(rooms, key=lambda room: (room == "all", room)):
        total, covered, told = rooms[name]
        print(f"{name:18} {total:7} {covered:8} {100 * covered / total:6.1f} {told:10}")


def ranges(numbers):
    """[3, 4, 5, 9] as "3-5, 9"."""
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in parts)


def judge(lines, reasons, show):
    """Prints what is open in the rooms that act, and marks that explain nothing; returns the number of open lines."""
    open_lines = 0
    for path in sorted(path for path in lines if path.startswith(ACTING)):
        missing = sorted(n for n, count in lines[path].items() if count == 0 and n not in reasons[path])
        open_lines += len(missing)
        if missing:
            print(f"not reached, not explained: {path}: {ranges(missing)}")
        for number in missing if show else []:
            print(f"    {number:4} {text_of(path)[number - 1]}")
        used = {mark for n, (mark, _) in reasons[path].items() if lines[path].get(n) == 0}
        for mark, reason in sorted(set(reasons[path].values())):
            if not reason:
                print(f"a mark without a reason: {path}:{mark}")
                open_lines += 1
            elif mark not in used:
                print(f"reached after all, its explanation can go: {path}:{mark} {reason}")
    return open_lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(REPO, "build", "coverage"))
    parser.add_argument("--hosts", metavar="DIR", help="what came out of the test hosts")
    parser.add_argument("--html", metavar="DIR")
    parser.add_argument("--lines", action="store_true", help="show the open lines themselves")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    work = build + "-counts"
    counts, programs = counts_into(work, build, options.hosts and os.path.abspath(options.hosts))
    lines = read_counts(counts, build)
    reasons = collections.defaultdict(dict)
    for path in lines:
        reasons[path] = explained.explained("\n".join(text_of(path)))
    table(lines, reasons)
    if options.hosts:
        print(f"summed with the counts of {programs} units in test hosts")
    if options.html:
        write_pages(lines, work, options.html)
    open_lines = judge(lines, reasons, options.lines)
    print(f"lines of what acts that are neither reached nor explained: {open_lines}")
    return 1 if open_lines and options.hosts else 0


if __name__ == "__main__":
    sys.exit(main())
