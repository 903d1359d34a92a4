# SPDX-License-Identifier: Apache-2.0
"""Active checks, exporters and plug-ins from the installed package."""
import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic",)

CHECKS = """
[[check]]
id = "web"
url = "http://127.0.0.1/"
interval = "1s"
service = "nginx.service"

[[check]]
id = "raid"
url = "exec:raid"
interval = "1s"

[[scrape]]
id = "app"
url = "http://127.0.0.1/metrics"
interval = "1s"
allow = ["app_*"]
"""
PLUGIN = """#!/bin/sh
echo "raid_degraded_disks $(cat /run/degraded 2>/dev/null || echo 0)"
id -un >&2
touch /etc/hostmedic/plugins/mark 2>/dev/null && exit 9
[ ! -e /run/degraded ] || { echo "disk sdb is gone"; exit 2; }
"""


def value(host, name, entity):
    rows = medic.ask(host, "list series")
    found = [row for row in rows if row["name"] == name and row["entity"] == entity]
    return found[0]["value"] if found else None


@options(packages=PACKAGES)
def test_checks_are_asked_and_their_answers_are_series(host):
    host.write("/etc/hostmedic/conf.d/checks.toml", CHECKS)
    host.write("/etc/hostmedic/plugins/raid", PLUGIN, mode=0o755)
    host.write("/var/www/html/metrics", "# TYPE app_pool gauge\napp_pool 5\nother 1\n")
    host.run("systemctl restart hostmedic-check")
    medic.ready(host)
    wait_for(lambda: value(host, "hostmedic.check.up", "service:nginx.service") == 1, 20, "the page is up")
    wait_for(lambda: value(host, "app_pool", "endpoint:http://127.0.0.1/metrics") == 5, 20, "the exporter's series")
    wait_for(lambda: value(host, "raid_degraded_disks", "endpoint:exec:raid") == 0, 20, "the plug-in's series")
    assert value(host, "other", "endpoint:http://127.0.0.1/metrics") is None
    host.run("echo 1 >/run/degraded && systemctl stop nginx")
    wait_for(lambda: value(host, "hostmedic.check.up", "service:nginx.service") == 0, 20, "the page is down")
    wait_for(lambda: value(host, "hostmedic.check.up", "endpoint:exec:raid") == 0, 20, "the plug-in says no")
    # In its sandbox the plug-in is nobody and writes nowhere.
    assert host.run("test -e /etc/hostmedic/plugins/mark", check=False).returncode != 0
    assert host.show("hostmedic-check.service")["User"] == "hostmedic-check"


@options(packages=PACKAGES)
def test_without_checks_the_process_ends(host):
    medic.ready(host)
    wait_for(lambda: host.show("hostmedic-check.service")["ActiveState"] == "inactive", 20, "it has nothing to do")
    assert host.show("hostmedic-check.service")["Result"] == "success"


@options(packages=PACKAGES)
def test_a_probe_that_starts_again_keeps_its_series(host):
    medic.ready(host)
    before = medic.ask(host, "status")["detect"]["series"]
    host.run("systemctl restart hostmedic-probe")
    wait_for(lambda: value(host, "system.memory.utilization", "host") is not None, 20, "values again")
    after = medic.ask(host, "status")["detect"]["series"]
    assert after >= before * 0.9, (before, after)
