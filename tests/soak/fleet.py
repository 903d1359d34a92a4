# SPDX-License-Identifier: Apache-2.0
"""The aggregator under a fleet: many enrolled hosts over mutual TLS, in time made shorter; flat memory, bounded store."""
import json
import os
import subprocess

import testhost
from verdict import pick, spark

STORE = 16  # MiB, so that the bound is reached
ROWS = (("aggregator RSS MiB", ("hub", "rss"), 1024), ("anonymous MiB", ("hub", "anonymous"), 1024), ("descriptors", ("hub", "descriptors"), 1),
        ("store MiB", ("files", "fleet.db"), 1 << 20), ("its log MiB", ("files", "fleet.db-wal"), 1 << 20), ("CPU s", ("hub", "cpu"), 1))


def prepare(host, hosts, put_clock):
    host.install(*testhost.package_files(("hostmedic-aggregator",)))
    host.run("hostmedic-aggregator init --name 127.0.0.1")
    host.run(["sed", "-i", "-E", f's/^#? *store_size *=.*/store_size = "{STORE}MiB"/', "/etc/hostmedic-aggregator/aggregator.toml"])
    put_clock(host, ("hostmedic-aggregator",))
    names = [f"fleet-{number:03}" for number in range(hosts)]
    host.run("mkdir -p /root/fleet && for name in $(cat); do hostmedic-aggregator enroll $name --url https://127.0.0.1:4318 "
             "--out /root/fleet/$name.bundle || exit 1; done", input="\n".join(names), timeout=300)
    here = os.path.dirname(os.path.abspath(__file__))
    for name in ("inside.py", "fleet_inside.py"):
        host.push(os.path.join(here, name), "/root/soak/" + name)
    host.run("systemctl restart hostmedic-aggregator")
    return names


def fleet(hosts, minutes, verdict, out, put_clock):
    samples = []
    with testhost.Host("fleet") as host:
        names = prepare(host, hosts, put_clock)
        process = host.popen(["python3", "/root/soak/fleet_inside.py", json.dumps({"names": names, "minutes": minutes})],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with open(out or os.devnull, "w", encoding="utf-8") as file:
            for line in process.stdout:
                samples.append(json.loads(line))
                print(line, file=file, end="", flush=True)
        if process.wait() != 0:
            raise SystemExit("the fleet ended early:\n" + process.stderr.read())
    end, last = samples.pop(), samples[-1]
    print(f"{hosts} hosts, {last['seconds'] / 3600:.1f} hours: {last['sent']} requests, {last['told']} incidents; in the store at the end: "
          "{} hosts, {} incidents, {} records, {} values".format(*last["rows"]))
    for title, path, divisor in ROWS:
        values = [pick(sample, path) for sample in samples]
        print(f"{title:<20} {values[0] / divisor:>8.1f} {values[-1] / divisor:>8.1f} {max(values) / divisor:>8.1f} {spark(values)}")
    verdict.flat(samples, "hub", "aggregator", "anonymous", last["seconds"] / 3600 / 3, 10, parts=600)
    verdict.below(samples, ("hub", "rss"), 64, "aggregator RSS MiB", 1024)
    verdict.same_descriptors(samples, "hub", "aggregator")
    verdict.below(samples, ("files", "fleet.db"), STORE * 1.25, "store MiB")
    verdict.below(samples, ("files", "fleet.db-wal"), 8, "its log MiB")
    verdict.holds(last["rows"][0] == hosts, f"hosts in the store: {last['rows'][0]}")
    verdict.holds(not end["missing"], f"of the last {end['asked']} incidents the store lacks {len(end['missing'])}")
    verdict.holds(not end["errors"], f"error lines: {len(end['errors'])}" + "".join("\n    " + line for line in end["errors"]))
    return verdict.say()
