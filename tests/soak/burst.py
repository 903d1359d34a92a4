# SPDX-License-Identifier: Apache-2.0
"""The real probe beside real churn, in real time: processes that are started and end, each tenth of them in a control
group of its own that is named as a container's, is there for a moment and is removed. Several rounds of the same, each
with rest after it: what the probe and the agent hold at rest must not grow from the second round, by which the agent
has once done all that it does, to the last."""
import json
import sys

import medic
import testhost

ROUNDS, REST = 4, 75  # rest: seconds, longer than anything is remembered of what has gone

# Runs in the host: COUNT processes, of which a tenth in control groups; the names go on from FIRST.
CHURN = r'''
groups=/sys/fs/cgroup/system.slice count=$1 first=$2 i=0
while [ $i -lt $count ]; do
  if [ $((i % 10)) -eq 0 ]; then
    d=$groups/docker-$(printf %064x $((first + i))).scope
    mkdir $d && sh -c "echo \$\$ >$d/cgroup.procs; exec /bin/true"
    rmdir $d || { sleep 0.01; rmdir $d; }
  else
    /bin/true
  fi
  i=$((i + 1))
done
'''

# Runs in the host: what the programs hold.
READ = r'''
import glob, json, os, subprocess
def of(unit):
    pid = subprocess.run(["systemctl", "show", "-P", "MainPID", unit], capture_output=True, text=True).stdout.strip()
    rollup = {l.split(":")[0]: int(l.split()[1]) for l in open(f"/proc/{pid}/smaps_rollup") if l.endswith("kB\n")}
    maps = memory = 0
    for name in glob.glob(f"/proc/{pid}/fdinfo/*"):
        fields = dict(l.split(":", 1) for l in open(name) if ":" in l)
        if "map_id" in fields:
            maps, memory = maps + 1, memory + int(fields.get("memlock", "0"))
    return {"pid": int(pid), "rss": rollup["Rss"], "anonymous": rollup["Anonymous"],
            "descriptors": len(os.listdir(f"/proc/{pid}/fd")), "maps": maps, "map_bytes": memory,
            "cpu": sum(int(x) for x in open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")}
print(json.dumps({unit: of("hostmedic" + ("-probe" if unit == "probe" else "")) for unit in ("agent", "probe")}))
'''


def look(host):
    told = json.loads(host.out(["python3", "-c", READ]))
    detect = medic.ask(host, "status")["detect"]
    return {**told, "entities": detect["entities"], "series": detect["series"]}


def burst(processes, verdict, out):
    """Prints a row for each round; True if everything held."""
    looks = []
    with testhost.Host("burst") as host:
        host.install(*testhost.package_files(("hostmedic",)))
        medic.ready(host)
        host.write("/root/churn.sh", CHURN)
        host.run(["sleep", str(REST)], timeout=REST + 30)
        looks.append(look(host))
        each = processes // ROUNDS
        for number in range(ROUNDS):
            begin = testhost.time.monotonic()
            host.run(["nice", "sh", "/root/churn.sh", str(each), str(number * each)], timeout=3600)
            took = testhost.time.monotonic() - begin
            print(f"{each} processes and {each // 10} control groups in {took:.0f} s", file=sys.stderr, flush=True)
            host.run(["sleep", str(REST)], timeout=REST + 30)
            looks.append(look(host))
        errors = [row["MESSAGE"] for row in host.journal("-p", "err", "_COMM=hostmedicd", "+", "_COMM=hostmedic-probe")]
    print(f"{'':<18}" + "".join(f"{'rest ' + str(n) if n else 'before':>12}" for n in range(len(looks))))
    for who in ("probe", "agent"):
        for key, divisor in (("rss", 1024), ("anonymous", 1024), ("descriptors", 1), ("maps", 1), ("map_bytes", 1 << 20), ("cpu", 1)):
            print(f"{who + ' ' + key:<18}" + "".join(f"{at[who][key] / divisor:>12.1f}" for at in looks))
    for key in ("entities", "series"):
        print(f"{key:<18}" + "".join(f"{at[key]:>12}" for at in looks))
    first, last = looks[2], looks[-1]
    # In its first quarter of an hour the agent's models fill their windows; what it does in days is the other phase's matter.
    for who, most in (("probe", 0.03), ("agent", 0.2)):
        verdict.holds(last[who]["pid"] == looks[0][who]["pid"], f"{who}: the same process all the time")
        for key, share in (("anonymous", most), ("descriptors", 0), ("maps", 0), ("map_bytes", 0.01)):
            verdict.holds(last[who][key] <= first[who][key] * (1 + share),
                          f"{who} {key}: {first[who][key]} after the second round, {last[who][key]} after the last (at most {share:.0%} more)")
    verdict.holds(last["entities"] <= first["entities"] * 1.1 + 8, f"entities: {first['entities']} after the second round, {last['entities']} after the last")
    verdict.holds(not errors, f"error lines: {len(errors)}" + "".join("\n    " + line for line in errors[:5]))
    if out:
        with open(out, "w", encoding="utf-8") as file:
            json.dump(looks, file)
    return verdict.say()
