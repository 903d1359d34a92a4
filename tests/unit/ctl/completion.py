#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""completion.py HOSTMEDIC: the shipped completion files in the shells themselves: bash, zsh and fish, each where it is
installed. Exit status 77 when one could not be looked at, 1 when one is wrong."""
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../packaging/completion")
# What is written, and words that must be offered.
CASES = [("", {"status", "incidents", "explain"}), ("stat", {"status"}), ("list pro", {"probes", "proposals"}),
         ("incidents --al", {"--all"}), ("config reference ", {"agent", "policy", "aggregator", "runbook"}),
         ("maintenance on --for 3", {"30m"}), ("check fil", {"file one.toml"})]


def run(argv, environment, where):
    done = subprocess.run(argv, env=environment, cwd=where, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


def bash(line, environment, where):
    """The words that the function leaves for readline."""
    under = "" if line and not line.endswith(" ") else "''"
    script = (f'source "{FILES}/hostmedic.bash"; compopt() {{ :; }}; COMP_WORDS=(hostmedic {line}{under}); '
              'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _hostmedic; printf "%s\\n" "${COMPREPLY[@]}"')
    return set(run(["bash", "--norc", "-c", script], environment, where).splitlines())


def fish(line, environment, where):
    script = f'source {FILES}/hostmedic.fish; complete --do-complete "hostmedic {line}"'
    return {row.split("\t")[0].replace("\\ ", " ") for row in run(["fish", "--no-config", "-c", script], environment, where).splitlines()}


def zsh(line, environment, where):
    """What an interactive shell shows after the tabulator key: zsh's completion has no other door."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(where)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**environment, "TERM": "dumb", "COLUMNS": "500", "LINES": "200"})

    def say(text, until, patience=20):
        os.write(terminal, text.encode())
        seen, end = "", time.monotonic() + patience
        while until not in seen and time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 65536).decode(errors="replace")
        return seen

    try:
        say(f"PS1='> '; fpath=({FILES} $fpath); autoload -Uz compinit; compinit -D -u; "
            "setopt list_rows_first no_always_last_prompt; LISTMAX=10000; stty cols 500; "
            "bindkey '^I' list-choices; echo loa''ded\n", "loaded")
        shown = say(f"hostmedic {line}\t", "\0", 3)
    finally:
        os.close(terminal)
        os.kill(child, 9)
        os.waitpid(child, 0)
    return {word for _, words in CASES for word in words if word in shown.replace("\\ ", " ").split("hostmedic " + line, 1)[-1]}


def wrong(shell, environment, where):
    found = []
    for line, words in CASES:
        offered = shell(line, environment, where)
        if not words <= offered:
            found.append(f"{shell.__name__}: after 'hostmedic {line}' there is no {', '.join(sorted(words - offered))}")
    return found


def main():
    program = os.path.abspath(sys.argv[1])
    skipped, faults = [], []
    with tempfile.TemporaryDirectory() as where:
        open(os.path.join(where, "file one.toml"), "w", encoding="utf-8").close()
        environment = {"PATH": os.path.dirname(program) + ":/usr/bin:/bin", "HOME": where, "LANG": "C.UTF-8"}
        for shell in (bash, zsh, fish):
            if shutil.which(shell.__name__):
                faults += wrong(shell, environment, where)
            else:
                skipped.append(shell.__name__)
    for fault in faults:
        print("FAIL", fault)
    if skipped:
        print("not installed, so not looked at:", ", ".join(skipped))
    print(f"{len(CASES)} lines completed in", ", ".join(shell.__name__ for shell in (bash, zsh, fish) if shell.__name__ not in skipped))
    sys.exit(1 if faults else 77 if skipped else 0)


if __name__ == "__main__":
    main()
