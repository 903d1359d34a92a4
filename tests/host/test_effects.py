# SPDX-License-Identifier: Apache-2.0
"""hostmedic-effect called by hand on a real host whose tools, rights, network and engine are not what it needs: it
changes nothing half, and says what was wrong."""
import os
import time

from actuator import alone, execute, order, undo
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
OFTEN = 'cooldown = "0s"\nper_target_count = 100\nper_runbook_count = 100\nper_host_count = 100\n'
DONE, FAILED, USAGE, NEEDLESS = 0, 1, 2, 3
PROGRAM = "/usr/lib/hostmedic/hostmedic-effect"


def connect(host, address, port, by):
    """A connection from a unit of its own, which systemd-run's options `by` describe, to a server of the host's."""
    call = "import socket,time; s=socket.create_{}((\"" + address + f"\", {port})); time.sleep(600)"
    host.run(f"systemd-run --unit listen python3 -c '{call.format('server')}'")
    wait_for(lambda: f":{port}" in host.out("ss -tlnH"), 10, "it listens")
    host.run(f"systemd-run {by} python3 -c '{call.format('connection')}'")
    wait_for(lambda: f":{port}" in host.out("ss -tnH state established"), 10, "it is connected")


def effect(host, action, target, was=None, before="", without="", **parameters):
    """(exit status, output) of one effect; was: it is an undo of an order with these details. `before` is done in a
    mount namespace of its own; `without` are capabilities that it has not."""
    words = [f"'{key}={value}'" for key, value in parameters.items()]
    words += ["--undo", *(f"'{key}={value}'" for key, value in was.items())] if was is not None else []
    rights = f"setpriv --bounding-set={','.join('-' + one for one in without.split())} " if without else ""
    call = f"{rights}{PROGRAM} {action} '--target={target}' --timeout=20s --scratch=/run/scratch {' '.join(words)}"
    done = host.run(["unshare", "--mount", "sh", "-c", f"{before or ':'} && {call}"], check=False)
    return done.returncode, done.stdout + done.stderr


def says(host, status, word, *arguments, **keywords):
    found, text = effect(host, *arguments, **keywords)
    assert found == status and word in text, (arguments, keywords, found, text)
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def instead(program, script):
    """Puts a script in a tool's place, for one call."""
    return (f"printf '%s\\n' '#!/bin/sh' {script!r} >/run/stub && chmod 755 /run/stub && "
            f"cp -f {program} /run/real && mount --bind /run/stub {program}")


@options(packages=PACKAGES, timeout=120)
def test_says_what_the_host_lacks(host):
    host.run("mkdir /run/scratch")
    bad = host.run([PROGRAM, "log.rotate"], check=False)
    assert bad.returncode == USAGE and "usage:" in bad.stderr, bad
    assert "hostmedic-effect" in host.out([PROGRAM, "--version"])
    says(host, USAGE, "not done in a unit of its own", "service.start", "service:app.service", stopped="leave")
    # Tools that fail, directories that are not there.
    says(host, FAILED, "apt-get ended with status 1", "package_cache.clean", "filesystem:/",
         before="mount --bind /bin/false /usr/bin/apt-get")
    hidden = "mount -t tmpfs none /var/log && mount -t tmpfs none /run/log"
    host.run("mkdir -p /run/log /var/log/journal")
    says(host, FAILED, "cannot be read", "journal.vacuum", "filesystem:/", before=hidden, vacuum_size="64MiB")
    says(host, FAILED, "journalctl ended with status 1", "journal.vacuum", "filesystem:/",
         before="mount --bind /bin/false /usr/bin/journalctl", vacuum_size="64MiB")
    idle = {"port": "5432", "in_transaction": "300", "idle": "-1", "keep": "10", "full": "0", "most": "20"}
    says(host, FAILED, "is not installed", "database.terminate_idle", "service:postgresql.service", **idle,
         before="mount -t tmpfs none /usr/share/hostmedic")
    drop = {"state": "established", "local_port": "80", "remote_port": "0", "idle": "1s", "most": "5"}
    says(host, FAILED, "no control groups of version 2", "connections.drop", "service:nginx.service", **drop,
         before="mount -t tmpfs none /sys/fs/cgroup")
    says(host, FAILED, "has no control group", "connections.drop", "service:nobody.service", **drop)
    # The file by which systemd keeps a limit is somebody's directory.
    host.run("mkdir -p /run/systemd/system.control/app.service.d/50-TasksMax.conf")
    says(host, FAILED, "Is a directory", "service.limit", "service:app.service", was={"was_tasks_max": "50"}, tasks_max="100")


