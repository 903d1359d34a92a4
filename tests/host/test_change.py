# SPDX-License-Identifier: Apache-2.0
"""What somebody changes on a real host is told: a package with its versions and its service, a unit file, configuration,
a deployment that a pipeline marks."""
import re
import time

import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
PROBE = "/usr/lib/hostmedic/hostmedic-probe"
STATE = "/var/lib/hostmedic-probe"
# As the installed unit runs it, but printing its frames; without a state directory, which is the installed one's.
RUN = (f"systemd-run --quiet --wait --pipe --unit=watching -p User=hostmedic-probe -p 'AmbientCapabilities=CAP_DAC_READ_SEARCH "
       f"CAP_SYS_PTRACE' {PROBE} --state-dir '' --enable change")
UNIT = """[Service]
ExecStart=/usr/lib/hm-demo/serve
[Install]
WantedBy=multi-user.target
"""


def build_deb(host, version):
    """A package with a service, as small as one can be; version 2 cannot serve."""
    root = f"/root/hm-demo-{version}"
    host.write(f"{root}/DEBIAN/control", f"Package: hm-demo\nVersion: {version}\nArchitecture: all\n"
                                         "Maintainer: Test <test@example.org>\nDescription: a demonstration\n")
    host.write(f"{root}/DEBIAN/postinst", "#!/bin/sh\nset -e\nsystemctl daemon-reload\n"
                                          "systemctl enable --quiet hm-demo\nsystemctl restart hm-demo || true\n", mode=0o755)
    host.write(f"{root}/lib/systemd/system/hm-demo.service", UNIT)
    serve = "exec sleep 1000" if version == "1.0" else "exit 1"
    host.write(f"{root}/usr/lib/hm-demo/serve", f"#!/bin/sh\n{serve}\n", mode=0o755)
    host.run(f"dpkg-deb --root-owner-group --build {root} /root/hm-demo_{version}.deb")


def events(text):
    """[(seconds since 1970 of the frame, kind, entity, attributes)] of what was printed, but for the state of probes."""
    found, at = [], ""
    for line in text.splitlines():
        if match := re.match(r"frame \d+ (\S+?)(?: first)?:", line):
            at = match[1]
        if match := re.fullmatch(r"  event (change|relation) (\S+) ?(.*)", line):
            found.append((at, match[1], match[2], dict(re.findall(r'(\S+?)="([^"]*)"', match[3]))))
    return found


def of(found, kind, entity, **wanted):
    keys = {key.replace("_", ".", 1): value for key, value in wanted.items()}
    return [row for row in found if row[1] == kind and row[2] == entity and keys.items() <= row[3].items()]


@options(packages=PACKAGES, timeout=120)
def test_packages_unit_files_and_configuration_that_change_are_told(host):
    build_deb(host, "1.0")
    build_deb(host, "2.0")
    printing = host.popen(f"{RUN} --print 1000", stdout=-1, stderr=-1, text=True)
    time.sleep(2.5)  # what is there at the start is no change
    begun = time.time()
    host.run("dpkg -i /root/hm-demo_1.0.deb")
    host.run("dpkg -i /root/hm-demo_2.0.deb")
    installing = time.time() - begun
    host.write("/etc/systemd/system/hm-demo.service.d/override.conf", "[Service]\nNice=5\n")
    host.run("echo '# changed' >>/etc/nginx/nginx.conf")
    host.run("touch /etc/nginx/mime.types")
    host.run("echo 10.9.8.7 elsewhere >>/etc/hosts")
    host.run("dpkg -i /root/hm-demo_1.0.deb")
    host.run("dpkg -r hm-demo")
    time.sleep(2.5)
    host.run("systemctl stop watching")
    out, err = printing.communicate(timeout=60)
    found = events(out)
    told = [(row[3].get("change.action"), row[3].get("change.version"), row[3].get("change.previous_version"))
            for row in of(found, "change", "package:hm-demo", change_type="package")]
    assert told == [("installed", "1.0", None), ("upgraded", "2.0", "1.0"), ("downgraded", "1.0", "2.0"),
                    ("removed", None, "1.0")], (told, out, err)
    assert of(found, "relation", "service:hm-demo.service", relation_type="owned_by", relation_target="package:hm-demo",
              relation_state="present"), out
    assert of(found, "relation", "service:hm-demo.service", relation_target="package:hm-demo", relation_state="gone"), out
    assert of(found, "relation", "service:nginx.service", relation_type="owned_by", relation_state="present"), out
    dropped_in = "/etc/systemd/system/hm-demo.service.d/override.conf"
    assert of(found, "change", "service:hm-demo.service", change_type="unit_file", change_action="created",
              change_path=dropped_in), out
    assert of(found, "change", "service:nginx.service", change_type="configuration", change_action="modified",
              change_path="/etc/nginx/nginx.conf"), out
    assert of(found, "change", "host", change_type="configuration", change_path="/etc/hosts"), out
    assert not [row for row in found if "mime.types" in row[3].get("change.path", "")], out
    assert installing < 20, installing


