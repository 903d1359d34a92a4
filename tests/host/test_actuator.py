# SPDX-License-Identifier: Apache-2.0
"""The actuator alone on a real host: uid 0 without any capability, asked over its socket, acting through systemd."""
import gzip
import json
import time

from actuator import ASK, SOCKET, alone, ask, execute, order
from testhost import options, wait_for

PACKAGES = ("hostmedic",)


def rotate(key, **parameters):
    return order(key, "log.rotate", "filesystem:/srv", path="/srv/log/app.log", root="/srv/log", keep="0",
                 **{"writer_appends": "1", "method": "copy", **parameters})


def fail_nginx(host):
    host.write("/etc/systemd/system/nginx.service.d/none.conf", "[Service]\nRestart=no\n")
    host.run("systemctl daemon-reload && systemctl restart nginx && systemctl kill -s KILL nginx")
    wait_for(lambda: host.show("nginx.service")["ActiveState"] == "failed", 5, "nginx failed")


@options(packages=PACKAGES)
def test_restarts_a_unit_without_any_capability(host):
    alone(host)
    fail_nginx(host)
    outcome = execute(host, order("a", "service.restart", "service:nginx.service"), user="hostmedic")
    assert outcome["result"] == "done", outcome
    assert host.is_active("nginx")
    pid = host.show("hostmedic-actuator.service")["MainPID"]
    status = host.read(f"/proc/{pid}/status")
    assert "CapEff:\t0000000000000000" in status and "CapBnd:\t0000000000000000" in status, status
    fail_nginx(host)
    again = execute(host, order("a", "service.restart", "service:nginx.service"))
    assert again["started_at_unix_nano"] == outcome["started_at_unix_nano"], again
    assert not host.is_active("nginx"), "one key acts once"


@options(packages=PACKAGES)
def test_who_asks_decides(host):
    alone(host)
    fail_nginx(host)
    host.run("useradd -G hostmedic visitor")
    assert ask(host, "status", "visitor") == {}, "a stranger in the group is hung up on"
    assert ask(host, "halt", "hostmedic", by="ada", reason="upgrade")["ok"]
    assert ask(host, "resume", "hostmedic")["code"] == "denied"
    halted = execute(host, order("b", "service.restart", "service:nginx.service"))
    assert halted["result"] == "refused" and "kill-switch" in halted["text"], halted
    host.run("systemctl stop hostmedic-actuator.service")
    assert ask(host, "status")["status"]["halted"], "it outlives a restart"
    assert ask(host, "resume")["ok"]
    assert execute(host, order("b", "service.restart", "service:nginx.service"))["result"] == "done"


@options(packages=PACKAGES)
def test_moves_a_log_in_a_unit_of_its_own(host):
    alone(host)
    host.filesystem("/srv", 256)
    host.run("mkdir /srv/log && chown www-data:adm /srv/log && chmod 0750 /srv/log")
    lines = "".join(f"line {i} of a log that repeats itself\n" for i in range(1_500_000))
    host.write("/srv/log/app.log", lines)
    host.run("chown www-data:adm /srv/log/app.log && chmod 0640 /srv/log/app.log")
    outcome = execute(host, rotate("c"))
    assert outcome["result"] == "done", outcome
    archive = outcome["details"]["archive"]
    packed = host.run(["cat", archive], text=False).stdout
    assert gzip.decompress(packed).decode() + host.read("/srv/log/app.log") == lines
    assert host.out(f"stat -c '%U:%G %a' {archive}") == "www-data:adm 640"
    assert int(outcome["details"]["bytes_after"]) < 8 << 20, outcome["details"]
    assert "hostmedic-order" not in host.out("systemctl list-units --all --no-legend --plain"), "the name is free again"
    assert host.out("ls /run/hostmedic-effects") == ""


@options(packages=PACKAGES)
def test_frees_a_full_filesystem(host):
    alone(host)
    host.filesystem("/srv", 128)
    host.run("mkdir /srv/log; yes 'a line of a log that repeats itself' >/srv/log/app.log", check=False)
    host.run("cat /dev/zero >/srv/filler", check=False)
    size = int(host.out("stat -c %s /srv/log/app.log"))
    digest = host.out("sha256sum </srv/log/app.log")
    outcome = execute(host, rotate("d"))
    assert outcome["result"] == "done", outcome
    assert int(outcome["details"]["bytes_freed"]) > size * 3 // 4, outcome["details"]
    archive = outcome["details"]["archive"]
    assert host.out(f"{{ zcat {archive}; cat /srv/log/app.log; }} | sha256sum") == digest


@options(packages=PACKAGES)
def test_uses_the_administrators_logrotate_configuration(host):
    alone(host)
    host.filesystem("/srv", 256)
    host.run("mkdir /srv/log; yes 'a line of a log' | head -c 50000000 >/srv/log/app.log")
    host.write("/etc/logrotate.d/app", "/srv/log/app.log {\n  rotate 3\n  create 0640 root adm\n}\n")
    digest = host.out("sha256sum </srv/log/app.log")
    outcome = execute(host, rotate("e", method="auto", logrotate_config="/etc/logrotate.d/app"))
    assert outcome["result"] == "done", outcome
    assert host.out("stat -c '%s %G' /srv/log/app.log") == "0 adm", outcome
    assert "app.log.1" not in host.out("ls /srv/log").split(), "compressed and removed"
    assert host.out("zcat /srv/log/app.log.1.*.gz | sha256sum") == digest


