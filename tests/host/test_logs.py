# SPDX-License-Identifier: Apache-2.0
"""Logs of a real host: the journal and nginx's files are counted, under the service that wrote them."""
import re
import time

import medic
from testhost import options, wait_for

PACKAGES = ("hostmedic",)
PROBE = "/usr/lib/hostmedic/hostmedic-probe"
# As the installed unit runs it, but printing its frames.
RUN = (f"systemd-run --quiet --wait --pipe -p User=hostmedic-probe -p 'AmbientCapabilities=CAP_DAC_READ_SEARCH "
       f"CAP_SYS_PTRACE' {PROBE}")
# A service that prints with and without priorities, and lives long enough to be asked for.
NOISY = """[Service]
ExecStart=/bin/sh -c 'for i in 1 2 3; do echo "<3>broken $i"; echo "<4>odd $i"; done; echo "[error] of text"; sleep 60'
"""


def last_values(text):
    """{"service:a.service name{attributes}": value}, the last of each, from printed frames."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"  (\S+ [^ {]+(?:\{.*\})?) ([0-9.e+-]+) \S+", line)
        if match:
            found[match[1]] = float(match[2])
    return found


def records(values, who, severity, file=None):
    of_file = f"log.file.path={file}," if file else ""
    return values.get(f"{who} hostmedic.log.records{{{of_file}log.severity={severity}}}")


@options(packages=PACKAGES, timeout=120)
def test_what_is_logged_is_counted_for_the_service_that_wrote_it(host):
    medic.ready(host)
    host.write("/etc/systemd/system/noisy.service", NOISY)
    host.run("systemctl daemon-reload")
    printing = host.popen(f"{RUN} --print 16 --enable journal --enable log-files", stdout=-1, stderr=-1, text=True)
    time.sleep(3)
    host.run("systemctl start noisy")
    host.run("logger -p user.crit 'from nobody in particular'")
    for path in ("/", "/", "/", "/not-there"):
        host.run(f"curl -s http://127.0.0.1{path}")
    out, err = printing.communicate(timeout=60)
    values = last_values(out)
    noisy = "service:noisy.service"
    assert records(values, noisy, "ERROR") == 4, (values, err)  # three with a priority, one by its text
    assert records(values, noisy, "WARN") == 3, values
    assert records(values, noisy, "INFO") >= 1, values  # what systemd says of the unit
    assert records(values, "host", "FATAL") == 1, values
    assert records(values, "host", "ERROR") >= 4, values
    requests = {status: values.get("service:nginx.service hostmedic.http.server.request.count{http.response.status_code="
                                   f"{status},log.file.path=/var/log/nginx/access.log}}") for status in ("2xx", "4xx", "5xx")}
    assert requests == {"2xx": 3, "4xx": 1, "5xx": 0}, (requests, values)


@options(packages=PACKAGES, timeout=120)
def test_the_installed_probe_reads_the_journal_and_keeps_its_place(host):
    medic.ready(host)

    def state():
        return {row["name"]: row["state"] for row in medic.ask(host, "list probes")}
    wait_for(lambda: state().get("journal") == "available", 20, "the journal is read")
    cursor = "/var/lib/hostmedic-probe/journal-cursor"
    host.run("logger something")
    wait_for(lambda: host.run(f"grep -q '^s=' {cursor}", check=False).returncode == 0, 30, "the place is kept")
