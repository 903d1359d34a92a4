#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzzers of the fuzz build: each for so many CPU seconds, several at once, at the lowest priority.

One line for each: inputs tried, how many a second, edges and features covered, findings, the slowest input. All of it is
written to build/fuzz.json too, beside what earlier runs wrote there of other fuzzers. A crash, a leak, a time-out or too much memory is a finding: the file that shows it and
the command that shows it again are printed, and the exit status is 1. What a run learned stays in build/fuzz-corpus;
--keep puts the best of it into tests/fuzz/corpus, which the ordinary tests replay.
"""
import argparse
import concurrent.futures
import fnmatch
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(REPO, "build/fuzz")
CORPUS = os.path.join(REPO, "build/fuzz-corpus")    # grows from run to run
KEPT = os.path.join(REPO, "tests/fuzz/corpus")      # in the repository
FINDINGS = os.path.join(REPO, "build/fuzz-findings")

MOST_INPUT = 65536       # bytes
MOST_MEMORY = 1024       # MiB, of one fuzzer
LONGEST_INPUT = 10       # CPU seconds that one input may take
MOST_WAITING = 20        # times CPU seconds, by the clock: for who waits more than computes, or a busy machine
MOST_KEPT = 40           # files of one fuzzer in the repository
MOST_KEPT_BYTES = 40960  # of them together: 2 MB for 50 fuzzers
# Real inputs, beside those that a fuzzer defines and those that are kept.
REAL = {
    "config": ["packaging/etc/*.toml"],
    "policy": ["packaging/etc/policy.toml"],
    "runbook": ["packaging/runbooks/*.toml", "packaging/examples/*.toml"],
    "recording_file": ["tests/scenarios/service-killed.hmrec", "tests/scenarios/09-inodes.hmrec"],
    "script": ["packaging/sql/*"],
}
# What the sanitizers are told: nothing may be left, a huge request is refused as the system would refuse it.
ENVIRONMENT = {"ASAN_OPTIONS": "allocator_may_return_null=1:detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}


def fuzzers(patterns):
    found = {os.path.basename(path)[len("fuzz_"):]: path for path in glob.glob(f"{BUILD}/tests/fuzz_*")
             if os.access(path, os.X_OK) and os.path.isfile(path)}
    return {name: found[name] for name in sorted(found)
            if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)}


def seed_directories(name, program, scratch):
    defined = os.path.join(scratch, "seeds-" + name)
    os.makedirs(defined)
    subprocess.run([program], env={**os.environ, "HM_FUZZ_SEEDS": defined}, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True, timeout=60)
    for pattern in REAL.get(name, []):
        for path in glob.glob(os.path.join(REPO, pattern)):
            shutil.copy(path, os.path.join(defined, "real-" + os.path.basename(path)))
    kept = os.path.join(KEPT, name)
    return [defined] + ([kept] if os.path.isdir(kept) else [])


def number(pattern, text, kind=int):
    found = re.findall(pattern, text)
    return kind(found[-1]) if found else kind(0)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_for(seconds, command, environment, log):
    """The program's status and the CPU seconds that it took; after `seconds` of them it is asked to end. Zero: it ends by itself."""
    used, asked = 0.0, False
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT) as process:
        while process.poll() is None:
            time.sleep(0.2)
            used = cpu_seconds(process.pid)  # one that ended just now is not waited for yet: it still has its line
            if seconds and used >= seconds and not asked:
                process.send_signal(signal.SIGUSR1)  # libFuzzer ends after the input at hand
                asked = True
    return process.returncode, used