@options(packages=PACKAGES, timeout=120)
def test_a_configuration_is_put_back_only_from_what_is_known(host):
    kept = "/var/lib/hostmedic-actuator/known-good"
    host.run("mkdir /run/scratch; printf broken >/etc/app.conf; chown root:adm /etc/app.conf; chmod 640 /etc/app.conf")

    def rollback(status, word, **more):
        return says(host, status, word, "config.rollback", "service:nginx.service", path="/etc/app.conf", apply="restart", **more)
    rollback(FAILED, "no good copy of /etc/app.conf is kept")
    host.run(f"mkdir -p -m 700 {kept}/etc; printf good >{kept}/etc/app.conf; chmod -R go= {kept}")
    rollback(FAILED, "owner and mode of /etc/app.conf", without="chown fsetid")
    assert host.read("/etc/app.conf") == "broken" and host.out("ls -A /etc | grep -c hostmedic$") == "1"
    done = rollback(DONE, "is what was kept as good")
    assert host.read("/etc/app.conf") == "good" and host.out("stat -c %G%a /etc/app.conf") == "adm640"
    rollback(NEEDLESS, "is what was kept as good")
    rollback(FAILED, "is not known", was={})
    rollback(DONE, "again what it was", was={"saved": done["saved"]})
    assert host.read("/etc/app.conf") == "broken"


@options(packages=PACKAGES, timeout=120)
def test_a_log_is_moved_without_logrotate_when_that_will_not_do(host):
    host.run("mkdir -p /run/scratch /var/log/app")

    def rotate(status, word, config=None, **more):
        host.run("seq 1 400000 >/var/log/app/app.log; chown www-data:adm /var/log/app/app.log")
        method = {"method": "auto", "logrotate_config": "/etc/logrotate.d/app"} if config else {"method": "copy"}
        host.write("/etc/logrotate.d/app", f"/var/log/app/app.log {{\n  rotate 3\n  {config}\n}}\n", mode=0o644)
        host.run("chmod 664 /etc/logrotate.d/app" if config == "missingok" else ":")
        return says(host, status, word, "log.rotate", "filesystem:/", path="/var/log/app/app.log", root="/var/log/app",
                    keep="0", writer_appends="1", **method, **more)
    rotate(FAILED, "owner and mode of app.log", without="chown")
    assert host.out("ls /var/log/app") == "app.log", "no archive, and the log is whole"
    note = rotate(DONE, "moved ", config="copytruncate")["note"]
    assert "copies the log in place" in note and "did not rename" in note, note
    note = rotate(DONE, "moved ", config="missingok")["note"]
    assert "not a file that only root can write" in note, note


@options(packages=PACKAGES, timeout=120)
def test_the_kernel_refuses_who_lacks_the_right(host):
    host.run("mkdir /run/scratch; cp /bin/sleep /usr/local/bin/victim; systemd-run --unit victim --uid nobody /usr/local/bin/victim 600")
    process, share = "process:victim", {"victim": "largest_memory"}
    says(host, FAILED, "signal 15: Operation not permitted", "process.terminate", process, **share, least="0", grace="5s",
         unit="any", without="kill")
    says(host, FAILED, "Operation not permitted", "process.freeze", process, **share, without="kill")
    says(host, FAILED, "could not be set", "process.renice", "service:victim.service", nice="10", io="keep",
         without="sys_nice")
    assert host.is_active("victim")
    connect(host, "127.0.0.1", 9000, "--unit hold")
    time.sleep(1.5)
    says(host, FAILED, "0 of 1 were dropped", "connections.drop", "service:hold.service", without="net_admin",
         state="established", local_port="0", remote_port="9000", idle="1s", most="5")
    assert ":9000" in host.out("ss -tnH state established")
    # A cgroup of version 1 that is frozen holds its processes back even from SIGKILL. Its hierarchy is the machine's, so
    # its name is this host's own, and it goes with the test.
    if host.run("mkdir /run/freezer && mount -t cgroup -o freezer none /run/freezer", check=False).returncode == 0:
        pid, group = host.show("victim.service")["MainPID"], f"/run/freezer/hmtest-{os.getpid()}"
        try:
            host.run(f"mkdir {group} && echo {pid} >{group}/cgroup.procs && echo FROZEN >{group}/freezer.state")
            says(host, FAILED, "does not end, not even by SIGKILL", "process.terminate", process, **share, least="0", grace="1s",
                 unit="any")
        finally:
            host.run(f"echo THAWED >{group}/freezer.state; systemctl stop victim; rmdir {group}", check=False)


