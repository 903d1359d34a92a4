# SPDX-License-Identifier: Apache-2.0
"""What treats filesystems, configuration, packages and certificates, against the real thing: the fault, the treatment, what
is to be seen from outside, taking it back, and the look just before that refuses."""
import subprocess
import textwrap
import time

from actuator import alone, execute, order, undo
from test_change import build_deb
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
OLD = "20200101000000"
# One test orders more than a policy would permit in an hour.
OFTEN = ('cooldown = "0s"\ncooldown_most = "0s"\nper_target_count = 100\nper_runbook_count = 100\nper_host_count = 100\n'
         'disarm_failures = 100\n')
# Exchanges a directory for a link to elsewhere and back, as fast as it can.
SWAP = textwrap.dedent("""\
    import os, sys
    place, elsewhere = sys.argv[1:]
    while True:
        os.rename(place, place + ".kept")
        os.symlink(elsewhere, place)
        os.unlink(place)
        os.rename(place + ".kept", place)
    """)


def make_old(host, mount, *directories):
    """Sets all times of the files below, also those that no system call sets."""
    device = host.out(f"findmnt -n -o SOURCE {mount}")
    inodes = host.out(f"find {' '.join(directories)} -xdev -type f -printf '%i\\n'").split()
    host.run(f"umount {mount}")
    commands = "".join(f"set_inode_field <{inode}> {field} {OLD}\n" for inode in set(inodes)
                       for field in ("atime", "mtime", "ctime"))
    subprocess.run(["debugfs", "-w", "-f", "-", device], input=commands, text=True, check=True, capture_output=True)
    host.run(f"mount -o noatime {device} {mount}")


def clean(key, target="/srv", root="/srv/cache", **parameters):
    return order(key, "files.clean", f"filesystem:{target}", timeout=60, clean_root=root,
                 **{"min_age": "1d", "free": "1GiB", "most_files": "10000", "used_above": "0.5", **parameters})


def refused(outcome, words):
    assert outcome["result"] in ("refused", "unnecessary") and words in outcome["text"], outcome


def removed_by(host, key):
    return host.out(f"journalctl -o cat -u hostmedic-order-{key * 24}.service | grep '^removed' || true")


@options(packages=PACKAGES)
def test_old_files_give_room_and_nothing_else_is_touched(host):
    alone(host, OFTEN + 'clean_roots = ["/srv/cache"]\n')
    assert host.filesystem("/srv", 256) == "ext4"
    host.run("mkdir -p /srv/cache/deep/er /srv/cache/swap /srv/cache/bind /srv/cache/memory /srv/outside")
    host.run("fallocate -l 80M /srv/cache/deep/er/large; fallocate -l 125M /srv/ballast; "
             "for i in $(seq 200); do echo x >/srv/cache/swap/$i; echo x >/srv/outside/$i; done; "
             "fallocate -l 1M /srv/outside/hard; ln /srv/outside/hard /srv/cache/hard; fallocate -l 1M /srv/cache/used; "
             "ln -s /srv/outside /srv/cache/link; ln -s / /srv/cache/root; mkfifo /srv/cache/fifo; "
             "mknod /srv/cache/null c 1 3")
    host.run(["python3", "-c", "import socket; socket.socket(1).bind('/srv/cache/socket'); "
                               "open('/srv/cache/deep/new\\nline', 'w').write('x')"])
    make_old(host, "/srv", "/srv/cache", "/srv/outside")
    # A mount of the same filesystem has the same device number; only that it is a mount tells it.
    host.run("mount --bind /srv/outside /srv/cache/bind; mount -t tmpfs tmpfs /srv/cache/memory; "
             "echo x >/srv/cache/memory/file; echo x >/srv/cache/young")
    outside = host.out("cd /srv/outside; find . -printf '%p %i %n %T@ %C@\\n' | sort; cat * | sha256sum")
    host.write("/root/swap.py", SWAP)
    host.run(["systemd-run", "--unit=holder", "python3", "-c", "import time; f = open('/srv/cache/used'); time.sleep(600)"])
    host.run("systemd-run --unit=swapping python3 /root/swap.py /srv/cache/swap /srv/outside")
    time.sleep(1)
    outcome = execute(host, clean("a"))
    print(outcome["text"], outcome["details"])
    assert outcome["result"] == "done", outcome
    details = outcome["details"]
    assert int(details["available_after"]) - int(details["available_before"]) > 75 << 20, details
    assert details["left_in_use"] == "1" and details["left_linked"] == "1" and details["left_other_mounts"], details
    assert "removed deep/er/large, 80.0MiB" in removed_by(host, "a")
    told = [execute(host, clean(key))["details"] for key in "0123456789"]
    host.run("systemctl stop holder swapping")
    print("removed from the directory that is exchanged:", [one.get("files_removed") for one in told])
    left = set(host.out("cd /srv/cache; find . -xdev -maxdepth 1 -printf '%f\\n'").split())
    assert left - {"swap", "swap.kept"} == {".", "deep", "bind", "memory", "hard", "used", "link", "root", "fifo", "null",
                                            "socket", "young"}, left
    assert host.out("find /srv/cache/deep -type f") == ""
    assert host.out("ls /srv/cache/memory") == "file"
    assert host.out("cd /srv/outside; find . -printf '%p %i %n %T@ %C@\\n' | sort; cat * | sha256sum") == outside

    host.run("rm /srv/ballast")
    refused(execute(host, clean("b")), "removed from 50% on")
    refused(execute(host, clean("c", root="/srv/cache/deep")), "not one of the clean roots")
    refused(execute(host, clean("d", root="/srv/outside")), "not one of the clean roots")
    told = execute(host, clean("e", root="/etc"))
    assert "clean_root is no directory to clean" in str(told), told
    host.run("umount /srv/cache/bind /srv/cache/memory; mv /srv/cache /srv/real; ln -s /srv/outside /srv/cache")
    host.fill("/srv", 0.9)
    linked = execute(host, clean("f"))
    assert linked["result"] == "failed" and "symbolic link" in linked["text"], linked