@options(packages=PACKAGES)
def test_killed_actuator_records_what_its_unit_did(host):
    alone(host)
    host.filesystem("/srv", 400)
    host.run("mkdir /srv/log; yes 'a line of a log' | head -c 200000000 >/srv/log/app.log")
    asking = host.popen(["python3", "-c", ASK, SOCKET], stdin=-1, stdout=-1, stderr=-1, text=True)
    asking.stdin.write(json.dumps({"request": "execute", "order": rotate("f", method="copy")}))
    asking.stdin.close()
    unit = f"hostmedic-order-{'f' * 24}.service"
    wait_for(lambda: host.show(unit)["ActiveState"] == "activating", 10, "the unit runs", 0.01)
    host.run("systemctl kill -s KILL hostmedic-actuator.service")
    asking.wait(10)
    outcome = ask(host, "query", key="f" * 24)["outcome"]
    assert outcome["result"] == "done", outcome
    starts = host.out(f"journalctl -o cat -u {unit} | grep -c ^Starting")
    assert starts == "1", starts


@options(packages=PACKAGES)
def test_halt_ends_a_running_unit_within_a_second(host):
    alone(host)
    host.filesystem("/srv", 400)
    host.run("mkdir /srv/log; yes 'a line of a log' | head -c 200000000 >/srv/log/app.log")
    asking = host.popen(["python3", "-c", ASK, SOCKET], stdin=-1, stdout=-1, stderr=-1, text=True)
    asking.stdin.write(json.dumps({"request": "execute", "order": rotate("0", method="copy")}))
    asking.stdin.close()
    unit = f"hostmedic-order-{'0' * 24}.service"
    wait_for(lambda: host.show(unit)["ActiveState"] == "activating", 10, "the unit runs", 0.01)
    begin = time.monotonic()
    assert ask(host, "halt", by="", reason="stop")["ok"]
    outcome = json.loads(asking.stdout.read())["outcome"]
    took = time.monotonic() - begin
    print(f"ended {took:.2f} s after the halt: {outcome['text']}")
    assert outcome["result"] == "interrupted" and took < 1.5, (took, outcome)


@options(packages=PACKAGES)
def test_command_lines_are_judged_and_approvers_known_by_their_group(host):
    alone(host)
    program, effect = "/usr/lib/hostmedic/hostmedic-actuator", "/usr/lib/hostmedic/hostmedic-effect"

    def ends(*argv):
        done = host.run(list(argv), check=False)
        return done.returncode, done.stdout + done.stderr
    status, text = ends(program, "--help")
    assert status == 0 and "--approver-group" in text, text
    for wrong in (("--bogus",), ("--idle", "soon"), ("extra",)):
        status, text = ends(program, *wrong)
        assert status == 2 and "usage:" in text, (wrong, status, text)
    assert ends(program)[0] == 1, "no socket, and systemd gave none"
    status, text = ends(program, "--socket", "/run/own.sock", "--approver-group", "nosuch")
    assert status == 1 and "no group 'nosuch'" in text, text
    assert ends(program, "--release", "a" * 24, "--socket", "/run/nobody.sock")[0] == 1
    host.run("mkdir -m 0777 /run/open")
    status, text = ends(program, "--socket", "/run/own.sock", "--scratch", "/run/open")
    assert status == 1 and "only its owner can write" in text, text
    for wrong in ((), ("no.such", "--target=service:a.service", "--timeout=1s", "--scratch=/run")):
        status, text = ends(effect, *wrong)
        assert status == 2 and "exit=2" in text, (wrong, status, text)

    host.run("useradd -G hostmedic,adm visitor && groupadd outsiders && useradd -G hostmedic,outsiders other")
    own = host.popen([program, "--socket", "/run/own.sock", "--user", "hostmedic", "--approver-group", "adm", "--policy",
                      "/etc/hostmedic/policy.toml", "--ledger", "/run/own.db", "--effect", effect, "--scratch", "/run/own",
                      "--idle", "3s"])
    wait_for(lambda: host.run(["test", "-S", "/run/own.sock"], check=False).returncode == 0, 20, "it listens")

    def status_for(user):
        done = host.run(["runuser", "-u", user, "--", "python3", "-c", ASK, "/run/own.sock"],
                        input=json.dumps({"request": "status"}))
        return json.loads(done.stdout)
    assert status_for("visitor").get("ok"), "a member of the group may ask"
    assert status_for("other") == {}, "who is not is hung up on"
    assert own.wait(60) == 0, "it ends when it was idle"