@options(packages=PACKAGES, timeout=120)
def test_rules_of_the_network_are_those_of_one_order(host):
    host.run("mkdir /run/scratch; ip address add 192.0.2.1/24 dev lo")
    host.write("/etc/resolv.conf", "nameserver 192.0.2.53\n")
    connect(host, "192.0.2.1", 4318, "--unit report --uid hostmedic")  # the agent reports to it
    circuit, peer, segment = ("circuit.open", {"for": "60s", "half_open": "6"}), ("peer.block", {"for": "60s"}), (
        "host.segment", {"for": "60s", "allow": "none"})
    for target, word in (("192.0.2.1:4318", "whom the agent reports to"), ("192.0.2.53:53", "is a name server")):
        says(host, FAILED, word, circuit[0], f"endpoint:tcp://{target}", **circuit[1])
    lies = instead("/usr/sbin/nft", 'case "$*" in *-f*) exit {0};; esac; exec /run/real "$@"')
    for (action, parameters), target in ((circuit, "endpoint:tcp://198.51.100.1:80"), (peer, "endpoint:198.51.100.9"),
                                         (segment, "host")):
        says(host, FAILED, "nft refused the rules", action, target, before=lies.format(1), **parameters)
        says(host, FAILED, "text=", action, target, before=lies.format(0), **parameters)
        assert "chain" not in host.out("nft list table inet hostmedic 2>&1 || :"), action
        says(host, NEEDLESS, "text=", action, target, was={}, **parameters)
        label = says(host, DONE, "text=", action, target, **parameters)["label"]
        table = host.out("nft list table inet hostmedic")
        assert action != "host.segment" or "192.0.2.53" in table, table
        says(host, NEEDLESS, "another order", action, target, was={"label": "hostmedic order of another"}, **parameters)
        says(host, NEEDLESS, "another order", action, target, was={}, **parameters)
        assert host.out("nft list table inet hostmedic | grep -c chain") != "0"
        says(host, DONE, "text=", action, target, was={"label": label}, **parameters)
        says(host, NEEDLESS, "text=", action, target, was={"label": label}, **parameters)


@options(packages=PACKAGES, timeout=120)
def test_an_order_that_the_host_cannot_carry_out_is_not_begun(host):
    alone(host, OFTEN + 'never_block = ["198.51.100.*"]\n')
    upstream = order("a", "circuit.open", "endpoint:tcp://198.51.100.7:80", lasts=60, half_open="6", **{"for": "60s"})
    done = execute(host, upstream)
    assert done["result"] in ("refused", "failed") and "198.51.100" in done["text"], done
    host.run("mv /usr/sbin/nft /usr/sbin/nft.away; mv /usr/bin/apt-get /usr/bin/apt-get.away")
    segment = order("b", "host.segment", "host", lasts=60, allow="none", **{"for": "60s"})
    rollback = order("c", "package.rollback", "package:nginx-light", package="nginx-light", version="1.0", network="no",
                     **{"from": "2.0"})
    for an_order, word in ((segment, "nftables"), (rollback, "apt")):
        done = execute(host, an_order)
        assert done["result"] == "refused" and word in done["text"], done
    # A limit that was set before is somebody's: taking ours back leaves their file.
    host.run("systemctl set-property --runtime nginx.service TasksMax=500")
    limit = order("d", "service.limit", "service:nginx.service", tasks_max="400")
    assert execute(host, limit)["details"]["kept_tasks_max"] == "1"
    assert execute(host, undo("e", limit))["result"] == "done"
    assert "500" in host.read("/run/systemd/system.control/nginx.service.d/50-TasksMax.conf")