@options(packages=PACKAGES, timeout=120)
def test_the_installed_probe_keeps_what_was_good_and_remembers(host):
    medic.ready(host)

    def probe():
        return next((row for row in medic.ask(host, "list probes") if row["name"] == "change"), {})
    wait_for(lambda: "files watched" in probe().get("reason", ""), 20, "the first look is done")
    assert probe()["state"] == "available"
    for word in ("inotify", "not here", "nothing is remembered", "room"):
        assert word not in probe()["reason"], probe()
    good = f"{STATE}/known-good/etc/nginx/nginx.conf"
    host.run(f"cmp {good} /etc/nginx/nginx.conf")
    kept = host.out(f"stat -c '%U %a' {STATE}/known-good {good} {STATE}/changes").split()
    assert kept == ["hostmedic-probe", "700", "hostmedic-probe", "600", "hostmedic-probe", "600"], kept
    names = host.out(f"cd {STATE}/known-good && find . -type f").splitlines()
    assert names and not [name for name in names if re.search(r"shadow|passwd|\.key$|\.pem$", name)], names
    closed = host.run(f"cd {STATE}/known-good && find . -type f -printf '/%P\\0' | xargs -0 -I{{}} find {{}} ! -perm -o=r")
    assert closed.stdout == "", closed.stdout

    # What changes while the probe is away is told when it is back, and only once.
    host.run("systemctl stop hostmedic-probe && echo '# later' >>/etc/nginx/nginx.conf")
    printing = f"{RUN.replace(chr(39) * 2, STATE)} --print 3"
    wanted = {"change_type": "configuration", "change_action": "modified", "change_path": "/etc/nginx/nginx.conf"}
    first = events(host.run(printing).stdout)
    assert of(first, "change", "service:nginx.service", **wanted), first
    assert host.run(f"cmp {good} /etc/nginx/nginx.conf", check=False).returncode == 1  # the one before is still kept
    assert not of(events(host.run(printing).stdout), "change", "service:nginx.service", **wanted)


@options(packages=PACKAGES, timeout=120)
def test_a_pipeline_marks_a_deployment(host):
    medic.ready(host)
    said = host.out("hostmedic deploy mark shop --version 2.1 --entity service:nginx.service")
    assert said == "Marked: shop 2.1 on service:nginx.service", said
    host.run("useradd --system --groups hostmedic ci && useradd --system nobody2")
    marked = host.run("runuser -u ci -- hostmedic deploy mark shop --json").stdout
    assert marked.strip() == '{"entities":["host"]}', marked
    assert host.run("runuser -u nobody2 -- hostmedic deploy mark shop", check=False).returncode == 4
    assert host.run("hostmedic deploy mark shop --entity 'service:no-such-*'", check=False).returncode == 1
    journal = host.out("journalctl -u hostmedic -o cat")
    assert re.search(r"deployment of shop 2\.1 marked on service:nginx\.service by uid 0 \(root\)", journal), journal
    assert re.search(r"deployment of shop marked on host by uid \d+ \(ci\)", journal), journal
