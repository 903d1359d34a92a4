# SPDX-License-Identifier: Apache-2.0
"""Other monitoring tools of the distribution in a test host, each in a unit of its own, all looking once a second. Five
idle services stand for what monit and collectd are told to watch."""
import re

PACKAGES = "netdata monit collectd-core librrd8 prometheus-node-exporter strace procps".split()

MONIT = """set daemon 1
set log /run/peers/monit.log
set pidfile /run/peers/monit.pid
set idfile /run/peers/monit.id
set statefile /run/peers/monit.state
check system host
  if loadavg (1min) per core > 8 for 5 cycles then alert
  if cpu usage > 95% for 10 cycles then alert
  if memory usage > 90% for 5 cycles then alert
check filesystem root with path /
  if space usage > 95% then alert
  if inode usage > 95% then alert
check file passwd with path /etc/passwd
  if changed timestamp then alert
""" + "".join(f"""check process svc{i} with pidfile /run/peers/svc{i}.pid
  if cpu > 80% for 5 cycles then alert
  if total memory > 500 MB for 5 cycles then alert
""" for i in range(1, 6))

COLLECTD = """Interval 1
FQDNLookup false
Hostname "bench"
BaseDir "/run/peers/collectd"
PIDFile "/run/peers/collectd.pid"
""" + "".join(f"LoadPlugin {name}\n" for name in "cpu memory df disk interface load processes vmem unixsock".split()) + """
<Plugin processes>
  Process "sleep"
  Process "monit"
  Process "netdata"
</Plugin>
<Plugin unixsock>
  SocketFile "/run/peers/collectd.sock"
</Plugin>
"""

COMMANDS = {
    "peer-netdata": "/usr/sbin/netdata -D -W set global 'run as user' root -W set web 'default port' 21999",
    "peer-monit": "/usr/bin/monit -I -c /run/peers/monitrc",
    "peer-collectd": "/usr/sbin/collectd -f -C /run/peers/collectd.conf",
    "peer-node-exporter": "/usr/bin/prometheus-node-exporter --web.listen-address=127.0.0.1:9101",
}


def start(host):
    """Starts them all; returns the names of their units."""
    for unit in ("netdata", "monit", "collectd", "prometheus-node-exporter"):
        host.run(f"systemctl disable --now {unit}", check=False)
    host.run("mkdir -p /run/peers/collectd")
    host.write("/run/peers/monitrc", MONIT, mode=0o600)
    host.write("/run/peers/collectd.conf", COLLECTD)
    for i in range(1, 6):
        host.run(f"systemd-run --quiet --unit=svc{i} sh -c 'echo $$$$ >/run/peers/svc{i}.pid; exec sleep infinity'")
    for name, command in COMMANDS.items():
        host.run(f"systemd-run --quiet --unit={name} {command}")  # not the names of the distribution's units
    # Someone has to ask an exporter, once a second; what asking costs is not counted.
    host.run("systemd-run --quiet --unit=scrape sh -c 'while :; do curl -s -o /dev/null http://127.0.0.1:9101/metrics; sleep 1; done'")
    return list(COMMANDS)


def series(host, name):
    """How many series the tool keeps, where it can be asked; otherwise None."""
    if name == "peer-node-exporter":
        lines = host.out("curl -s http://127.0.0.1:9101/metrics").splitlines()
        return sum(not line.startswith("#") for line in lines)
    if name == "peer-netdata":
        text = host.out("curl -s http://127.0.0.1:21999/api/v1/info")
        found = re.search(r'"metrics-count":\s*(\d+)', text)
        return int(found[1]) if found else None
    return None