ENGINE = r'''
import http.server, json, os, socketserver
ID = "c" * 60
STATES = {"restarting": ("restarting", 0, ""), "removing": ("removing", 0, ""), "starting": ("running", 0, "starting"),
          "stopped": ("exited", 0, ""), "killed": ("exited", 137, ""), "healthy": ("running", 0, "healthy"),
          "crashed": ("exited", 1, ""), "alone": ("running", 0, "")}
class Engine(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.split("/")[2]
        if name.startswith(ID):
            name = list(STATES)[int(name[60:])]
        if name not in STATES:
            return self.answer(404, {"message": "no such container"})
        state, code, health = STATES[name]
        pid = int(open("/run/alone.pid").read()) if name == "alone" else 0
        now = {"Status": state, "Pid": pid, "ExitCode": code, "StartedAt": "x", "Health": {"Status": health}}
        self.answer(200, {"Id": ID + "%04d" % list(STATES).index(name), "Name": "/" + name, "State": now,
                          "HostConfig": {"CapAdd": ["SYS_TIME"]}})
    def do_POST(self):
        self.answer(204, None)
    def answer(self, status, body):
        text = json.dumps(body).encode() if body else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def address_string(self):
        return "agent"
if os.path.exists("/run/docker.sock"):
    os.unlink("/run/docker.sock")
socketserver.UnixStreamServer("/run/docker.sock", Engine).serve_forever()
'''


@options(packages=PACKAGES, timeout=120)
def test_a_container_is_treated_by_what_its_engine_says(host):
    alone(host, OFTEN)
    host.run("mkdir /run/scratch")
    host.write("/usr/local/bin/engine.py", ENGINE)
    host.run("systemd-run --unit engine python3 /usr/local/bin/engine.py")
    wait_for(lambda: host.run("test -S /run/docker.sock", check=False).returncode == 0, 10, "an engine answers")
    keys = iter("0123456789abcdef")
    for name, result, word in (("restarting", "refused", "at work on it"), ("removing", "refused", "at work on it"),
                               ("starting", "refused", "at work on it"), ("stopped", "unnecessary", "somebody left it so"),
                               ("killed", "unnecessary", "somebody left it so"), ("healthy", "unnecessary", "healthy"),
                               ("crashed", "failed", "exited"), ("nobody", "unnecessary", "no container")):
        done = execute(host, order(next(keys), "container.restart", f"container:{name}"))
        assert done["result"] == result and word in done["text"], (name, done["text"])
    says(host, NEEDLESS, "did not get so far", "container.pause", "container:stopped", was={}, **{"for": "60s"})
    # In a network of its own.
    host.run(f"systemd-run --unit docker-{'c' * 60}0007 -p Type=exec unshare --net sleep 600")
    pid = host.show(f"docker-{'c' * 60}0007.service")["MainPID"]
    host.write("/run/alone.pid", pid)
    cut = {"for": "60s", "allow": "none"}
    says(host, NEEDLESS, "no process, and so no network", "container.isolate", "container:stopped", was={}, **cut)
    says(host, NEEDLESS, "no container", "container.isolate", "container:nobody", was={}, **cut)
    lies = instead("/usr/sbin/nft", 'case "$*" in *-f*) head -n 9 | exec /run/real -f -;; *) exec /run/real "$@";; esac')
    says(host, FAILED, "rules are there", "container.isolate", "container:alone", before=lies, **cut)
    netns = host.out(f"stat -L -c %i /proc/{pid}/ns/net")
    host.run(f"nsenter -t {pid} -n nft delete table inet hostmedic")
    says(host, NEEDLESS, "is not isolated any more", "container.isolate", "container:alone", was={"netns": netns}, **cut)