@options(packages=PACKAGES)
def test_members_of_the_named_group_may_approve(host):
    """Whatever number of groups they are in: the kernel tells them all."""
    alone(host)
    host.write("/etc/systemd/system/hostmedic-actuator.service.d/approvers.conf", "[Service]\nExecStart=\n"
               "ExecStart=/usr/lib/hostmedic/hostmedic-actuator --approver-group approvers --idle 0s\n")
    host.run("groupadd approvers; useradd -G hostmedic eve; for n in ada ida; do useradd -G hostmedic,approvers $n; done")
    host.run("for n in $(seq 1 70); do groupadd g$n; usermod -aG g$n ida; done; systemctl daemon-reload")
    host.run("systemctl restart hostmedic-actuator.socket; systemctl stop hostmedic-actuator.service", check=False)
    assert ask(host, "status", "eve") == {}, "a stranger in the socket's group is hung up on"
    for name in ("ada", "ida"):
        assert ask(host, "status", name).get("ok"), name


@options(packages=PACKAGES)
def test_acts_without_a_bus(host):
    """systemd's own socket answers root when the bus does not run."""
    alone(host)
    fail_nginx(host)
    host.run("systemctl stop dbus.socket dbus.service")
    assert not host.is_active("dbus")
    outcome = execute(host, order("a", "service.restart", "service:nginx.service"))
    assert outcome["result"] == "done", outcome
    assert host.is_active("nginx") and not host.is_active("dbus")


@options(packages=PACKAGES)
def test_serves_a_socket_of_its_own(host):
    """By hand, as where there is no systemd to hand one over; what is wrong is told at the start, and may be mended."""
    program, own = "/usr/lib/hostmedic/hostmedic-actuator", "/run/own/socket"
    alone(host)
    host.run("systemctl stop hostmedic-actuator.socket hostmedic-actuator.service; mkdir -m 700 /run/own")
    for words, word in (("--idle soon", "--idle"), ("--no-such", "unknown option"), ("extra", "no arguments"),
                        ("--approver-group nobodies", "no group"), ("", "no listening socket")):
        wrong = host.run(f"{program} {words}", check=False)
        assert wrong.returncode != 0 and word in wrong.stderr + wrong.stdout, (words, wrong)
    assert "--approver-group" in host.out([program, "--help"]) and "actuator" in host.out([program, "--version"])
    assert host.run(f"{program} --socket /run/own/none --release {'a' * 24}", check=False).returncode == 1

    def start(ledger):
        host.run("systemctl stop hostmedic-own; systemctl reset-failed hostmedic-own", check=False)
        host.run("systemd-run --unit hostmedic-own -p Type=notify -p RuntimeDirectoryPreserve=yes "
                 f"{program} --socket {own} --ledger {ledger} --scratch /run/own/scratch --user nobodyatall "
                 "--policy /run/own/policy.toml --effect /usr/lib/hostmedic/hostmedic-effect --idle 0s")

    def asked(request):
        return json.loads(host.run(["python3", "-c", ASK, own], input=json.dumps(request)).stdout)

    def ordered(key):
        return asked({"request": "execute", "order": order(key, "service.restart", "service:nginx.service")})["outcome"]
    host.run("cp /etc/hostmedic/policy.toml /run/own/; mkdir /run/own/dir; yes 'no database' | head -c 20000 >/run/own/broken")
    start("/run/own/broken")
    assert asked({"request": "status"})["status"]["halted"], "a ledger that was broken starts halted"
    journal = host.out("journalctl -o cat -u hostmedic-own")
    assert "ledger was broken" in journal and "no user 'nobodyatall'" in journal, journal
    start("/run/own/dir/ledger/db")
    assert "ledger cannot be used" in ordered("a")["text"]
    host.run("mkdir -m 700 /run/own/dir/ledger")
    fail_nginx(host)
    wait_for(lambda: ordered("a")["result"] == "done", 30, "the ledger is used once it can be", 2)
    host.write("/run/own/policy.toml", "[guard]\ntier = 7\n", mode=0o644)
    wrong = ordered("b")
    assert wrong["result"] == "refused" and "policy" in wrong["text"], wrong
    host.run("systemctl stop hostmedic-own")


@options(packages=PACKAGES)
def test_the_end_of_a_measure_waits_for_the_order_under_way(host):
    alone(host)
    measure = order("a", "service.start", "service:nginx.service", lasts=600, stopped="start")
    host.run("systemctl stop nginx; systemd-run --unit app sleep 600")
    assert execute(host, measure)["result"] == "done"
    host.write("/etc/hostmedic/scripts.d/slow", "#!/bin/sh\n# hostmedic: timeout=15s\nsleep 4\n", mode=0o755)
    slow = host.popen(["python3", "-c", ASK, SOCKET], stdin=-1, stdout=-1, stderr=-1, text=True)
    slow.stdin.write(json.dumps({"request": "execute", "order": order("b", "script.run", "service:app.service", script="slow")}))
    slow.stdin.close()
    unit = f"hostmedic-order-{'b' * 24}.service"
    wait_for(lambda: host.show(unit)["ActiveState"] == "activating", 10, "the script runs", 0.05)
    host.run(f"/usr/lib/hostmedic/hostmedic-actuator --release {'a' * 24}")
    slow.wait(20)
    assert not host.is_active("nginx"), "it was taken back, after the other order"