@options(packages=PACKAGES)
def test_the_hosts_own_tmp_is_seen(host):
    alone(host, OFTEN + 'clean_roots = ["/var/tmp"]\n')
    host.filesystem("/var/tmp", 64, "tmpfs")
    host.run("for i in 1 2 3; do echo x >/var/tmp/$i; done")
    host.fill("/var/tmp", 0.9)
    outcome = execute(host, clean("a", target="/var/tmp", root="/var/tmp"))
    assert outcome["result"] == "failed" and "none is as old as" in outcome["text"], outcome
    assert int(outcome["details"]["left_young"]) >= 4, outcome


@options(packages=PACKAGES)
def test_the_package_cache_is_emptied_unless_the_manager_is_at_work(host):
    alone(host, OFTEN)
    host.run("fallocate -l 20M /var/cache/apt/archives/hm-demo_1.0_all.deb")
    cleaning = lambda key: order(key, "package_cache.clean", "filesystem:/", timeout=30)
    host.run(["systemd-run", "--unit=lock", "python3", "-c", "import fcntl, time; "
              "f = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(600)"])
    time.sleep(1)
    busy = execute(host, cleaning("a"))
    host.run("systemctl stop lock")
    refused(busy, "apt has locked /var/lib/dpkg/lock-frontend")
    outcome = execute(host, cleaning("b"))
    assert outcome["result"] == "done" and int(outcome["details"]["bytes_freed"]) >= 20 << 20, outcome
    assert host.out("ls /var/cache/apt/archives/*.deb 2>/dev/null || true") == ""
    refused(execute(host, cleaning("c")), "fetched packages take 0B")


KEEPER = textwrap.dedent("""\
    import signal, sys, time
    path, size = sys.argv[1], int(sys.argv[2])
    def open_log(*_):
        global log
        log = open(path, "a")
    open_log()
    signal.signal(signal.SIGHUP, open_log)
    log.write("x" * size)
    log.flush()
    while True:
        time.sleep(1)
    """)


@options(packages=PACKAGES)
def test_a_holder_of_deleted_files_is_reloaded(host):
    alone(host, OFTEN)
    host.filesystem("/srv", 256)
    host.write("/root/keeper.py", KEEPER)
    for name, size, reload in (("polite", 60_000_000, "ExecReload=kill -HUP $MAINPID\n"), ("stubborn", 90_000_000, "")):
        host.write(f"/etc/systemd/system/{name}.service",
                   f"[Service]\nExecStart=python3 /root/keeper.py /srv/{name}.log {size}\n{reload}")
    host.run("systemctl daemon-reload; systemctl start polite stubborn")
    wait_for(lambda: host.usage("/srv") > 0.5, 10, "both have written")
    reopen = lambda key: order(key, "deleted_files.reopen", "filesystem:/srv", timeout=30, least="10MiB")
    nothing = execute(host, reopen("a"))
    assert nothing["result"] == "failed" and "no service holds" in nothing["text"], nothing
    host.run("rm /srv/*.log")
    before = host.usage("/srv")
    outcome = execute(host, reopen("b"))
    print(outcome["text"], outcome["details"])
    assert outcome["result"] == "done" and outcome["details"]["reloaded"] == "polite.service", outcome
    assert outcome["details"]["candidate_1"].startswith("stubborn.service "), "the larger cannot be reloaded"
    assert before - host.usage("/srv") > 0.15
    assert host.is_active("polite") and host.is_active("stubborn")
    again = execute(host, reopen("c"))
    assert again["result"] == "failed" and "stubborn.service" in again["text"], again