def too_slow(program, path):
    """By its CPU seconds: libFuzzer goes by the clock, and tells of inputs in which the fuzzer waited or was paused."""
    return subprocess.run(["prlimit", f"--cpu={LONGEST_INPUT}", program, path], env={**os.environ, **ENVIRONMENT},
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode != 0


def row_of(name, seconds, output, status, artifacts):
    return {
        "fuzzer": name, "seconds": round(seconds), "inputs": number(r"number_of_executed_units: (\d+)", output),
        "per_second": number(r"average_exec_per_sec:\s+(\d+)", output), "edges": number(r"\bcov: (\d+)", output),
        "features": number(r"\bft: (\d+)", output), "kept": number(r"\bcorp: (\d+)", output),
        "slowest_seconds": number(r"slowest_unit_time_sec:\s+(\d+)", output),
        "memory_mib": number(r"peak_rss_mb:\s+(\d+)", output), "status": status, "findings": artifacts,
    }


def fuzz(name, program, seconds, scratch):
    """One fuzzer for so long; zero seconds: only over what is kept."""
    corpus, prefix = os.path.join(CORPUS, name), os.path.join(FINDINGS, name + "-")
    work = os.path.join(scratch, "work-" + name)
    for directory in (corpus, FINDINGS, work):
        os.makedirs(directory, exist_ok=True)
    known = set(glob.glob(prefix + "*"))
    command = [program, f"-artifact_prefix={prefix}", f"-timeout={MOST_WAITING * LONGEST_INPUT}", f"-rss_limit_mb={MOST_MEMORY}",
               f"-max_len={MOST_INPUT}", "-print_final_stats=1", "-report_slow_units=2", "-use_value_profile=0"]
    dictionary = os.path.join(REPO, "tests/fuzz/words", name + ".dict")
    if os.path.exists(dictionary):
        command.append("-dict=" + dictionary)
    command.append(f"-max_total_time={MOST_WAITING * seconds}" if seconds else "-runs=0")
    with open(os.path.join(CORPUS, name + ".log"), "w+", encoding="utf-8", errors="replace") as log:
        status, used = run_for(seconds, ["nice", "-n", "19", *command, corpus, *seed_directories(name, program, scratch)],
                               {**os.environ, **ENVIRONMENT, "TMPDIR": work}, log)
        log.seek(0)
        output = log.read()
    shutil.rmtree(work, ignore_errors=True)
    # An input that was only somewhat slow is told in its column; it is no finding.
    found = sorted(path for path in set(glob.glob(prefix + "*")) - known if "slow-unit" not in path or too_slow(program, path))
    return row_of(name, used, output, status, found)


def keep(name, program, scratch):
    """The smallest inputs that together reach what the corpus reaches, as far as the repository has room."""
    merged, kept = os.path.join(scratch, "merged-" + name), os.path.join(KEPT, name)
    os.makedirs(merged)
    os.makedirs(kept, exist_ok=True)
    subprocess.run([program, "-merge=1", "-max_len=8192", merged, kept, os.path.join(CORPUS, name),
                    seed_directories(name, program, scratch)[0]], env={**os.environ, "TMPDIR": scratch},
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    named = [path for path in os.listdir(kept) if re.fullmatch(r"[0-9a-f]{40}", path) is None]  # of a mended fault: stays
    size = sum(os.path.getsize(os.path.join(kept, path)) for path in named)
    for path in set(os.listdir(kept)) - set(named):
        os.remove(os.path.join(kept, path))
    count = len(named)
    for path in sorted((os.path.join(merged, path) for path in os.listdir(merged)), key=os.path.getsize):
        size += os.path.getsize(path)
        if count >= MOST_KEPT or size > MOST_KEPT_BYTES:
            break
        shutil.copy(path, kept)
        count += 1
    print(f"{name}: {count} inputs kept")


HEAD = f"{'fuzzer':<18}{'seconds':>8}{'inputs':>12}{'a second':>10}{'edges':>7}{'features':>9}{'findings':>9}{'slowest':>9}"


def line_of(row):
    findings = len(row["findings"]) or ("died" if row["status"] else 0)
    return (f"{row['fuzzer']:<18}{row['seconds']:>8}{row['inputs']:>12}{row['per_second']:>10}{row['edges']:>7}"
            f"{row['features']:>9}{findings:>9}{row['slowest_seconds']:>7} s")


def tell(row, programs):
    print(line_of(row), flush=True)
    for path in row["findings"]:
        print(f"  {os.path.relpath(path, REPO)}: again with {os.path.relpath(programs[row['fuzzer']], REPO)} "
              f"{os.path.relpath(path, REPO)}")
    if row["status"] and not row["findings"]:
        print(f"  ended with {row['status']}: {os.path.relpath(CORPUS, REPO)}/{row['fuzzer']}.log")


def write(path, rows):
    told = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            told = {row["fuzzer"]: row for row in json.load(file)}
    told.update({row["fuzzer"]: row for row in rows})
    with open(path, "w", encoding="utf-8") as out:
        json.dump([told[name] for name in sorted(told)], out, indent=1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=int, default=600, help="CPU seconds of each")
    parser.add_argument("--only", action="append", metavar="NAME", help="fuzzers of this name (a pattern); may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--replay", action="store_true", help="only over what is kept; nothing new is tried")
    parser.add_argument("--keep", action="store_true", help="afterwards put the best inputs into tests/fuzz/corpus")
    parser.add_argument("--json", default=os.path.join(REPO, "build/fuzz.json"))
    parser.add_argument("--counts", help="write 'passed failed skipped' there")
    return parser.parse_args()


def main():
    args = arguments()
    programs = fuzzers(args.only or ["*"])
    if not programs:
        sys.exit(f"the fuzz build has no fuzzer {' or '.join(args.only or ['at all'])}")
    seconds = 0 if args.replay else args.seconds
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as scratch:
        with concurrent.futures.ThreadPoolExecutor(max(1, args.jobs)) as pool:
            rows = []
            for done in concurrent.futures.as_completed(
                    pool.submit(fuzz, name, program, seconds, scratch) for name, program in programs.items()):
                rows.append(done.result())
                tell(rows[-1], programs)
                if seconds:
                    write(args.json, rows)
        if args.keep:
            for name, program in programs.items():
                shutil.rmtree(os.path.join(scratch, "seeds-" + name))
                keep(name, program, scratch)
    bad = sum(1 for row in rows if row["status"] or row["findings"])
    if args.counts:
        with open(args.counts, "w", encoding="utf-8") as out:
            out.write(f"{len(rows) - bad} {bad} 0\n")
    print(f"{len(rows)} fuzzers, {sum(row['inputs'] for row in rows)} inputs, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
