# SPDX-License-Identifier: Apache-2.0
"""script.run on a real host: what root put there runs shut in; what anybody else could have put there does not."""
from actuator import alone, execute, order, undo
from testhost import options

PACKAGES = ("hostmedic",)
OFTEN = 'cooldown = "0s"\nper_target_count = 100\nper_runbook_count = 100\nper_host_count = 100\n'
SCRIPTS = "/etc/hostmedic/scripts.d"


def script(host, name, text, header="", mode=0o755):
    host.write(f"{SCRIPTS}/{name}", f"#!/bin/sh\n{'# hostmedic: ' + header if header else '#'}\n{text}\n", mode=mode)


def ordered(key, name, **parameters):
    return order(key, "script.run", "service:nginx.service", script=name, **parameters)


@options(packages=PACKAGES)
def test_runs_what_root_allows_and_takes_it_back(host):
    alone(host, OFTEN)
    host.run("mkdir -p /srv/app; touch /srv/app/full")
    script(host, "drain.sh", "echo draining $1; touch /srv/app/drained && rm /srv/app/full",
           "paths=/srv/app timeout=10s check=is-full.sh")
    script(host, "is-full.sh", "[ -e /srv/app/full ] || exit 3")
    script(host, "fill.sh", "rm /srv/app/drained && touch /srv/app/full", "paths=/srv/app")
    first = ordered("a", "drain.sh", args="nginx.service --slow", undo="fill.sh")
    outcome = execute(host, first)
    assert outcome["result"] == "done", outcome
    assert outcome["details"]["output"] == "draining nginx.service", outcome
    assert host.out("ls /srv/app") == "drained"
    again = execute(host, ordered("b", "drain.sh", args="nginx.service", undo="fill.sh"))
    assert again["result"] == "unnecessary", again
    back = execute(host, undo("c", first))
    assert back["result"] == "done", back
    assert host.out("ls /srv/app") == "full"


@options(packages=PACKAGES)
def test_is_shut_in_unless_its_header_opens(host):
    alone(host, OFTEN)
    host.run("mkdir -p /srv/open /srv/shut; useradd app; chown app /srv/open")
    look = ("id -un; grep CapEff /proc/self/status | cut -f 2; ls /sys/class/net | tr '\\n' ' ';"
            "for f in /srv/open/x /srv/shut/x /etc/x /etc/hostmedic/policy.toml /var/lib/hostmedic-actuator/x; do"
            " (: >>$f) 2>/dev/null && echo wrote $f; done; env | cut -d = -f 1 | sort | tr '\\n' ' '; true")
    script(host, "shut", look)
    script(host, "open", look, "user=app paths=/srv/open network=yes")
    shut = execute(host, ordered("a", "shut"))["details"]["output"]
    assert shut.startswith("root | 0000000000000000 | lo "), shut
    assert "wrote" not in shut and shut.endswith("LANG PATH PWD"), shut
    opened = execute(host, ordered("b", "open"))["details"]["output"]
    assert opened.startswith("app | 0000000000000000 | "), opened
    assert opened.count("wrote") == 1 and "wrote /srv/open/x" in opened, opened
    print(shut, "//", opened)


@options(packages=PACKAGES)
def test_is_stopped_in_time_and_its_output_is_bounded(host):
    alone(host, OFTEN)
    script(host, "slow", "sleep 300 & echo $! >/run/slow/pid; sleep 300", "timeout=1s paths=/run/slow")
    host.run("mkdir /run/slow")
    slow = execute(host, ordered("a", "slow"))
    assert slow["result"] == "failed" and "time limit" in slow["text"], slow
    assert host.run(["test", "-d", f"/proc/{host.out('cat /run/slow/pid')}"], check=False).returncode == 1
    script(host, "loud", "yes 'a line' | head -c 50000000")
    loud = execute(host, ordered("b", "loud"))
    assert loud["result"] == "done" and len(loud["details"]["output"]) <= 512, loud
    script(host, "bad", "exit 7")
    assert execute(host, ordered("c", "bad"))["result"] == "failed"


@options(packages=PACKAGES)
def test_what_others_could_have_put_there_is_refused(host):
    alone(host, OFTEN)
    host.run(f"mkdir -p {SCRIPTS} && chmod 0755 {SCRIPTS}")
    mark = "touch /srv/ran"
    script(host, "good", "exit 0")
    script(host, "group-writable", mark, "paths=/srv", mode=0o775)
    script(host, "not-roots", mark, "paths=/srv")
    host.run(f"chown www-data {SCRIPTS}/not-roots")
    host.write("/srv/outside", f"#!/bin/sh\n# hostmedic: paths=/srv\n{mark}\n", mode=0o755)
    host.run(f"ln -s /srv/outside {SCRIPTS}/soft; cp /srv/outside /etc/hostmedic/kept;"
             f" ln /etc/hostmedic/kept {SCRIPTS}/hard; mkfifo -m 0755 {SCRIPTS}/fifo; mkdir {SCRIPTS}/directory;"
             f" mkdir -p /srv/other && cp /srv/outside /srv/other/inner; touch {SCRIPTS}/mounted;"
             f" chmod 0755 {SCRIPTS}/mounted; mount --bind /srv/outside {SCRIPTS}/mounted")
    script(host, "greedy", mark, "paths=/etc")
    script(host, "unknown-key", mark, "paths=/srv all_paths=yes")
    script(host, "plain", mark, "paths=/srv", mode=0o644)
    keys = iter("0123456789abcdef")
    for name in ("group-writable", "not-roots", "soft", "hard", "fifo", "directory", "mounted", "greedy", "unknown-key",
                 "plain", "missing"):
        outcome = execute(host, ordered(next(keys), name))
        assert outcome["result"] == "refused" and "target-state" in outcome["text"], (name, outcome)
    for name, args in (("../../../srv/outside", "a"), ("good", "a;reboot"), ("good", "$(reboot)"), ("good", "../x")):
        answer = execute(host, ordered("f", name, args=args))
        assert answer["result"] == "refused" and answer["text"].startswith("plan: "), (name, args, answer)
    host.run(f"chmod 0775 {SCRIPTS}")
    assert execute(host, ordered("e", "good"))["result"] == "refused", "a directory others may write"
    assert host.run("test -e /srv/ran", check=False).returncode == 1