@options(packages=PACKAGES)
def test_a_reserve_is_given_up_and_made_again(host):
    alone(host, OFTEN)
    host.filesystem("/srv", 128)
    release = lambda key: order(key, "reserve.release", "filesystem:/srv", path="/srv/hostmedic.reserve")
    refused(execute(host, release("a")), "there is no reserve /srv/hostmedic.reserve")
    host.run("fallocate -l 30M /srv/hostmedic.reserve; chmod 0666 /srv/hostmedic.reserve")
    refused(execute(host, release("b")), "not root's alone")
    host.run("chmod 0600 /srv/hostmedic.reserve; cat /dev/zero >/srv/filler", check=False)
    given = release("c")
    outcome = execute(host, given)
    assert outcome["result"] == "done", outcome
    assert int(outcome["details"]["available_after"]) >= 30 << 20, outcome
    assert host.run("ls /srv/hostmedic.reserve", check=False).returncode != 0
    host.run("fallocate -l 20M /srv/more")
    full = execute(host, undo("d", given))
    assert full["result"] == "failed" and "no room" in full["text"], full
    host.run("rm /srv/filler")
    again = execute(host, undo("e", given))
    assert again["result"] == "done", again
    assert int(host.out("stat -c '%b' /srv/hostmedic.reserve")) * 512 >= 30 << 20


NGINX = "/etc/nginx/nginx.conf"


@options(packages=PACKAGES)
def test_a_configuration_comes_back_and_goes_again(host):
    alone(host, OFTEN)
    back = lambda key, path=NGINX: order(key, "config.rollback", "service:nginx.service", timeout=60, path=path, apply="reload")
    host.run("systemctl start nginx; chmod 0640 " + NGINX)
    refused(execute(host, back("a")), "no good copy of " + NGINX)
    host.run("hostmedic keep " + NGINX)
    assert host.out("stat -c '%U %a' /var/lib/hostmedic-actuator/known-good" + NGINX) == "root 600"
    assert "can be written by others" in host.run("echo x >/etc/loose; chmod 666 /etc/loose; hostmedic keep /etc/loose",
                                                  check=False).stderr
    assert host.run("hostmedic keep /etc/shadow", check=False).returncode != 0
    refused(execute(host, back("b")), "is what was kept as good")
    good = host.read(NGINX)

    # It fails to start with what somebody wrote.
    host.run(f"echo 'nonsense;' >>{NGINX}; systemctl restart nginx", check=False)
    assert host.show("nginx.service")["ActiveState"] == "failed"
    broken = host.read(NGINX)
    first = back("c")
    outcome = execute(host, first)
    assert outcome["result"] == "done", outcome
    assert host.is_active("nginx") and host.read(NGINX) == good
    assert host.out(f"stat -c '%U:%G %a' {NGINX}") == "root:root 640"
    assert host.out("ls -A /etc/nginx | grep -c hostmedic || true") == "0"

    # Undone, what was there is there again; that nginx cannot read it is told.
    undone = execute(host, undo("d", first))
    assert host.read(NGINX) == broken, undone
    assert undone["result"] == "failed" and "is again what it was before" in undone["text"], undone

    # What was kept turns out to be bad: nothing is left of the attempt.
    host.run(f"hostmedic keep {NGINX}")
    host.write(NGINX, good + "# fine\n")
    host.run("systemctl reset-failed nginx; systemctl restart nginx")
    worse = execute(host, back("e"))
    assert worse["result"] == "failed" and "the file was put back" in worse["text"], worse
    assert host.read(NGINX) == good + "# fine\n" and host.is_active("nginx")
    assert "hostmedic-order" not in host.out("systemctl list-units --all --no-legend --plain")


def publish(host, *debs):
    """A repository of files, as small as one can be."""
    host.run("mkdir -p /srv/repo")
    for deb in debs:
        host.run(f"cp {deb} /srv/repo/; cd /srv/repo; f=$(basename {deb}); {{ dpkg-deb -f $f; echo Filename: ./$f; "
                 "echo Size: $(stat -c %s $f); echo SHA256: $(sha256sum $f | cut -d' ' -f1); echo; } >>Packages")
    host.run("rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; "
             "echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list; apt-get -q update")


@options(packages=PACKAGES, timeout=240)
def test_a_package_goes_back_and_is_held_back(host):
    alone(host, OFTEN)
    for version in ("1.0", "2.0"):
        build_deb(host, version)
    host.write("/root/user/DEBIAN/control", "Package: hm-user\nVersion: 1\nArchitecture: all\nDepends: hm-demo (>= 2.0)\n"
                                            "Maintainer: Test <test@example.org>\nDescription: needs the new one\n")
    host.run("dpkg-deb --root-owner-group --build /root/user /root/hm-user_1.deb")
    host.run("dpkg -i /root/hm-demo_1.0.deb && dpkg -i /root/hm-demo_2.0.deb")
    publish(host, "/root/hm-demo_1.0.deb", "/root/hm-demo_2.0.deb")
    version = lambda: host.out("dpkg-query -W -f '${Version}' hm-demo")
    back = lambda key, package="hm-demo", to="1.0", of="2.0": order(
        key, "package.rollback", "service:hm-demo.service", timeout=120, package=package, version=to, network="no",
        **{"from": of})
    wait_for(lambda: host.show("hm-demo.service")["ActiveState"] == "failed", 10, "the new version cannot serve")
    refused(execute(host, back("a", of="3.0")), "hm-demo is at 2.0")
    refused(execute(host, back("b", package="hm-none")), "not installed")
    host.run("dpkg -i /root/hm-user_1.deb")
    held = execute(host, back("c"))
    assert held["result"] == "failed" and "hm-user would be removed" in held["text"], held
    assert version() == "2.0"
    host.run("dpkg -r hm-user")
    missing = execute(host, back("d", to="0.9"))
    assert missing["result"] == "failed" and "apt has no version 0.9" in missing["text"], missing
    first = back("e")
    outcome = execute(host, first)
    print(outcome["text"], outcome["details"])
    assert outcome["result"] == "done" and version() == "1.0", outcome
    wait_for(lambda: host.is_active("hm-demo"), 10, "it serves again")
    assert host.out("stat -c %a /usr/lib/hm-demo/serve") == "755"
    undone = execute(host, undo("f", first))
    assert undone["result"] == "done" and version() == "2.0", undone


def certificate(path, days):
    text = subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", "ed25519", "-keyout", "/dev/null", "-subj",
                           "/CN=www.example.org", "-days", str(days)], capture_output=True, text=True, check=True).stdout
    return path, text


@options(packages=PACKAGES)
def test_a_certificate_is_renewed_and_its_user_reloaded(host):
    alone(host, OFTEN)
    host.write(*certificate("/etc/tls/a.crt", 3))
    host.write(*certificate("/root/new.crt", 90))
    host.write("/etc/systemd/system/renew.service", "[Service]\nType=oneshot\nExecStart=cp /root/new.crt /etc/tls/a.crt\n")
    host.write("/etc/systemd/system/idle.service", "[Service]\nType=oneshot\nExecStart=true\n")
    host.write("/etc/systemd/system/user.service", "[Service]\nExecStart=sleep 1000\nExecReload=touch /run/reloaded\n")
    host.run("systemctl daemon-reload; systemctl start user")
    asked = lambda key, unit: execute(host, order(key, "certificate.renew", "certificate:/etc/tls/a.crt", timeout=30,
                                                  unit=unit, reload="user.service", near="30d", path="/etc/tls/a.crt"))
    idle = asked("a", "idle.service")
    assert idle["result"] == "failed" and "still valid until" in idle["text"], idle
    assert host.run("ls /run/reloaded", check=False).returncode != 0
    refused(asked("b", "none.service"), "none.service")
    outcome = asked("c", "renew.service")
    assert outcome["result"] == "done", outcome
    assert outcome["details"]["not_after"] > outcome["details"]["was_not_after"]
    host.run("ls /run/reloaded; cmp /root/new.crt /etc/tls/a.crt")
    refused(asked("d", "renew.service"), "is valid until")


@options(packages=PACKAGES)
def test_the_journal_shrinks_and_goes_on(host):
    alone(host)
    host.run("head -c 40000000 /dev/urandom | base64 -w 40000 | systemd-cat -t ballast; journalctl --sync")
    outcome = execute(host, order("9", "journal.vacuum", "filesystem:/", vacuum_size="8MiB"))
    assert outcome["result"] == "done" and int(outcome["details"]["bytes_freed"]) > 15 << 20, outcome
    host.run("echo still here | systemd-cat -t witness; journalctl --sync")
    assert host.out("journalctl -o cat -t witness") == "still here"
